import type { LoopClock } from '../base/clock.ts';

/** Bounds one asynchronous turn. Each handler of it that ends in time gives the next one the whole time. */
export class Deadline {
  readonly #clock: LoopClock;
  readonly #limitMs: number;
  readonly #over: (elapsedMs: number) => void;
  readonly #sinceMs: number;
  #cancelTimer: (() => void) | undefined;
  #isOpen = true;

  /** @param over called once when time is up, unless `cancel` came first */
  constructor(clock: LoopClock, limitMs: number, over: (elapsedMs: number) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#over = over;
    this.#sinceMs = clock.elapsedMs();
    this.extend();
  }

  /** The time begins anew. */
  extend(): void {
    this.lift();
    if (!this.#isOpen) return;
    this.#cancelTimer = this.#clock.after(this.#limitMs, () => {
      this.#isOpen = false;
      this.#over(this.#clock.elapsedMs() - this.#sinceMs);
    });
  }

  /** Something else bounds the turn. */
  lift(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** The turn has ended. False: it was over its deadline before. */
  cancel(): boolean {
    this.lift();
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    return wasOpen;
  }
}
