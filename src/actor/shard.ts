/**
 * One shard: journals what comes in, gives each agent one turn at a time, commits what turns wrote,
 * and only then lets their effects out. It lives in a worker thread, or in the main one for tests.
 *
 * A batch goes through: journal.append (fsync) -> `committed` to the sender (PUBACKs leave) -> turns
 * -> ONE commit of everything they wrote -> effects to the sender.
 *
 * I1 Nothing is acknowledged before its fsync; after a failed fsync the process ends.
 * I2 A message is applied once: at replay, those at or below the agent's appliedSequence are skipped.
 * I3 While the disk is full nothing is taken, nothing is dropped; work goes on when there is room.
 */
import { asBridgeError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { isDiskFull, type HistorySeries, type Journal, type ShardStore } from '../store/index.ts';
import type { Actor } from './actor.ts';
import type { ActorHost } from './actor-host.ts';
import { AlarmTimer } from './alarms.ts';
import type { AgentCounters, HistoryQuery } from './behaviour.ts';
import { AskTable } from './asks.ts';
import { ConnectionTable } from './connections.ts';
import { Dispatcher } from './dispatcher.ts';
import { readBatch } from './envelope.ts';
import { Housekeeping } from './housekeeping.ts';
import { FLAG_DURABLE } from './messages.ts';
import { ProgressTracker, type BatchProgress } from './progress.ts';
import { Roster } from './roster.ts';
import type { Batch, ShardOptions } from './shard-options.ts';
import { ShardEffects } from './shard-effects.ts';
import { newAgentCounters, newShardCounters, ShardOverview, type ShardCounters } from './shard-overview.ts';

type Phase = 'idle' | 'blocked' | 'stopped';

export class Shard implements ActorHost {
  readonly log: Log;
  readonly clock: Clock;
  readonly counters: AgentCounters;
  readonly shardCounters: ShardCounters = newShardCounters();
  readonly connections = new ConnectionTable();
  readonly overview: ShardOverview;
  readonly roster: Roster;
  readonly store: ShardStore;
  readonly journal: Journal;
  readonly effects: ShardEffects;
  readonly asks: AskTable;
  readonly #progress: ProgressTracker;
  readonly #alarms: AlarmTimer;
  readonly #dispatcher: Dispatcher;
  readonly #housekeeping: Housekeeping;
  readonly #waiting: Batch[] = [];
  #dirty: Actor[] = [];
  #phase: Phase = 'idle';
  #isCommitScheduled = false;
  #blockedSinceMs: number | null = null;

  constructor(options: ShardOptions) {
    this.log = options.log;
    // Rejected messages are kept, so their count goes on where it was.
    this.counters = { ...newAgentCounters(), messagesRejected: options.store.directory.rejectedTotal() };
    this.effects = new ShardEffects(options.post);
    this.asks = new AskTable(this.effects, options.clock);
    this.clock = options.clock;
    this.overview = new ShardOverview(this);
    this.store = options.store;
    this.journal = options.journal;
    this.roster = new Roster(
      options.store,
      options.factory,
      options.clock,
      options.idleTimeoutMs ?? limits.idleTimeoutMs,
    );
    this.#progress = new ProgressTracker(options.store.watermark);
    this.#alarms = new AlarmTimer(options.store, options.clock, (keys) => {
      for (const key of keys) this.#dispatcher.alarm(key);
    });
    this.#dispatcher = new Dispatcher(this);
    this.#housekeeping = new Housekeeping(this);
  }

  /** Replays what the journal holds beyond the last commit, then reconciles presence and takes work. */
  async start(): Promise<void> {
    const { journal, store } = this;
    journal.advanceTo(store.watermark + 1);
    const total = journal.countAfter(store.watermark);
    let replayed = 0;
    for (const entry of journal.read(store.watermark)) {
      this.#apply(entry.batch, entry.firstSequence, entry.count, true);
      await this.#commitUntilRoom();
      replayed += entry.count;
      this.effects.readiness({ kind: 'replaying', applied: replayed, total });
      this.effects.flush();
      await new Promise((resume) => setImmediate(resume));
    }
    if (total > 0) this.log.info({ messages: total }, 'journal replayed');
    this.#alarms.rescan();
    this.#housekeeping.start();
    this.effects.committed(journal.lastBatchId ?? '', 0);
    this.effects.readiness({ kind: 'ready' });
    this.effects.flush();
    this.#dispatcher.reconcilePresence();
  }

  /** Takes one batch. Never throws for a full disk: the batch waits. */
  receive(id: string, pack: Buffer, count: number, durableCount: number): void {
    this.#waiting.push({ id, pack, count, durableCount });
    this.#pump();
  }

  /** Lets running turns end, commits what is written and closes the files. */
  async stop(): Promise<void> {
    this.#housekeeping.stop();
    this.#alarms.stop();
    const giveUpMs = this.clock.now() + limits.turnDeadlineMs;
    while (this.#dirty.some((actor) => actor.mailbox.isMidTurn) && this.clock.now() < giveUpMs) {
      await new Promise((resume) => setTimeout(resume, 5));
    }
    if (this.#phase === 'idle') this.#commitOrBlock();
    const isRoom = this.#phase === 'idle';
    this.#phase = 'stopped';
    for (const actor of this.roster.all()) actor.behaviour.stop();
    if (isRoom) this.store.checkpoint();
    this.store.close();
    this.journal.close();
  }

  markDirty(actor: Actor): void {
    this.#dirty.push(actor);
    // Turns started by timers have no batch behind them that would commit.
    this.scheduleCommit();
  }

  contain(actor: Actor, turn: () => void | Promise<void>): void | Promise<void> {
    return this.#dispatcher.contain(actor, turn);
  }

  /** History of an agent, what it has just added included. */
  queryHistory(key: number, query: HistoryQuery): HistorySeries[] {
    if (this.#phase === 'idle') this.#commitNow();
    return this.store.history.query(key, query);
  }

  /** Commits at the end of this tick, unless a batch does it before. */
  scheduleCommit(): void {
    if (this.#isCommitScheduled) return;
    this.#isCommitScheduled = true;
    setImmediate(() => {
      this.#isCommitScheduled = false;
      if (this.#phase === 'idle') this.#commitOrBlock();
      else this.effects.flush();
    });
  }

  #pump(): void {
    while (this.#phase === 'idle') {
      if (this.#progress.outstanding > limits.unappliedMessagesMax) {
        this.clock.after(5, () => this.#pump());
        return;
      }
      const batch = this.#waiting[0];
      if (batch === undefined) return;
      if (!this.#process(batch)) return;
      this.#waiting.shift();
    }
  }

  /** False: the disk is full, the same batch comes again. */
  #process(batch: Batch): boolean {
    let first = 0;
    if (batch.durableCount > 0) {
      try {
        first = this.journal.append(batch.id, batch.pack, batch.durableCount);
      } catch (error) {
        return this.#block(error);
      }
    }
    this.shardCounters.batches++;
    this.effects.committed(batch.id, batch.count);
    this.effects.flush();
    this.#apply(batch.pack, first, batch.durableCount, false);
    this.#commitOrBlock();
    return true;
  }

  #apply(pack: Buffer, firstSequence: number, durableCount: number, isReplay: boolean): void {
    const progress = durableCount > 0 ? this.#progress.add(firstSequence, durableCount) : undefined;
    let sequence = firstSequence;
    for (const record of readBatch(pack)) {
      const isDurable = (record.flags & FLAG_DURABLE) !== 0;
      if (isDurable && progress !== undefined) {
        this.#dispatcher.durable(record, sequence++, progress, isReplay);
      } else if (!isReplay) {
        this.#dispatcher.volatile(record);
      }
    }
  }

  /** Messages journaled and not applied yet. */
  get unapplied(): number {
    return this.#progress.outstanding;
  }

  /** A message that no agent will apply (unknown model): done as soon as it is seen. */
  skip(progress: BatchProgress): void {
    this.#progress.complete(progress, 1);
    this.#progress.settle();
  }

  #commitOrBlock(): void {
    try {
      this.#commitNow();
    } catch (error) {
      this.#block(error);
    }
  }

  async #commitUntilRoom(): Promise<void> {
    for (;;) {
      this.#commitOrBlock();
      if (this.#phase !== 'blocked') return;
      await new Promise((resume) => setTimeout(resume, limits.diskRetryMs));
    }
  }

  /** @throws BridgeError BRG_DISK_FULL: everything stays dirty, and is tried again. */
  #commitNow(): void {
    const ready = this.#dirty.filter((actor) => !actor.mailbox.isMidTurn);
    if (ready.length === 0) {
      this.effects.flush();
      return;
    }
    for (const actor of ready) actor.behaviour.beforeCommit();
    this.#store(ready);
    this.#dirty = this.#dirty.filter((actor) => actor.mailbox.isMidTurn);
    this.shardCounters.commits++;
    for (const actor of ready) this.#release(actor);
    this.overview.committed(ready);
    this.effects.flush();
    // After the answers have left: what starts here may take its time, or the thread down.
    for (const actor of ready) if (!actor.isForgotten) actor.startLater();
  }

  /** On a throw their messages count as not applied: whoever is mid-turn at the next try is left out then. */
  #store(ready: readonly Actor[]): void {
    const applied = ready.flatMap((actor) => actor.appliedOf);
    for (const { progress, count } of applied) this.#progress.complete(progress, count);
    const stored = ready.filter((actor) => !actor.isEphemeral);
    try {
      if (stored.length > 0) this.store.commit(stored, this.#progress.watermark);
    } catch (error) {
      for (const { progress, count } of applied) this.#progress.reopen(progress, count);
      throw error;
    }
    this.#progress.settle();
  }

  #release(actor: Actor): void {
    for (const effect of actor.takeCommitted()) this.effects.add(effect);
    if (actor.isForgotten) this.roster.remove(actor);
    else if (actor.row.alarmAtMs !== null) this.#alarms.noticed(actor.row.alarmAtMs);
  }

  /** The disk is full: stop taking work and try again until there is room. Anything else ends the shard. */
  #block(error: unknown): false {
    if (!isDiskFull(error)) throw asBridgeError(error);
    this.#phase = 'blocked';
    this.clock.after(limits.diskRetryMs, () => this.#retry());
    if (this.#blockedSinceMs === null) {
      this.#blockedSinceMs = this.clock.now();
      const err = asBridgeError(error).message;
      this.log.error({ err }, 'disk is full: nothing is acknowledged until there is room');
      this.effects.readiness({ kind: 'disk-full', sinceMs: this.#blockedSinceMs });
      this.effects.flush();
    }
    return false;
  }

  #retry(): void {
    if (this.#phase !== 'blocked') return;
    this.#phase = 'idle';
    this.#commitOrBlock();
    // What is applied makes room in the journal, also where a quota and not the disk is the limit.
    if (this.#phase === 'idle') this.#housekeeping.makeRoom();
    this.#pump();
    if (this.phase === 'blocked') return;
    this.#blockedSinceMs = null;
    this.log.info({}, 'the disk has room again');
    this.effects.readiness({ kind: 'ready' });
    this.effects.flush();
  }

  get phase(): Phase {
    return this.#phase;
  }
}
