/**
 * What the main thread refuses: messages of devices whose agents are behind, and everything while the bridge stops.
 *
 * I1 A refusal is said after the outcomes of what came before it, and an agent is busy until all of them are said: so
 *    nothing overtakes what its device will send again.
 */
import type { Delivery } from './port.ts';
import type { ShardClient } from './shard-client.ts';

export class Refusals {
  /** Agents that are behind on their messages. */
  readonly #crowded = new Set<string>();
  /** Refusals that are not said yet, by agent. */
  readonly #open = new Map<string, number>();

  isBusy(key: string): boolean {
    if (this.#crowded.size > 0 && this.#crowded.has(key)) return true;
    return this.#open.size > 0 && this.#open.has(key);
  }

  /** A shard has said how its agent is doing. */
  crowded(key: string, isCrowded: boolean): void {
    if (isCrowded) this.#crowded.add(key);
    else this.#crowded.delete(key);
  }

  /** Their shard has begun anew, and with it what waits for them. */
  restarted(isOfShard: (key: string) => boolean): void {
    for (const key of this.#crowded) if (isOfShard(key)) this.#crowded.delete(key);
  }

  refuse(shard: ShardClient, key: string, outcome: Delivery, done: (outcome: Delivery) => void): void {
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    const say = (): void => {
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
      done(outcome);
    };
    shard.fence(() => queueMicrotask(say));
  }
}
