/**
 * `keepAlive`: as long as somebody holds it, the agent does not leave memory. Nothing of it is stored: a
 * restart ends every hold.
 *
 * I1 A hold that nobody releases ends after `limits.keepAliveMsMax`, with a line in the log.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { FiberHost } from './fiber-host.ts';

interface Hold {
  readonly sinceMs: number;
}

export class KeepAlive {
  readonly #host: FiberHost;
  /** The oldest first. */
  readonly #holds = new Set<Hold>();

  constructor(host: FiberHost) {
    this.#host = host;
  }

  /** Returns what ends it; calling that twice does no harm. @throws BridgeError BRG_FIBERS_FULL */
  hold(): () => void {
    this.#expire();
    const limit = limits.keepAlivesPerAgentMax;
    if (this.#holds.size >= limit)
      throw new BridgeError('BRG_FIBERS_FULL', `the agent is kept alive ${limit} times already`);
    const hold = { sinceMs: this.#host.now() };
    this.#holds.add(hold);
    return () => void this.#holds.delete(hold);
  }

  get isHeld(): boolean {
    this.#expire();
    return this.#holds.size > 0;
  }

  /** I1 */
  #expire(): void {
    const now = this.#host.now();
    for (const hold of this.#holds) {
      if (now - hold.sinceMs < limits.keepAliveMsMax) return;
      this.#holds.delete(hold);
      this.#host.warn({ heldMs: now - hold.sinceMs }, 'keepAlive was not released');
    }
  }
}
