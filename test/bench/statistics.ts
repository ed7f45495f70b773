/** Numbers of a benchmark. */

/** The middle value; the mean of the two middle ones of an even number. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** @param share 0..1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Waiting times in fixed steps of 50 us, so that a sample costs one increment. */
export class Histogram {
  readonly #counts = new Uint32Array(200_000);
  #total = 0;
  #maxMs = 0;

  add(durationMs: number, count: number): void {
    const step = Math.min(this.#counts.length - 1, Math.floor(durationMs * 20));
    this.#counts[step]! += count;
    this.#total += count;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** Upper edge of the step that holds the share, in ms. @param share 0..1 */
  quantileMs(share: number): number {
    let left = this.#total * share;
    for (let step = 0; step < this.#counts.length; step++) {
      left -= this.#counts[step]!;
      if (left <= 0) return (step + 1) / 20;
    }
    return this.#maxMs;
  }
}
