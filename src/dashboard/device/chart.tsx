/** uPlot in a component: one mean line with its min-max band for each series, a scale for each unit. */
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { MetricDescription } from '../api-types.ts';
import type { Observable } from '../observable.ts';
import { chartTable } from '../series.ts';
import type { Series } from '../series.ts';
import { useThemeTick } from '../ui/hooks.ts';

export interface PlottedSeries extends Series {
  readonly definition: MetricDescription;
  /** 1..6: which `--series-n` of the style draws it. */
  readonly colour: number;
}

interface ChartProps {
  readonly series: readonly PlottedSeries[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  /** Time under the cursor in ms; null = none. */
  readonly cursor: Observable<number | null>;
}

const HEIGHT_PX = 260;
/** Below this width a second axis would leave no room for the line. */
const TWO_AXES_FROM_PX = 560;

export function Chart(props: ChartProps): JSX.Element {
  const { series, fromMs, toMs, bucketMs, cursor } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const span = useRef<[number, number]>([0, 1]);
  span.current = [fromMs / 1000, toMs / 1000];
  const theme = useThemeTick();
  const shape = series.map((one) => one.metric).join(',');

  useLayoutEffect(() => {
    const host = box.current;
    if (host === null) return undefined;
    const made = new uPlot(options(host, series, span, cursor), tableOf(props), host);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height: HEIGHT_PX }));
    observer.observe(host);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // A new plot only when lines or colours change; data goes in below.
  }, [shape, theme]);

  useLayoutEffect(() => plot.current?.setData(tableOf(props)), [series, fromMs, toMs, bucketMs]);

  return (
    <div
      ref={box}
      class="chart"
      tabIndex={0}
      role="group"
      aria-label="Chart. Left and right arrow keys step through the values."
      onKeyDown={(event) => {
        if (plot.current !== null && step(plot.current, event.key)) event.preventDefault();
      }}
    />
  );
}

function tableOf({ series, bucketMs }: ChartProps): uPlot.AlignedData {
  // as: uPlot's type wants tuples of number arrays; chartTable's are those, with holes.
  return chartTable(series, bucketMs) as uPlot.AlignedData;
}

/** Moves the cursor one value; Home and End jump. Answers whether the key meant something. */
function step(plot: uPlot, key: string): boolean {
  const xs = plot.data[0];
  const last = xs.length - 1;
  const now = plot.cursor.idx ?? last + 1;
  const next =
    key === 'ArrowLeft'
      ? now - 1
      : key === 'ArrowRight'
        ? now + 1
        : key === 'Home'
          ? 0
          : key === 'End'
            ? last
            : null;
  if (next === null || last < 0) return false;
  const x = xs[Math.max(0, Math.min(last, next))];
  if (x !== undefined) plot.setCursor({ left: plot.valToPos(x, 'x'), top: 0 });
  return true;
}

function options(
  host: HTMLElement,
  series: readonly PlottedSeries[],
  span: { readonly current: [number, number] },
  cursor: Observable<number | null>,
): uPlot.Options {
  const ink = colourOf(host, '--muted');
  const grid = { stroke: colourOf(host, '--line'), width: 1 };
  const scales = [...new Set(series.map(scaleOf))];
  const isWide = host.clientWidth >= TWO_AXES_FROM_PX;
  const yAxes = scales.slice(0, isWide ? 2 : 1).map((scale, index): uPlot.Axis => ({
    scale,
    side: index === 0 ? 3 : 1,
    stroke: axisInk(host, scale, series),
    font: AXIS_FONT,
    grid: index === 0 ? grid : { show: false },
    ticks: { show: false },
    size: (_, values) => 20 + CHARACTER_PX * Math.max(4, ...(values ?? []).map((text) => text.length)),
    values: (_, splits) => splits.map((value) => tickText(value, scale, isWide ? series : [])),
  }));
  return {
    width: host.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => span.current },
      ...Object.fromEntries(scales.map((scale) => [scale, { range: paddedRange }])),
    },
    axes: [
      {
        stroke: ink,
        font: AXIS_FONT,
        grid,
        ticks: { show: false },
        space: 72,
        incrs: TIME_STEPS,
        values: TIMES,
      },
      ...yAxes,
    ],
    series: [{}, ...series.flatMap((one) => lines(host, one))],
    bands: series.map((one, index) => ({
      series: [index * 3 + 1, index * 3 + 2],
      fill: `${colourOf(host, `--series-${one.colour}`)}`.replace('rgb(', 'rgba(').replace(')', ', 0.16)'),
    })),
    hooks: {
      setCursor: [
        (plot) => {
          const x = plot.cursor.idx == null ? undefined : plot.data[0][plot.cursor.idx];
          cursor.set(x === undefined ? null : Math.round(x * 1000));
        },
      ],
    },
  };
}

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
/** Seconds between ticks. uPlot's own list leaves a narrow chart of 5 minutes with one tick. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7].map((n) => n * DAY),
];

/** Tick text by step, in uPlot's table form: seconds of the step, its text, then what a new year, month or day adds. */
const TIMES: uPlot.Axis.Values = [
  [86_400, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', null, null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', null, null, '\n{D} {MMM}', null, null, null, 1],
];

const AXIS_FONT = '11px system-ui, sans-serif';
/** About what a digit of AXIS_FONT takes. */
const CHARACTER_PX = 6.2;

/** Max and min without a stroke (the band fills between them), then the mean. */
function lines(host: HTMLElement, one: PlottedSeries): uPlot.Series[] {
  const scale = scaleOf(one);
  const stroke = colourOf(host, `--series-${one.colour}`);
  const edge: uPlot.Series = { scale, width: 0, points: { show: false } };
  const stepped = one.definition.kind === 'binary' ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  const mean: uPlot.Series = { scale, stroke, width: 1.75, points: { size: 4, fill: stroke } };
  return [edge, edge, stepped === undefined ? mean : { ...mean, paths: stepped }];
}

/** The colour of the one line an axis belongs to, which tells two axes apart; an axis of several lines is plain. */
function axisInk(host: HTMLElement, scale: string, series: readonly PlottedSeries[]): string {
  const [first, second] = series.filter((one) => scaleOf(one) === scale);
  const isPlain = first === undefined || second !== undefined || series.length === 1;
  return colourOf(host, isPlain ? '--muted' : `--series-${first.colour}`);
}

/** A value on the axis, with its unit where one of `series` knows it; a binary scale has two values. */
function tickText(value: number, scale: string, series: readonly PlottedSeries[]): string {
  if (scale === BINARY_SCALE) return value === 0 ? 'off' : value === 1 ? 'on' : '';
  const unit = series.find((one) => scaleOf(one) === scale)?.definition.unit;
  return `${Number(value.toFixed(6))}${unit == null ? '' : `\u202f${unit}`}`;
}

const BINARY_SCALE = 'on/off';

/** Metrics of one unit share a scale. */
function scaleOf(one: PlottedSeries): string {
  return one.definition.kind === 'binary' ? BINARY_SCALE : (one.definition.unit ?? one.metric);
}

/** A tenth of air above and below; a constant line gets one unit, so that it is not drawn as noise. */
function paddedRange(_: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const air = max === min ? 1 : (max - min) * 0.1;
  return [min - air, max + air];
}

/** A style variable as the rgb() a canvas takes, resolved for the theme of now. */
function colourOf(host: HTMLElement, variable: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
