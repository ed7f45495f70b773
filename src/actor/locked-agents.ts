/**
 * Agents whose file another process has open: they cannot wake. What the journal has for them, and what their devices
 * do, waits here in its order and is tried again; it counts as not applied, so that the journal keeps it.
 */
import type { LoopClock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';

export class LockedAgents {
  readonly #clock: LoopClock;
  readonly #log: Log;
  readonly #isStopped: () => boolean;
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(clock: LoopClock, log: Log, isStopped: () => boolean) {
    this.#clock = clock;
    this.#log = log;
    this.#isStopped = isStopped;
  }

  /** Gives something to an agent, or keeps it for later behind what waits for it. @param give throws BRG_BUSY when it cannot wake */
  offer(key: string, give: () => void): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.push(give);
      return;
    }
    try {
      give();
    } catch (error) {
      if (!isLocked(error)) throw error;
      this.#log.error({ agent: key, err: error.message }, 'agent cannot wake: what is for it waits');
      this.#keep(key, [give]);
    }
  }

  #keep(key: string, waiting: (() => void)[]): void {
    this.#waiting.set(key, waiting);
    this.#clock.after(limits.diskRetryMs, () => this.#again(key, waiting));
  }

  #again(key: string, waiting: (() => void)[]): void {
    if (this.#isStopped()) return; // the next start replays
    const [first] = waiting;
    try {
      first?.();
    } catch (error) {
      if (!isLocked(error)) throw error;
      this.#keep(key, waiting);
      return;
    }
    this.#waiting.delete(key);
    for (const give of waiting.slice(1)) this.offer(key, give);
  }
}

export function isLocked(error: unknown): error is BridgeError {
  return error instanceof BridgeError && error.code === 'BRG_BUSY';
}
