/** The agents of a shard that are awake: wakes them by address, lets idle ones leave memory. */
import type { Clock } from '../base/clock.ts';
import { DurationHistogram } from '../base/duration-histogram.ts';
import { channels, tell } from '../base/events.ts';
import { assert } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { AgentSort, ShardStore } from '../store/index.ts';
import { Actor } from './actor.ts';
import type { ActorHost } from './actor-host.ts';
import { parseAddress } from '../base/address.ts';
import type { ActorFactory } from './behaviour.ts';
import type { ShardOptions } from './shard-options.ts';

/** Steps of one sweep, so that a full roster does not hold up the loop. */
const SWEEP_STEPS_MAX = 20_000;
/** Agents that leave memory in one sweep: some 10 us each, in which no message is taken. */
const SWEEP_LEAVES_MAX = 5000;
/** Agents looked at to make room for one more: those that cannot leave come again when it is their turn. */
const ROOM_STEPS_MAX = 64;
/** Wakes beyond the limit before what the others wrote should be committed, so that they may leave. */
const WAKES_BEYOND_MAX = 256;

/** Why an agent left memory: nothing to do for the timeout, room for another one, it was told to. */
export type HibernationCause = 'idle' | 'room' | 'now';

const COUNTER_OF_CAUSE = {
  idle: 'hibernationsIdle',
  room: 'hibernationsRoom',
  now: 'hibernationsNow',
} as const;

/** `hibernations` is the sum of its causes. */
export interface RosterCounters {
  wakes: number;
  hibernations: number;
  hibernationsIdle: number;
  hibernationsRoom: number;
  hibernationsNow: number;
}

export class Roster {
  readonly #awake = new Map<string, Actor>();
  readonly #store: ShardStore;
  readonly #factory: ActorFactory;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #idleTimeoutMs: number;
  readonly #awakeMax: number;
  /** Wakes since the last commit that found no room. */
  #wakesBeyond = 0;
  /** Agents that asked to leave memory; and those among them that may be free to. */
  readonly #wishes = new Set<Actor>();
  readonly #leaving = new Set<Actor>();
  readonly counters: RosterCounters = {
    wakes: 0,
    hibernations: 0,
    hibernationsIdle: 0,
    hibernationsRoom: 0,
    hibernationsNow: 0,
  };
  /** From the look at its rows to the end of the first turn (`onStart`), by where its rows are. */
  readonly wakeTimes: Readonly<Record<Actor['storage'], DurationHistogram>> = {
    light: new DurationHistogram(),
    heavy: new DurationHistogram(),
  };

  constructor({ store, factory, clock, log, idleTimeoutMs, awakeAgentsMax }: ShardOptions) {
    this.#store = store;
    this.#factory = factory;
    this.#clock = clock;
    this.#log = log;
    this.#idleTimeoutMs = idleTimeoutMs ?? limits.idleTimeoutMs;
    this.#awakeMax = awakeAgentsMax ?? limits.awakeAgentsMax;
  }

  get size(): number {
    return this.#awake.size;
  }

  /** Whether so many are awake with uncommitted work that it should be committed before more wake. */
  get isCrowded(): boolean {
    return this.#wakesBeyond >= WAKES_BEYOND_MAX;
  }

  get(key: string): Actor | undefined {
    return this.#awake.get(key);
  }

  /** Undefined for a model that is not known, or built in. */
  sortOf(model: string): AgentSort | undefined {
    const kind = this.#factory(model);
    return kind === undefined || kind.isBuiltIn ? undefined : (kind.sort ?? 'device');
  }

  /** Agents awake (built-in ones do not count), and turns waiting in mailboxes; walks all of them. */
  census(): { awake: number; waiting: number; deepest: number } {
    let awake = 0;
    let waiting = 0;
    let deepest = 0;
    for (const actor of this.#awake.values()) {
      if (!actor.isBuiltIn) awake++;
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
    assert(!this.#awake.has(key), 'one actor at an address');
    const address = parseAddress(key);
    if (address === undefined) return undefined;
    const kind = this.#factory(address.model);
    if (kind === undefined) return undefined;
    const stored = this.#store.directory.findWithCells(address.model, address.id);
    if (stored === undefined && !create && !kind.isBuiltIn) return undefined;
    const found = stored ?? { row: this.#store.newRow(address.model, address.id, this.#clock.now()) };
    if (this.#awake.size >= this.#awakeMax) this.#makeRoom();
    const isHeld = host.quarantine.isHeld(key, this.#clock.now());
    const actor = new Actor(address, key, found, isHeld ? { ...kind, create: kind.createHeld } : kind, host);
    actor.turn.isHeld = isHeld;
    this.#awake.set(key, actor);
    this.counters.wakes++;
    this.#noteWake(actor);
    return actor;
  }

  /** Lets agents leave memory that have been idle for the timeout. */
  sweep(): void {
    const idleSince = this.#clock.now() - this.#idleTimeoutMs;
    // Whoever is refreshed comes again at the end of the map: once round is enough.
    let steps = Math.min(this.#awake.size, SWEEP_STEPS_MAX);
    let leaves = SWEEP_LEAVES_MAX;
    for (const actor of this.#awake.values()) {
      if (steps-- === 0) return;
      if (actor.lastActiveMs > idleSince) this.#refresh(actor);
      else if (this.hibernate(actor, 'idle') === undefined && --leaves === 0) return;
    }
  }

  /** The agent has asked to leave memory: `letLeave` does it as soon as nothing holds it. */
  leaveSoon(actor: Actor): void {
    this.#wishes.add(actor);
    this.#leaving.add(actor);
  }

  /** Whatever held an agent, its end is committed. */
  committed(actor: Actor): void {
    if (this.#wishes.has(actor)) this.#leaving.add(actor);
  }

  /** Lets those leave that asked for it. To be called after commits, and not within a turn. */
  letLeave(): void {
    this.#wakesBeyond = 0;
    for (const actor of this.#leaving) {
      if (isMidWork(actor)) continue;
      this.#leaving.delete(actor);
      this.hibernate(actor, 'now');
    }
  }

  /** Lets an agent leave memory. Undefined: it has left; else what holds it. */
  hibernate(actor: Actor, cause: HibernationCause): string | undefined {
    const reason = isMidWork(actor) ? 'a turn is under way' : actor.behaviour.heldBy();
    if (reason !== undefined) return reason;
    this.remove(actor);
    this.counters.hibernations++;
    this.counters[COUNTER_OF_CAUSE[cause]]++;
    this.#noteHibernation(actor, cause);
    return undefined;
  }

  remove(actor: Actor): void {
    actor.behaviour.stop();
    this.#wishes.delete(actor);
    this.#leaving.delete(actor);
    if (actor.file !== null) this.#store.heavy.files.release(actor.file);
    if (this.#awake.get(actor.key) === actor) this.#awake.delete(actor.key);
  }

  *all(): Iterable<Actor> {
    yield* this.#awake.values();
  }

  /** Lets the first in line go; whoever has work goes to its end. */
  #makeRoom(): void {
    let steps = 0;
    for (const actor of this.#awake.values()) {
      if (this.#awake.size < this.#awakeMax) return;
      if (++steps > ROOM_STEPS_MAX) break;
      if (this.hibernate(actor, 'room') !== undefined) this.#refresh(actor);
    }
    this.#wakesBeyond++;
  }

  // The shard's log: an agent's own is made only when it has something to say.
  #noteWake(actor: Actor): void {
    const isNew = !actor.row.isStored && !actor.isBuiltIn;
    this.#log.debug({ agent: actor.key, isNew }, 'agent woke');
    if (!channels.lifecycle.hasSubscribers) return;
    if (isNew) tell('create', actor, {});
    tell('wake', actor, {});
  }

  #noteHibernation(actor: Actor, cause: HibernationCause): void {
    const awakeMs = this.#clock.now() - actor.wokeAtMs;
    this.#log.debug({ agent: actor.key, cause, awakeMs }, 'agent hibernates');
    if (channels.lifecycle.hasSubscribers) tell('hibernate', actor, { cause, awakeMs });
  }

  #refresh(actor: Actor): void {
    this.#awake.delete(actor.key);
    this.#awake.set(actor.key, actor);
  }
}

/** It has a turn that has not ended, or not been committed. */
function isMidWork(actor: Actor): boolean {
  return actor.isDirty || actor.isAlarmQueued || !actor.mailbox.isIdle;
}
