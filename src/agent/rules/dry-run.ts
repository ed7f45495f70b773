/**
 * What a rule would have done: the stored history of its metrics, through the same evaluator as live telemetry, on a clock of its own.
 *
 * History is read in steps, because a week may hold a sample a second. Of a step with several samples a comparison
 * of the value sees the least and the greatest, a change and a rate their mean. Texts and words have no history.
 */
import { limits } from '../../base/limits.ts';
import type { DeviceDefinition, MetricValue } from '../../device/index.ts';
import { evaluateAlarm, evaluateTelemetry, type Evaluation } from './evaluate.ts';
import type { RuleMemories } from './memory.ts';
import { conditionsOf, type Rule } from './rule.ts';

export interface DryRun {
  readonly fromMs: number;
  readonly toMs: number;
  /** Firings that would have acted. */
  readonly count: number;
  /** When, ms since epoch; the newest first, at most `ruleDryRunTimesMax`. */
  readonly times: readonly number[];
  /** Steps of history that were looked at. 0: there is none of these metrics. */
  readonly steps: number;
  /** How long a step was, ms; null: every stored sample was looked at by itself. */
  readonly resolutionMs: number | null;
  /** Metrics of the rule that have no history: they are words. */
  readonly withoutHistory: readonly string[];
}

interface Point {
  readonly ts: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

/** Reads one metric, as `ActorContext.queryHistory` does. */
export type ReadHistory = (query: {
  readonly metric: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: number;
}) => readonly { readonly points: readonly Point[] }[];

type Sample = Record<string, MetricValue>;

/** Never throws for a checked rule. Its work is bounded by `ruleDryRunMs` and `ruleDryRunStepMs`. */
export function dryRun(rule: Rule, definition: DeviceDefinition, read: ReadHistory, nowMs: number): DryRun {
  const fromMs = nowMs - limits.ruleDryRunMs;
  const kinds = new Map(definition.metrics.map(({ name, kind }) => [name, kind]));
  const metrics = [...new Set(conditionsOf(rule.when).map(({ metric }) => metric))];
  const isKept = (name: string): boolean => kinds.get(name) === 'numeric' || kinds.get(name) === 'binary';
  const samples = new Map<number, Sample>();
  let steps = 0;
  let isWhole = true;
  for (const metric of metrics.filter(isKept)) {
    const points = pointsOf(metric, read, fromMs, nowMs);
    const isMean = conditionsOf(rule.when).some(
      (one) => one.metric === metric && !('value' in one || 'staleFor' in one),
    );
    steps += points.length;
    if (points.some(({ count }) => count > 1)) isWhole = false;
    addSamples(samples, metric, points, kinds.get(metric) === 'binary', isMean);
  }
  const times = firings(rule, samples, nowMs);
  return {
    fromMs,
    toMs: nowMs,
    count: times.length,
    times: times.slice(-limits.ruleDryRunTimesMax).reverse(),
    steps,
    resolutionMs: isWhole ? null : limits.ruleDryRunStepMs,
    withoutHistory: metrics.filter((name) => !isKept(name)),
  };
}

function pointsOf(metric: string, read: ReadHistory, fromMs: number, toMs: number): Point[] {
  const widthMs = limits.ruleDryRunStepMs * limits.historyPointsMax;
  const points: Point[] = [];
  for (let at = fromMs; at <= toMs; at += widthMs) {
    const endMs = Math.min(at + widthMs - 1, toMs);
    const count = Math.max(Math.ceil((endMs - at + 1) / limits.ruleDryRunStepMs), 1);
    for (const series of read({ metric, fromMs: at, toMs: endMs, points: count }))
      points.push(...series.points);
  }
  return points;
}

/** Adds one or two samples for each point, where other metrics of the same message are. */
function addSamples(
  samples: Map<number, Sample>,
  metric: string,
  points: readonly Point[],
  isBinary: boolean,
  isMean: boolean,
): void {
  const put = (ts: number, value: number): void => {
    const sample = samples.get(ts) ?? {};
    sample[metric] = isBinary ? value >= 0.5 : value;
    samples.set(ts, sample);
  };
  let before: number | undefined;
  for (const { ts, min, max, mean, count } of points) {
    if (count === 1 || min === max || isMean) {
      put(ts, mean);
      before = mean;
      continue;
    }
    // First the one that is nearer to what was before: the other way around would be one more swing.
    const isUp = before === undefined || Math.abs(before - min) <= Math.abs(before - max);
    put(ts, isUp ? min : max);
    put(ts + limits.ruleDryRunStepMs / 2, isUp ? max : min);
    before = isUp ? max : min;
  }
}

/** When the rule would have acted, oldest first; it began to watch with the first sample. */
function firings(rule: Rule, samples: ReadonlyMap<number, Sample>, nowMs: number): number[] {
  const memories: RuleMemories = {};
  const times: number[] = [];
  let alarmMs: number | null = null;
  const note = ({ fired, nextAlarmMs }: Evaluation): void => {
    alarmMs = nextAlarmMs;
    for (const { suppressed, atMs } of fired) if (!suppressed) times.push(atMs);
  };
  const alarmsUntil = (toMs: number): void => {
    // Each alarm is later than the one before, and a week has few that no sample brings.
    while (alarmMs !== null && alarmMs <= toMs) note(evaluateAlarm([rule], memories, alarmMs));
  };
  for (const ts of [...samples.keys()].sort((one, other) => one - other)) {
    alarmsUntil(ts);
    note(evaluateTelemetry([rule], memories, { ts, values: samples.get(ts) ?? {} }, ts));
  }
  alarmsUntil(nowMs);
  return times;
}
