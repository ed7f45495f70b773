/**
 * A token bucket: holds what a second allows, and fills at that rate. What is taken may exceed what it holds, because it
 * is known only afterwards; then it has to be waited for.
 */
export class Bucket {
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#atMs = nowMs;
  }

  /** Takes `count`. @returns ms until there is something again; 0: there is */
  take(count: number, nowMs: number): number {
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1000);
    this.#atMs = nowMs;
    this.#left -= count;
    return this.#left >= 0 ? 0 : (-this.#left * 1000) / this.#perSecond;
  }
}
