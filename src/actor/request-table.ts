import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import type { Chance } from '../base/ids.ts';
import { limits } from '../base/limits.ts';

export type Answer = { ok: true; json: string } | { ok: false; error: BridgeError };

interface Pending {
  /** Of the shard that is asked. */
  readonly shard: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BridgeError) => void;
  readonly cancelTimer: () => void;
}

/** Requests on their way to agents, by a number that a replay of an earlier run cannot hit by chance. */
export class RequestTable {
  readonly #pending = new Map<number, Pending>();
  readonly #clock: Clock;
  #last: number;

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock;
    this.#last = chance.uint32();
  }

  /** @param shard number of the one that answers. Sends by calling `send` with the request's number. Rejects with BRG_BUSY or BRG_TIMEOUT. */
  open(shard: number, timeoutMs: number, send: (request: number) => void): Promise<unknown> {
    if (this.#pending.size >= limits.requestsPendingMax) {
      return Promise.reject(
        new BridgeError('BRG_BUSY', 'too many requests are waiting for agents; try again'),
      );
    }
    this.#last = (this.#last + 1) >>> 0;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        this.#pending.delete(request);
        reject(new BridgeError('BRG_TIMEOUT', `the agent did not answer within ${timeoutMs} ms`));
      });
      this.#pending.set(request, { shard, resolve, reject, cancelTimer });
      send(request);
    });
  }

  settle(request: number, answer: Answer): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    pending.cancelTimer();
    if (answer.ok) pending.resolve(JSON.parse(answer.json));
    else pending.reject(answer.error);
  }

  rejectAll(error: BridgeError): void {
    for (const [request, pending] of this.#pending) this.#reject(request, pending, error);
  }

  /** The answers of one shard are lost. */
  rejectOf(shard: number, error: BridgeError): void {
    for (const [request, pending] of this.#pending) {
      if (pending.shard === shard) this.#reject(request, pending, error);
    }
  }

  #reject(request: number, pending: Pending, error: BridgeError): void {
    this.#pending.delete(request);
    pending.cancelTimer();
    pending.reject(error);
  }
}
