import type { Clock } from '../base/clock.ts';
import { modelTimeout } from './model-errors.ts';

/** One signal for one try of a request: ends with the caller's, or with the first of our time limits. */
export class Lifetime {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #release: (() => void)[] = [];

  /** `leftMs` of `totalMs` are left for the whole answer. */
  constructor(clock: Clock, outer: AbortSignal | undefined, leftMs: number, totalMs: number) {
    this.#clock = clock;
    const late = (): void => this.abort(modelTimeout('no complete answer', totalMs));
    this.#release.push(clock.after(leftMs, late));
    if (outer === undefined) return;
    const follow = (): void => this.abort(outer.reason);
    if (outer.aborted) follow();
    else outer.addEventListener('abort', follow, { once: true });
    this.#release.push(() => outer.removeEventListener('abort', follow));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** The outcome of `work`; or the signal's reason, even if `work` does not care about it; or a time limit. */
  async within<T>(work: PromiseLike<T>, waitMs: number, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // Not Promise.race with one promise for the whole life: it would hold every read of a long stream.
    const aborted = (): void => reject(this.signal.reason as Error); // any value may be the reason of a signal
    const cancel = this.#clock.after(waitMs, () => this.abort(modelTimeout(what, waitMs)));
    this.signal.addEventListener('abort', aborted, { once: true });
    if (this.signal.aborted) aborted();
    work.then(resolve, reject);
    try {
      return await promise;
    } finally {
      cancel();
      this.signal.removeEventListener('abort', aborted);
    }
  }

  end(): void {
    for (const release of this.#release.splice(0)) release();
  }
}
