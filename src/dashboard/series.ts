/** Chart data: buckets of min, mean and max, grown by live values and bounded by the range shown. */
import type { HistoryPoint } from './api-types.ts';

export interface Series {
  readonly metric: string;
  readonly points: readonly HistoryPoint[];
}

export interface ChartRange {
  readonly label: string;
  readonly ms: number;
}

export const RANGES: readonly ChartRange[] = [
  { label: '5 min', ms: 5 * 60_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '24 h', ms: 24 * 3_600_000 },
  { label: '7 d', ms: 7 * 24 * 3_600_000 },
];

/** Buckets a range is asked in: half a second in the shortest, so that one value a second stays one point. */
export const CHART_POINTS = 600;

/** Width of one bucket of a range, in ms. */
export function bucketMs(range: ChartRange): number {
  return range.ms / CHART_POINTS;
}

/**
 * `points` with one more live value: it joins the last bucket while that is younger than `widthMs`, else it
 * opens one. A value that is not newer than the last bucket's first (history has it, or it comes from a
 * device's outbox) changes nothing: the next read of history has it in its place.
 */
export function appendPoint(
  points: readonly HistoryPoint[],
  ts: number,
  value: number,
  widthMs: number,
): readonly HistoryPoint[] {
  const last = points.at(-1);
  if (last !== undefined && ts <= last.ts) return points;
  if (last === undefined || ts - last.ts >= widthMs) {
    return [...points, { ts, min: value, max: value, mean: value, count: 1 }];
  }
  const joined: HistoryPoint = {
    ts: last.ts,
    min: Math.min(last.min, value),
    max: Math.max(last.max, value),
    mean: (last.mean * last.count + value) / (last.count + 1),
    count: last.count + 1,
  };
  return [...points.slice(0, -1), joined];
}

/** `points` without those before `fromMs`; the same array when nothing was too old. */
export function dropBefore(points: readonly HistoryPoint[], fromMs: number): readonly HistoryPoint[] {
  const keep = points.findIndex((point) => point.ts >= fromMs);
  if (keep === 0 || points.length === 0) return points;
  return keep === -1 ? [] : points.slice(keep);
}

/**
 * A table for uPlot: x in seconds, then max, min and mean of each series. undefined = no bucket of this series
 * at this x (the line runs on); null = the device was silent (the line breaks).
 */
export type ChartTable = [number[], ...(number | null | undefined)[][]];

/** Joins series on time. Silence is drawn as silence, never as a line between two far points. */
export function chartTable(series: readonly Series[], widthMs: number): ChartTable {
  const gaps = series.map((one) => silences(one.points, widthMs));
  const stamps = new Set(gaps.flatMap((silent) => [...silent]));
  for (const one of series) for (const point of one.points) stamps.add(point.ts);
  const xs = [...stamps].sort((a, b) => a - b);
  const columns = series.flatMap((one, index) => {
    const at = new Map(one.points.map((point) => [point.ts, point]));
    const silent = gaps[index];
    const column = (key: 'max' | 'min' | 'mean'): (number | null | undefined)[] =>
      xs.map((ts) => at.get(ts)?.[key] ?? (silent?.has(ts) ? null : undefined));
    return [column('max'), column('min'), column('mean')];
  });
  return [xs.map((ts) => ts / 1000), ...columns];
}

/**
 * Times in the middle of each silence: a pause longer than four usual intervals (the median) and two and a
 * half buckets. A device that reports every ten minutes is not silent between two reports.
 */
function silences(points: readonly HistoryPoint[], widthMs: number): Set<number> {
  const pauses = points.slice(1).map((point, index) => point.ts - (points[index]?.ts ?? point.ts));
  const median = [...pauses].sort((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0;
  const longest = Math.max(widthMs * 2.5, median * 4);
  const silent = new Set<number>();
  for (const [index, pause] of pauses.entries()) {
    const before = points[index];
    if (before !== undefined && pause > longest) silent.add(before.ts + pause / 2);
  }
  return silent;
}

export interface Summary {
  /** Time of the first value, in ms. */
  readonly firstMs: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
  readonly buckets: number;
}

/** Lowest, highest, weighted mean and newest value; null without points. For people who do not see the chart. */
export function summarise(points: readonly HistoryPoint[]): Summary | null {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return null;
  let sum = 0;
  let weight = 0;
  let min = Infinity;
  let max = -Infinity;
  for (const point of points) {
    sum += point.mean * point.count;
    weight += point.count;
    min = Math.min(min, point.min);
    max = Math.max(max, point.max);
  }
  const mean = weight === 0 ? last.mean : sum / weight;
  return { firstMs: first.ts, min, max, mean, last: last.mean, buckets: points.length };
}

/** Part of the range by which a browser's clock may run behind the bridge's before the newest values are cut. */
const SKEW_PART = 0.1;

/** Where the chart ends, in ms: now, or the newest value where the bridge's clock is a little ahead of this one. */
export function chartEnd(series: readonly Series[], range: ChartRange, nowMs: number): number {
  const newest = Math.max(nowMs, ...series.map((one) => one.points.at(-1)?.ts ?? nowMs));
  return newest - nowMs <= range.ms * SKEW_PART ? newest : nowMs;
}

/** Part of a range that may lie empty at its start and the range still counts as covered. */
const COVERED_PART = 0.05;

/** Whether values from `firstMs` on stand for the whole range that ends at `toMs`. */
export function isCovered(firstMs: number, range: ChartRange, toMs: number): boolean {
  return firstMs - (toMs - range.ms) <= range.ms * COVERED_PART;
}

/** A live value as a number for the chart: booleans are 0 and 1; text has no place on it. */
export function chartable(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
