import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** How many requests each caller may make: a bucket of `burst` that fills with `perSecond`. */
export class RequestRates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;
  readonly #perSecond: number;
  readonly #burst: number;

  constructor({
    now = () => performance.now(),
    perSecond = limits.httpRequestsPerSecondMax,
    burst = limits.httpRequestsBurstMax,
  }: { now?: () => number; perSecond?: number; burst?: number } = {}) {
    this.#now = now;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one request of the caller's. @returns how long to wait until there is one again, in ms; 0: it was taken */
  take(caller: string): number {
    const nowMs = this.#now();
    const known = this.#buckets.get(caller);
    const filled =
      known === undefined ? this.#burst : known.tokens + ((nowMs - known.atMs) / 1000) * this.#perSecond;
    const tokens = Math.min(this.#burst, filled);
    this.#buckets.delete(caller); // so that it is the youngest
    if (this.#buckets.size >= limits.httpRatesKeptMax) forgetOldest(this.#buckets);
    this.#buckets.set(caller, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    return tokens < 1 ? Math.ceil(Math.fround(((1 - tokens) / this.#perSecond) * 1000)) : 0;
  }
}
