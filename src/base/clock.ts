/** Time comes in through here so that tests can hold it in their hands. Milliseconds since epoch. */
export interface Clock {
  now(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels. Never keeps a process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/** setTimeout counts in a signed 32-bit number of milliseconds; longer delays fire at once. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), TIMEOUT_MAX_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
