/** History and live values of the chosen metrics, as a chart, as words and as a table. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { HistoryPoint, MetricDescription, ModelDescription } from '../api-types.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { clockTime, metricValue } from '../format.ts';
import { Observable } from '../observable.ts';
import { bucketMs, chartEnd, dropBefore, isCovered, RANGES, summarise } from '../series.ts';
import type { ChartRange } from '../series.ts';
import { isObject } from '../twin.ts';
import { useNow, useObservable } from '../ui/hooks.ts';
import { Card, Empty, ProblemBox, Skeleton } from '../ui/widgets.tsx';
import { Chart } from './chart.tsx';
import type { PlottedSeries } from './chart.tsx';
import { useHistory } from './history.ts';
import type { Points } from './history.ts';

const FIRST_RANGE = RANGES[0] ?? { label: '5 min', ms: 300_000 };
const COLOURS = 6;
const TABLE_ROWS = 60;
export function ChartCard({
  feed,
  definition,
}: {
  feed: DeviceFeed;
  definition: ModelDescription;
}): JSX.Element {
  const metrics = useMemo(
    () => definition.metrics.filter((one) => one.kind === 'numeric' || one.kind === 'binary'),
    [definition],
  );
  const [range, setRange] = useState<ChartRange>(FIRST_RANGE);
  const [chosen, setChosen] = useState(() => firstChoice(metrics));
  const [isTable, setTable] = useState(false);
  const { loading, points, retry } = useHistory(feed, range);
  const state = useObservable(feed.description)?.state;
  const cursor = useMemo(() => new Observable<number | null>(null), []);
  useNow(); // the range moves on, also while the device is silent
  const all = useMemo(() => plotted(metrics, chosen, points), [metrics, chosen, points]);
  const toMs = chartEnd(all, range, Date.now());
  const fromMs = toMs - range.ms;
  const series = all.map((one) => ({ ...one, points: dropBefore(one.points, fromMs) }));
  const isEmpty = series.every((one) => one.points.length === 0);
  return (
    <Card title="History" id="history" class="wide" aside={<Ranges range={range} setRange={setRange} />}>
      <Legend
        metrics={metrics}
        chosen={chosen}
        setChosen={setChosen}
        points={points}
        state={state}
        cursor={cursor}
      />
      {loading.kind === 'failed' && <ProblemBox problem={loading.problem} onRetry={retry} />}
      {loading.kind === 'loading' && isEmpty && <Skeleton rows={5} />}
      {loading.kind === 'ready' && isEmpty && (
        <Empty>
          {chosen.size === 0 ? 'Choose a metric above.' : `No values in the last ${range.label}.`}
        </Empty>
      )}
      {!isEmpty && !isTable && (
        <Chart series={series} fromMs={fromMs} toMs={toMs} bucketMs={bucketMs(range)} cursor={cursor} />
      )}
      {!isEmpty && isTable && <Table series={series} />}
      <div class="form-foot">
        <Words series={series} range={range} toMs={toMs} />
        <button type="button" class="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? 'Show chart' : 'Show table'}
        </button>
      </div>
    </Card>
  );
}

/** Two metrics to begin with; degrees of a position draw nothing worth seeing. */
function firstChoice(metrics: readonly MetricDescription[]): ReadonlySet<string> {
  const lines = metrics.filter((one) => one.unit !== '°');
  return new Set((lines.length > 0 ? lines : metrics).slice(0, 2).map((one) => one.name));
}

function plotted(
  metrics: readonly MetricDescription[],
  chosen: ReadonlySet<string>,
  points: Points,
): PlottedSeries[] {
  return metrics.flatMap((definition, index) =>
    chosen.has(definition.name)
      ? [
          {
            metric: definition.name,
            definition,
            colour: (index % COLOURS) + 1,
            points: points.get(definition.name) ?? [],
          },
        ]
      : [],
  );
}

function Ranges({
  range,
  setRange,
}: {
  range: ChartRange;
  setRange: (range: ChartRange) => void;
}): JSX.Element {
  return (
    <div class="segments" role="group" aria-label="Range">
      {RANGES.map((one) => (
        <button
          key={one.label}
          type="button"
          aria-pressed={one.ms === range.ms}
          onClick={() => setRange(one)}
        >
          {one.label}
        </button>
      ))}
    </div>
  );
}

/** Legend and metric choice in one: each entry shows the value under the cursor, else the newest. */
function Legend(props: {
  metrics: readonly MetricDescription[];
  chosen: ReadonlySet<string>;
  setChosen: (chosen: ReadonlySet<string>) => void;
  points: Points;
  state: unknown;
  cursor: Observable<number | null>;
}): JSX.Element {
  const { metrics, chosen, setChosen, points } = props;
  const newest = isObject(props.state) ? props.state : {};
  const at = useObservable(props.cursor);
  const toggle = (name: string): void => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  return (
    <div class="legend" role="group" aria-label="Metrics">
      {metrics.map((metric, index) => (
        <button
          key={metric.name}
          type="button"
          class={`legend-item series-${(index % COLOURS) + 1}`}
          aria-pressed={chosen.has(metric.name)}
          onClick={() => toggle(metric.name)}
        >
          <span class="legend-swatch" aria-hidden="true" />
          {metric.name}{' '}
          <strong>
            {at === null && newest[metric.name] !== undefined
              ? metricValue(newest[metric.name], metric)
              : legendValue(points.get(metric.name), at, metric)}
          </strong>
        </button>
      ))}
      <span class={`legend-time muted ${at === null ? 'is-now' : ''}`} aria-live="polite">
        {at === null ? 'now' : clockTime(at, Date.now())}
      </span>
    </div>
  );
}

function legendValue(
  points: readonly HistoryPoint[] | undefined,
  at: number | null,
  metric: MetricDescription,
): string {
  const point = at === null ? points?.at(-1) : points?.findLast((one) => one.ts <= at + 1);
  if (point === undefined) return '–';
  return metric.kind === 'binary' ? (point.mean >= 0.5 ? 'on' : 'off') : metricValue(point.mean, metric);
}

/** The chart for people who do not see it. */
function Words({
  series,
  range,
  toMs,
}: {
  series: readonly PlottedSeries[];
  range: ChartRange;
  toMs: number;
}): JSX.Element {
  return (
    <p class="muted chart-words">
      {series.map(({ metric, definition, points }) => {
        const summary = summarise(points);
        if (summary === null || definition.kind === 'binary') return null;
        const show = (value: number): string => metricValue(value, definition);
        return (
          <span key={metric}>
            {metric}: {show(summary.min)} to {show(summary.max)}, mean {show(summary.mean)}{' '}
            {isCovered(summary.firstMs, range, toMs)
              ? `in the last ${range.label}`
              : `since ${clockTime(summary.firstMs, toMs)}`}
            .{' '}
          </span>
        );
      })}
    </p>
  );
}

function Table({ series }: { series: readonly PlottedSeries[] }): JSX.Element {
  const now = Date.now();
  const stamps = [...new Set(series.flatMap((one) => one.points.map((point) => point.ts)))].sort(
    (a, b) => b - a,
  );
  const columns = series.map((one) => ({
    ...one,
    at: new Map(one.points.map((point) => [point.ts, point])),
  }));
  return (
    <div class="scroll-x chart-table" tabIndex={0} role="region" aria-label="Values">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {columns.map((one) => (
              <th key={one.metric} scope="col">
                {one.metric}, mean (min to max)
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {stamps.slice(0, TABLE_ROWS).map((ts) => (
            <tr key={ts}>
              <th scope="row">{clockTime(ts, now)}</th>
              {columns.map(({ metric, definition, at }) => (
                <td key={metric}>{bucketText(at.get(ts), definition)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function bucketText(point: HistoryPoint | undefined, metric: MetricDescription): string {
  if (point === undefined) return '–';
  const mean = metricValue(point.mean, metric);
  return point.min === point.max
    ? mean
    : `${mean} (${metricValue(point.min, metric)} to ${metricValue(point.max, metric)})`;
}
