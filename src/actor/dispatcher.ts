/** Hands each inbound record to its agent as a turn, wakes agents, and keeps the connection table. */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Actor } from './actor.ts';
import { addressKey } from '../base/address.ts';
import { FLAG_CREATE, KIND, type ConnectBody, type InboundRecord } from './messages.ts';
import type { BatchProgress } from './progress.ts';
import type { Shard } from './shard.ts';
import { answerShardRequest } from './shard-queries.ts';

/** Agents told "offline" in one step after a restart. */
const RECONCILE_STEP = 500;
/** Devices and a restarted shard's connections get this long to come back before presence is reconciled. */
const RECONCILE_DELAY_MS = 1000;

const NO_PAYLOAD = Buffer.alloc(0);

export class Dispatcher {
  readonly #shard: Shard;
  readonly #clock: Clock;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#clock = shard.clock;
  }

  /** A journaled record; `progress` counts down when it was applied and committed. */
  durable(record: InboundRecord, sequence: number, progress: BatchProgress, isReplay: boolean): void {
    const shard = this.#shard;
    const isCreating = record.kind !== KIND.request || (record.flags & FLAG_CREATE) !== 0;
    const actor = this.#awake(record.key, isCreating);
    if (actor === undefined) {
      shard.skip(progress);
      if (!isReplay) this.#refuse(record);
      return;
    }
    if (sequence <= actor.row.appliedSequence) {
      shard.skip(progress);
      return;
    }
    shard.shardCounters.messages++;
    const cause = `${record.receivedAtMs.toString(36)}.${sequence.toString(36)}`;
    actor.mailbox.run('device', () =>
      actor.isForgotten
        ? this.durable(record, sequence, progress, isReplay)
        : this.#turn(actor, record, cause, () => actor.applied(sequence, progress)),
    );
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
        if (record.key === '') answerShardRequest(this.#shard, record);
        else this.#toAgent(record, false);
        return;
      default:
        this.#toAgent(record, true);
    }
  }

  alarm(key: string): void {
    const actor = this.#awake(key, false);
    if (actor === undefined || actor.isAlarmQueued) return;
    actor.isAlarmQueued = true;
    actor.mailbox.run('device', () => {
      actor.isAlarmQueued = false;
      const now = this.#clock.now();
      if (actor.row.alarmAtMs === null || actor.row.alarmAtMs > now) return undefined;
      actor.setAlarm(null);
      return this.#guard(actor, undefined, '', () => actor.behaviour.alarm(now));
    });
  }

  /** Devices that the last run left online and that have not come back are offline. */
  reconcilePresence(): void {
    const left = [...this.#shard.store.directory.online()].map(addressKey);
    if (left.length === 0) return;
    const step = (): void => {
      if (this.#shard.phase === 'stopped') return;
      for (const key of left.splice(0, RECONCILE_STEP)) this.#reconcile(key);
      if (left.length > 0) setImmediate(step);
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
    const actor = connection === undefined ? undefined : this.#awake(record.key, true);
    if (actor === undefined) {
      this.#shard.connections.close(record.connection);
      this.#shard.connections.forget(record.connection);
      this.#shard.effects.close(record.connection, 1013, 'too many connections');
      this.#shard.scheduleCommit();
      return;
    }
    // The first connection creates the agent, as the first message does.
    if (!actor.row.isStored) actor.markDirty();
    this.#queue(actor, record, true);
  }

  #disconnect(record: InboundRecord): void {
    if (this.#shard.connections.close(record.connection) === undefined) return;
    const actor = this.#awake(record.key, false);
    actor?.mailbox.run('device', () =>
      this.#turn(actor, record, '', () => this.#shard.connections.forget(record.connection)),
    );
    if (actor === undefined) this.#shard.connections.forget(record.connection);
  }

  #toAgent(record: InboundRecord, create: boolean): void {
    const actor = this.#awake(record.key, create);
    if (actor === undefined) this.#refuse(record);
    else this.#queue(actor, record, create);
  }

  /** What waited behind the turn that forgot the agent is for another agent of this address. */
  #queue(actor: Actor, record: InboundRecord, create: boolean): void {
    actor.mailbox.run('device', () =>
      actor.isForgotten ? this.#toAgent(record, create) : this.#turn(actor, record, '', undefined),
    );
  }

  #refuse(record: InboundRecord): void {
    if (record.kind !== KIND.request) return;
    const error = new BridgeError(
      'BRG_UNKNOWN_AGENT',
      `no agent ${record.key}: nothing has been heard of it yet`,
    );
    this.#shard.effects.replyError(record.connection, error);
    this.#shard.scheduleCommit();
  }

  #awake(key: string, create: boolean): Actor | undefined {
    const { roster } = this.#shard;
    const known = roster.get(key);
    if (known !== undefined && !known.isForgotten) {
      known.lastActiveMs = this.#clock.now();
      return known;
    }
    const actor = roster.wake(key, create, this.#shard);
    actor?.mailbox.run('device', () => this.#guard(actor, undefined, '', () => actor.behaviour.start()));
    return actor;
  }

  #turn(
    actor: Actor,
    record: InboundRecord,
    cause: string,
    whenDone: (() => void) | undefined,
  ): void | Promise<void> {
    const running = this.#guard(actor, record, cause, () => actor.behaviour.receive(record));
    if (running === undefined) return whenDone?.();
    return running.then(whenDone);
  }

  contain(actor: Actor, turn: () => void | Promise<void>): void | Promise<void> {
    actor.beginTurn('');
    try {
      return actor.attempt(turn)?.catch((error: unknown) => this.#failed(actor, undefined, error));
    } catch (error) {
      this.#failed(actor, undefined, error);
    }
    return undefined;
  }

  /** Runs one turn; whatever it throws is contained, logged and explained by the behaviour. */
  #guard(
    actor: Actor,
    record: InboundRecord | undefined,
    cause: string,
    turn: () => void | Promise<void>,
  ): void | Promise<void> {
    actor.beginTurn(cause);
    try {
      const running = turn();
      if (running === undefined) return undefined;
      return this.#watch(actor, running).catch((error: unknown) => this.#failed(actor, record, error));
    } catch (error) {
      actor.rollBackTurn();
      this.#failed(actor, record, error);
    }
    return undefined;
  }

  #watch(actor: Actor, running: Promise<void>): Promise<void> {
    const cancel = this.#clock.after(limits.turnDeadlineMs, () => {
      this.#shard.shardCounters.turnsOverDeadline++;
      this.#shard.log.warn({ agent: actor.key, deadlineMs: limits.turnDeadlineMs }, 'turn over its deadline');
    });
    return running.finally(cancel);
  }

  #failed(actor: Actor, record: InboundRecord | undefined, error: unknown): void {
    const failure = asBridgeError(error);
    if (failure.code === 'BRG_INTERNAL') {
      this.#shard.shardCounters.turnErrors++;
      this.#shard.log.error({ agent: actor.key, err: failure.stack }, 'turn failed');
    }
    if (record?.kind === KIND.request) {
      actor.replyError(record.connection, failure.code, failure.message, { ...failure.details });
    } else if (record !== undefined) {
      actor.behaviour.failed(record, failure);
    }
  }
}
