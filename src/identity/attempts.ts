import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

interface Failures {
  count: number;
  sinceMs: number;
}

/** Counts who fails to say who they are, by where they come from, so that guessing takes long. */
export class Attempts {
  readonly #failures = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  failed(source: string): void {
    const known = this.#current(source);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (this.#failures.size >= limits.failedSourcesMax) forgetOldest(this.#failures);
    this.#failures.set(source, { count: 1, sinceMs: this.#now() });
  }

  /** Whether it failed so often within the window that it has to wait for its end. */
  isBlocked(source: string): boolean {
    return (this.#current(source)?.count ?? 0) >= limits.failedLoginsMax;
  }

  /** How long it has to wait; 0: it is not blocked. */
  waitMs(source: string): number {
    const known = this.#current(source);
    if (known === undefined || known.count < limits.failedLoginsMax) return 0;
    return known.sinceMs + limits.failedLoginsWindowMs - this.#now();
  }

  #current(source: string): Failures | undefined {
    const known = this.#failures.get(source);
    if (known === undefined || this.#now() - known.sinceMs < limits.failedLoginsWindowMs) return known;
    this.#failures.delete(source);
    return undefined;
  }
}
