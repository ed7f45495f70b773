import { AsyncLocalStorage } from 'node:async_hooks';

/** Time comes in through here so that tests can hold it in their hands. Milliseconds since epoch. */
export interface Clock {
  now(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels. Never keeps a process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * What the actor runtime has of the event loop. Everything that makes the order of its steps comes in through
 * here (and `Chance`), so that a simulator can replay each order it has seen.
 */
export interface LoopClock extends Clock {
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number;
  /** Calls `callback` when what is ready to run now has run, those first that asked first. */
  soon(callback: () => void): void;
  /** Resolves after `delayMs`; until then the process stays alive. */
  pause(delayMs: number): Promise<void>;
}

/**
 * Runs our own code in no author's asynchronous flow, although a turn began it: an error in it is not the author's,
 * see `getCurrentAgent`. Modules are loaded outside of every flow.
 */
export const outside: <T>(code: () => T) => T = AsyncLocalStorage.snapshot();

/** setTimeout counts in a signed 32-bit number of milliseconds; longer delays fire at once. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

export const systemClock: LoopClock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(outside, Math.min(Math.max(delayMs, 0), TIMEOUT_MAX_MS), callback);
    timer.unref();
    return () => clearTimeout(timer);
  },
  elapsedMs: () => performance.now(),
  soon: (callback) => void setImmediate(callback),
  pause: (delayMs) => new Promise((resume) => setTimeout(resume, delayMs)),
};
