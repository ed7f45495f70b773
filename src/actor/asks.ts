import { addressKey, type AgentAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import type { Chance } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { InboundRecord } from './messages.ts';
import type { ShardEffects } from './shard-effects.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BridgeError) => void;
  readonly cancelTimer: () => void;
}

/**
 * Questions of this shard's agents to other agents, wherever they are. They go out at once, not with the
 * commit of the turn that asks: that turn cannot end before it has the answer.
 */
export class AskTable {
  readonly #effects: ShardEffects;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  /** From a random number, so that an answer to the shard before a crash meets nobody. */
  #last: number;

  constructor(effects: ShardEffects, clock: Clock, chance: Chance) {
    this.#effects = effects;
    this.#clock = clock;
    this.#last = chance.uint32();
  }

  /** Without an address, all shards. Rejects with the error of who answers, BRG_TIMEOUT or BRG_BUSY. */
  ask(
    address: AgentAddress | null,
    name: string,
    body: unknown,
    timeoutMs: number = limits.requestTimeoutMs,
  ): Promise<unknown> {
    if (this.#waiting.size >= limits.requestsPendingMax) {
      return Promise.reject(new BridgeError('BRG_BUSY', 'too many questions to agents are open'));
    }
    const key = address === null ? '' : addressKey(address);
    this.#last = (this.#last + 1) >>> 0;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(id);
        const message = `${key === '' ? 'a shard' : key} did not answer within ${timeoutMs} ms`;
        reject(new BridgeError('BRG_TIMEOUT', message));
      });
      this.#waiting.set(id, { resolve, reject, cancelTimer });
      this.#effects.ask(id, key, { name, body, timeoutMs });
      this.#effects.flush();
    });
  }

  /** An `answer` record: its subject is the error's code, empty for a value. */
  settle({ connection: id, subject, payload }: InboundRecord): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    waiting.cancelTimer();
    // Written by Runtime from an answer or a BridgeError.
    const said = JSON.parse(payload.toString()) as { value?: unknown; message?: string };
    if (subject === '') waiting.resolve(said.value);
    else waiting.reject(new BridgeError(subject as ErrorCode, said.message ?? ''));
  }
}
