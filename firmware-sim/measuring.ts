import type { Clock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';

interface MeasureTimerOptions {
  readonly clock: Clock;
  /** Milliseconds between two measurements, asked anew each time. */
  intervalMs(): number;
  measure(): void;
}

/** Calls `measure` at a steady rate; a late timer makes up for what it missed, within a limit. */
export class MeasureTimer {
  readonly #options: MeasureTimerOptions;
  #state: { readonly kind: 'stopped' } | { readonly kind: 'started'; readonly cancel: () => void } = {
    kind: 'stopped',
  };

  constructor(options: MeasureTimerOptions) {
    this.#options = options;
  }

  get isStarted(): boolean {
    return this.#state.kind === 'started';
  }

  /** First measurement after `delayMs`. Starts over when it was already started. */
  start(delayMs: number): void {
    this.stop();
    this.#schedule(this.#options.clock.now() + delayMs);
  }

  stop(): void {
    if (this.#state.kind === 'started') this.#state.cancel();
    this.#state = { kind: 'stopped' };
  }

  #schedule(dueMs: number): void {
    const { clock } = this.#options;
    const cancel = clock.after(dueMs - clock.now(), () => this.#onDue(dueMs));
    this.#state = { kind: 'started', cancel };
  }

  #onDue(firstDueMs: number): void {
    const { clock, measure, intervalMs } = this.#options;
    const now = clock.now();
    let dueMs = firstDueMs;
    for (let made = 0; dueMs <= now && made < limits.simulatorCatchUpMax; made++) {
      measure();
      dueMs += intervalMs();
    }
    this.#schedule(Math.max(dueMs, now));
  }
}
