/** Sparklines: a bounded ring of values and the SVG path through them. */

/** Points a sparkline keeps: about one per two pixels of its width. */
export const TREND_POINTS_MAX = 48;
/** What a device's sparkline spans, and the part of it one point stands for. */
export const TREND_SPAN_MS = 5 * 60_000;
const TREND_BUCKET_MS = TREND_SPAN_MS / TREND_POINTS_MAX;

/** The last values of one metric, oldest first when read. Allocated only for rows that move. */
export class Trend {
  readonly #bucketMs: number;
  readonly #values = new Float64Array(TREND_POINTS_MAX);
  #next = 0;
  #length = 0;
  #bucketStartMs = -Infinity;

  constructor(bucketMs = TREND_BUCKET_MS) {
    this.#bucketMs = bucketMs;
  }

  get length(): number {
    return this.#length;
  }

  /** A value of `atMs`; within a bucket the newest one counts, so that a fast device spans as long as a slow one. */
  push(value: number, atMs: number): void {
    if (this.#length > 0 && atMs - this.#bucketStartMs < this.#bucketMs) {
      this.#values[(this.#next - 1 + TREND_POINTS_MAX) % TREND_POINTS_MAX] = value;
      return;
    }
    this.#bucketStartMs = atMs;
    this.#append(value);
  }

  #append(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % TREND_POINTS_MAX;
    if (this.#length < TREND_POINTS_MAX) this.#length++;
  }

  /** Puts older values before those that are already there, as far as there is room. */
  prepend(older: readonly number[]): void {
    const kept = [...older, ...this.values()].slice(-TREND_POINTS_MAX);
    this.#next = 0;
    this.#length = 0;
    for (const value of kept) this.#append(value);
  }

  values(): number[] {
    const start = (this.#next - this.#length + TREND_POINTS_MAX) % TREND_POINTS_MAX;
    return Array.from(
      { length: this.#length },
      (_, index) => this.#values[(start + index) % TREND_POINTS_MAX] ?? 0,
    );
  }
}

/**
 * The `d` of a path through `values` in a box of `width` x `height` with a margin of 1.5, newest at the
 * right edge. A constant line runs through the middle; fewer than two values give ''.
 */
export function sparklinePath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return '';
  const margin = 1.5;
  const min = Math.min(...values);
  const span = Math.max(...values) - min;
  const step = (width - 2 * margin) / (values.length - 1);
  const y = (value: number): number =>
    span === 0 ? height / 2 : height - margin - ((value - min) / span) * (height - 2 * margin);
  return values
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${round(margin + index * step)} ${round(y(value))}`)
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
