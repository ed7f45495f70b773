/**
 * Agents behind on their messages: the main thread is told, and takes no more of their devices until they have caught
 * up. So a slow agent slows its device, and neither the others of the shard nor its memory fills with what waits for it.
 */
import type { LoopClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Actor } from './actor.ts';
import type { ShardEffects } from './shard-effects.ts';

/** Time between two looks whether they have caught up. */
const LOOK_MS = 20;

export class Crowds {
  readonly #clock: LoopClock;
  readonly #effects: ShardEffects;
  readonly #find: (key: string) => Actor | undefined;
  readonly #waitingMax: number;
  readonly #keys = new Set<string>();

  /** @param find who is awake under a key */
  constructor(
    clock: LoopClock,
    effects: ShardEffects,
    find: (key: string) => Actor | undefined,
    waitingMax: number = limits.agentWaitingMax,
  ) {
    this.#clock = clock;
    this.#effects = effects;
    this.#find = find;
    this.#waitingMax = waitingMax;
  }

  /** A turn waits for this agent. */
  note(actor: Actor): void {
    if (actor.mailbox.length < this.#waitingMax || this.#keys.has(actor.key)) return;
    if (this.#keys.size === 0) this.#lookSoon();
    this.#keys.add(actor.key);
    this.#effects.crowded(actor.key, true);
  }

  #lookSoon(): void {
    this.#clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    for (const key of this.#keys) {
      const waiting = this.#find(key)?.mailbox.length ?? 0;
      if (waiting > this.#waitingMax / 2) continue;
      this.#keys.delete(key);
      this.#effects.crowded(key, false);
    }
    this.#effects.flush();
    if (this.#keys.size > 0) this.#lookSoon();
  }
}
