/** Hands each inbound record to its agent as a turn, wakes agents, and keeps the connection table. */
import type { LoopClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Actor } from './actor.ts';
import { addressKey } from '../base/address.ts';
import { answerHibernate } from './hibernate-request.ts';
import { isLocked, LockedAgents } from './locked-agents.ts';
import { FLAG_CREATE, KIND, type ConnectBody, type InboundRecord } from './messages.ts';
import type { BatchProgress } from './progress.ts';
import type { Shard } from './shard.ts';
import { answerShardRequest } from './shard-queries.ts';
import { Turns, type Delivery } from './turns.ts';
import { unknownAgent } from './unknown-agent.ts';
import { volatileWork, type Work } from './work.ts';

/** Agents told "offline" in one step after a restart. */
const RECONCILE_STEP = 500;
/** Devices and a restarted shard's connections get this long to come back before presence is reconciled. */
const RECONCILE_DELAY_MS = 1000;

const NO_PAYLOAD = Buffer.alloc(0);

export class Dispatcher implements Delivery {
  readonly turns: Turns;
  readonly #shard: Shard;
  readonly #clock: LoopClock;
  readonly #locked: LockedAgents;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#clock = shard.clock;
    this.turns = new Turns(shard, this);
    this.#locked = new LockedAgents(shard.clock, shard.log, () => shard.phase === 'stopped');
  }

  /** A journaled record; `progress` counts down when it was applied and committed. */
  durable(record: InboundRecord, sequence: number, progress: BatchProgress, isReplay: boolean): void {
    const give = (): void => {
      if (this.#give(record, sequence, progress, isReplay)) this.#shard.shardCounters.messages++;
    };
    // Who asks can ask again; at a replay nobody would.
    if (isReplay || record.kind !== KIND.request) return this.#locked.offer(record.key, give);
    this.#orRefuse(record, give, () => this.#shard.skip(progress));
  }

  /** What is asked of an agent that cannot wake is refused: nothing has changed. */
  #orRefuse(record: InboundRecord, give: () => void, refused?: () => void): void {
    try {
      give();
    } catch (error) {
      if (!isLocked(error)) throw error;
      refused?.();
      this.#refuse(record, error);
    }
  }

  /** False: no agent gets it. */
  #give(record: InboundRecord, sequence: number, progress: BatchProgress, isReplay: boolean): boolean {
    const shard = this.#shard;
    if (isReplay && sequence <= shard.store.forgotten.sequenceOf(record.key)) {
      shard.skip(progress);
      return false;
    }
    const isCreating = record.kind !== KIND.request || (record.flags & FLAG_CREATE) !== 0;
    const actor = this.#awake(record.key, isCreating);
    if (actor === undefined) {
      shard.skip(progress);
      if (!isReplay) this.#refuse(record);
      return false;
    }
    if (sequence <= actor.row.appliedSequence) {
      shard.skip(progress);
      return false;
    }
    const cause = `${record.receivedAtMs.toString(36)}.${sequence.toString(36)}`;
    const tries = shard.poison.size > 0 && shard.poison.has(sequence) ? limits.poisonTriesMax : 0;
    this.turns.queue(actor, {
      kind: 'record',
      record,
      isCreating,
      sequence,
      progress,
      isReplay,
      cause,
      tries,
    });
    return true;
  }

  /** Gives work to whoever has its address now. */
  again(key: string, work: Work): void {
    switch (work.kind) {
      case 'start':
        return;
      case 'alarm':
        this.alarm(key);
        return;
      case 'record': {
        const { record, sequence, progress, isReplay, isCreating } = work;
        if (progress !== undefined) this.#give(record, sequence, progress, isReplay);
        else if (record.kind === KIND.disconnect) this.#toldGone(record);
        else if (record.kind === KIND.connect) this.#toldConnected(record);
        else this.#toAgent(record, isCreating);
      }
    }
  }

  /** A record that is not journaled: connection events, reads. */
  volatile(record: InboundRecord): void {
    switch (record.kind) {
      case KIND.attach:
        this.#shard.connections.attachDevice(record.key, record.connection);
        this.#toAgent(record, true);
        return;
      case KIND.detach:
        this.#shard.connections.detachDevice(record.key, record.connection);
        this.#toAgent(record, false);
        return;
      case KIND.connect:
        this.#connect(record);
        return;
      case KIND.disconnect:
        this.#disconnect(record);
        return;
      case KIND.answer:
        this.#shard.asks.settle(record);
        return;
      case KIND.request:
        if (this.#shard.copyDesk.answers(record)) this.#shard.copyDesk.answer(record);
        else if (record.key === '') answerShardRequest(this.#shard, record);
        else if (record.subject === 'hibernate') answerHibernate(this.#shard, record);
        else this.#toAgent(record, (record.flags & FLAG_CREATE) !== 0);
        return;
      default:
        this.#toAgent(record, true);
    }
  }

  alarm(key: string): void {
    this.#locked.offer(key, () => {
      const actor = this.#awake(key, false);
      if (actor === undefined || actor.isForgotten || actor.isAlarmQueued) return;
      actor.isAlarmQueued = true;
      this.turns.queue(actor, { kind: 'alarm', tries: 0 });
    });
  }

  /** Devices that the last run left online and that have not come back are offline. */
  reconcilePresence(): void {
    const left = [...this.#shard.store.directory.online()].map(addressKey);
    if (left.length === 0) return;
    const step = (): void => {
      if (this.#shard.phase === 'stopped') return;
      for (const key of left.splice(0, RECONCILE_STEP)) this.#reconcile(key);
      if (left.length > 0) this.#clock.soon(step);
    };
    this.#clock.after(RECONCILE_DELAY_MS, step);
  }

  #reconcile(key: string): void {
    if (this.#shard.connections.devicesOf(key).length > 0) return;
    this.#toAgent(
      {
        kind: KIND.detach,
        flags: 0,
        key,
        subject: 'the bridge restarted',
        connection: 0,
        code: 0,
        receivedAtMs: this.#clock.now(),
        payload: NO_PAYLOAD,
      },
      false,
    );
  }

  #connect(record: InboundRecord): void {
    // Written by ShardClient from a ConnectBody.
    const body = JSON.parse(record.payload.toString()) as ConnectBody;
    const connection = this.#shard.connections.open(record.connection, record.key, body);
    let refusal = 'too many connections';
    try {
      if (connection !== undefined && this.#toldConnected(record)) return;
    } catch (error) {
      if (!isLocked(error)) throw error;
      refusal = 'the agent cannot wake now: try again';
    }
    this.#shard.connections.close(record.connection);
    this.#shard.connections.forget(record.connection);
    this.#shard.effects.close(record.connection, 1013, refusal);
    this.#shard.scheduleCommit();
  }

  /** The connection is open; its agent hears of it. False: there can be none. */
  #toldConnected(record: InboundRecord): boolean {
    const actor = this.#awake(record.key, true);
    if (actor === undefined) return false;
    // The first connection creates the agent, as the first message does.
    if (!actor.row.isStored && !actor.isForgotten) actor.markDirty();
    this.turns.queue(actor, volatileWork(record, true));
    return true;
  }

  #disconnect(record: InboundRecord): void {
    if (this.#shard.connections.close(record.connection) === undefined) return;
    this.#toldGone(record);
  }

  /** The connection has been closed; its agent hears of it. */
  #toldGone(record: InboundRecord): void {
    const actor = this.#awake(record.key, false);
    if (actor === undefined) this.#shard.connections.forget(record.connection);
    else this.turns.queue(actor, volatileWork(record, false));
  }

  #toAgent(record: InboundRecord, create: boolean): void {
    const give = (): void => {
      const actor = this.#awake(record.key, create);
      if (actor === undefined) this.#refuse(record);
      else this.turns.queue(actor, volatileWork(record, create));
    };
    if (record.kind === KIND.request) this.#orRefuse(record, give);
    else this.#locked.offer(record.key, give);
  }

  #refuse(record: InboundRecord, why = unknownAgent(record.key)): void {
    if (record.kind !== KIND.request) return;
    this.#shard.effects.replyError(record.connection, why);
    this.#shard.scheduleCommit();
  }

  /** The awake actor of an address, its first turn queued; or one that is forgotten, for which nothing runs any more. */
  #awake(key: string, create: boolean): Actor | undefined {
    const known = this.#shard.roster.get(key);
    if (known === undefined || this.#isReleased(known)) return this.#wake(key, create);
    known.lastActiveMs = this.#clock.now();
    return known;
  }

  wakeAgain(key: string, startTries: number): Actor | undefined {
    return this.#wake(key, true, startTries);
  }

  /** @param startTries undefined: it does not take the place of one that hung */
  #wake(key: string, create: boolean, startTries?: number): Actor | undefined {
    const { roster, recorder } = this.#shard;
    const sinceMs = this.#clock.elapsedMs();
    recorder.enter('start', key, 0);
    const actor = roster.wake(key, create, this.#shard);
    recorder.leave();
    if (actor === undefined) return undefined;
    actor.turn.isAfterRestart = startTries !== undefined;
    const onEnded = (): void => roster.wakeTimes[actor.storage].observe(this.#clock.elapsedMs() - sinceMs);
    this.turns.queue(actor, { kind: 'start', onEnded, tries: startTries ?? 0 });
    return actor;
  }

  /** Its author's code gets another chance; it has left memory for that. */
  #isReleased(actor: Actor): boolean {
    if (!actor.turn.isHeld || this.#shard.quarantine.isHeld(actor.key, this.#clock.now())) return false;
    return this.#shard.roster.hibernate(actor, 'now') === undefined;
  }
}
