/** When somebody should look whether a thread is stuck. */

/** Ticks without a beat before the thread is looked at. */
export const STALL_TICKS = 8;
/** A tick that comes so much later than two should was held up by more than a busy machine. */
const AWAY_MS = 500;

/** Counts ticks without a beat. */
export class StallCounter {
  readonly #intervalMs: number;
  #beats = 0;
  #ticks = 0;
  #lastMs: number | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** True: the thread has not got on for so long that somebody should look. @param nowMs of a clock that never goes back */
  tick(beats: number, nowMs: number): boolean {
    const wasAway = this.#lastMs !== undefined && nowMs - this.#lastMs > 2 * this.#intervalMs + AWAY_MS;
    this.#lastMs = nowMs;
    // Without a first beat it has not taken up its work.
    if (beats !== this.#beats || beats === 0 || wasAway) {
      this.#beats = beats;
      this.#ticks = 0;
      return false;
    }
    return ++this.#ticks >= STALL_TICKS;
  }
}
