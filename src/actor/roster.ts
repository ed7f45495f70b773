/** The agents of a shard that are awake: wakes them by address, lets idle ones leave memory. */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { ShardStore } from '../store/index.ts';
import { Actor } from './actor.ts';
import type { ActorHost } from './actor-host.ts';
import { parseAddress } from '../base/address.ts';
import type { ActorFactory } from './behaviour.ts';

/** Steps of one sweep, so that a full roster does not hold up the loop. */
const SWEEP_STEPS_MAX = 20_000;

export interface RosterCounters {
  wakes: number;
  hibernations: number;
}

export class Roster {
  readonly #awake = new Map<string, Actor>();
  readonly #store: ShardStore;
  readonly #factory: ActorFactory;
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly counters: RosterCounters = { wakes: 0, hibernations: 0 };

  constructor(store: ShardStore, factory: ActorFactory, clock: Clock, idleTimeoutMs: number) {
    this.#store = store;
    this.#factory = factory;
    this.#clock = clock;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  get size(): number {
    return this.#awake.size;
  }

  get(key: string): Actor | undefined {
    return this.#awake.get(key);
  }

  /** Agents awake (built-in ones do not count), and turns waiting in mailboxes; walks all of them. */
  census(): { awake: number; waiting: number; deepest: number } {
    let awake = 0;
    let waiting = 0;
    let deepest = 0;
    for (const actor of this.#awake.values()) {
      if (!actor.isEphemeral) awake++;
      waiting += actor.mailbox.length;
      deepest = Math.max(deepest, actor.mailbox.length);
    }
    return { awake, waiting, deepest };
  }

  /**
   * The awake actor of an address. `create`: also when it has never existed.
   * Undefined when the model is unknown, or the agent is and `create` is false.
   */
  wake(key: string, create: boolean, host: ActorHost): Actor | undefined {
    const address = parseAddress(key);
    if (address === undefined) return undefined;
    const kind = this.#factory(address.model);
    if (kind === undefined) return undefined;
    // Rows of a forgotten agent are deleted with the next commit: whoever comes now is another one.
    const isNew = kind.isEphemeral || this.#awake.get(key)?.isForgotten === true;
    const stored = isNew ? undefined : this.#store.directory.find(address.model, address.id);
    if (stored === undefined && !create && !kind.isEphemeral) return undefined;
    const row = stored ?? this.#store.newRow(address.model, address.id, this.#clock.now());
    if (this.#awake.size >= limits.awakeAgentsMax) this.#makeRoom();
    const actor = new Actor(address, key, row, kind, host);
    this.#awake.set(key, actor);
    this.counters.wakes++;
    return actor;
  }

  /** Lets agents leave memory that have been idle for the timeout. */
  sweep(): void {
    const idleSince = this.#clock.now() - this.#idleTimeoutMs;
    // Whoever is refreshed comes again at the end of the map: once round is enough.
    let steps = Math.min(this.#awake.size, SWEEP_STEPS_MAX);
    for (const actor of this.#awake.values()) {
      if (steps-- === 0) return;
      if (actor.lastActiveMs <= idleSince) this.#hibernate(actor);
      else this.#refresh(actor);
    }
  }

  remove(actor: Actor): void {
    actor.behaviour.stop();
    if (this.#awake.get(actor.key) === actor) this.#awake.delete(actor.key);
  }

  *all(): Iterable<Actor> {
    yield* this.#awake.values();
  }

  /** Lets the first in line go; whoever has work goes to its end. */
  #makeRoom(): void {
    let steps = 0;
    for (const actor of this.#awake.values()) {
      if (++steps > SWEEP_STEPS_MAX || this.#awake.size < limits.awakeAgentsMax) return;
      if (!this.#hibernate(actor)) this.#refresh(actor);
    }
  }

  #refresh(actor: Actor): void {
    this.#awake.delete(actor.key);
    this.#awake.set(actor.key, actor);
  }

  /** False: it has work. */
  #hibernate(actor: Actor): boolean {
    if (actor.isDirty || !actor.mailbox.isIdle || actor.isAlarmQueued || !actor.behaviour.isIdle())
      return false;
    this.remove(actor);
    this.counters.hibernations++;
    return true;
  }
}
