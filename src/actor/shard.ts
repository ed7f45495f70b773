/**
 * One shard: journals what comes in, gives each agent one turn at a time, commits what turns wrote,
 * and only then lets their effects out. It lives in a worker thread, or in the main one for tests.
 *
 * A batch goes through: journal.append (fsync) -> `committed` to the sender (PUBACKs leave) -> turns
 * -> ONE commit of everything they wrote -> effects to the sender.
 *
 * I1 Nothing is acknowledged before its fsync; after a failed fsync the process ends.
 * I2 A message is applied once: at replay, those at or below the agent's appliedSequence are skipped, and those
 *    of an agent that was forgotten.
 * I3 While the disk is full nothing is taken, nothing is dropped; work goes on when there is room.
 */
import type { LoopClock } from '../base/clock.ts';
import { systemChance, type Chance } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { isDiskFull, type ReplayDiary, type ShardStore } from '../store/index.ts';
import type { Actor } from './actor.ts';
import type { ActorHost } from './actor-host.ts';
import { AlarmTimer } from './alarms.ts';
import type { AgentCounters } from './behaviour.ts';
import { AskTable } from './asks.ts';
import { Committer, type Phase } from './committer.ts';
import { ConnectionTable } from './connections.ts';
import { CopyDesk } from './copy-desk.ts';
import { Crowds } from './crowds.ts';
import { Dispatcher } from './dispatcher.ts';
import { readBatch } from './envelope.ts';
import { Fleet } from './fleet-view.ts';
import { FlightRecorder } from './flight-recorder.ts';
import { adoptBehind, replayBehind } from './heavy-replay.ts';
import { Housekeeping } from './housekeeping.ts';
import { FLAG_DURABLE, type InboundRecord } from './messages.ts';
import { ProgressTracker, type BatchProgress } from './progress.ts';
import { Quarantine } from './quarantine.ts';
import { replayJournal } from './replay.ts';
import { Roster } from './roster.ts';
import type { Batch, ShardOptions, ShardService } from './shard-options.ts';
import { ShardEffects } from './shard-effects.ts';
import type { ShardJournal } from './shard-journal.ts';
import { newAgentCounters, newShardCounters, ShardOverview, type ShardCounters } from './shard-overview.ts';

export class Shard implements ActorHost {
  readonly log: Log;
  readonly clock: LoopClock;
  readonly chance: Chance;
  readonly counters: AgentCounters;
  readonly shardCounters: ShardCounters = newShardCounters();
  readonly connections = new ConnectionTable();
  readonly overview: ShardOverview;
  readonly roster: Roster;
  readonly store: ShardStore;
  readonly journal: ShardJournal;
  readonly effects: ShardEffects;
  readonly asks: AskTable;
  readonly fleet: Fleet;
  readonly recorder: FlightRecorder;
  readonly crowds: Crowds;
  readonly copyDesk = new CopyDesk(this);
  readonly quarantine = new Quarantine();
  /** Sequence numbers of messages to set aside. */
  readonly poison: Set<number>;
  readonly turnDeadlineMs: number;
  readonly service: ShardService | undefined;
  readonly #progress: ProgressTracker;
  readonly #alarms: AlarmTimer;
  readonly #dispatcher: Dispatcher;
  readonly #housekeeping: Housekeeping;
  readonly #committer: Committer;
  readonly #diary: ReplayDiary | undefined;
  readonly #waiting: Batch[] = [];

  constructor(options: ShardOptions) {
    this.log = options.log;
    // Rejected messages are kept, so their count goes on where it was.
    this.counters = { ...newAgentCounters(), messagesRejected: options.store.directory.rejectedTotal() };
    this.effects = new ShardEffects(options.post);
    this.clock = options.clock;
    this.chance = options.chance ?? systemChance;
    this.asks = new AskTable(this.effects, this.clock, this.chance);
    this.fleet = new Fleet(this.asks);
    this.overview = new ShardOverview(this);
    this.service = options.service;
    this.store = options.store;
    this.journal = options.journal;
    this.roster = new Roster(options);
    const { agentWaitingMax } = options;
    this.crowds = new Crowds(this.clock, this.effects, (key) => this.roster.get(key), agentWaitingMax);
    this.recorder = options.recorder ?? new FlightRecorder();
    this.turnDeadlineMs = options.turnDeadlineMs ?? limits.turnDeadlineMs;
    this.#diary = options.diary;
    this.poison = new Set(options.suspects?.messages);
    for (const { key, untilMs } of options.suspects?.holds ?? []) this.quarantine.hold(key, untilMs);
    this.#progress = new ProgressTracker(options.store.watermark);
    this.#alarms = new AlarmTimer(options.store, options.clock, (keys) => {
      for (const key of keys) this.#dispatcher.alarm(key);
    });
    this.#committer = new Committer(this, this.#progress, this.#alarms, () => this.#pump());
    this.#dispatcher = new Dispatcher(this);
    this.#housekeeping = new Housekeeping(this);
  }

  /** Replays what the journal holds beyond the last commit, then reconciles presence and takes work. */
  async start(): Promise<void> {
    const behind = this.store.heavy.unsynced();
    await replayBehind(this, this.#committer, behind);
    await replayJournal(this, this.#committer, this.#diary);
    this.connections.replayed();
    await this.journal.replayed?.();
    adoptBehind(this, behind, () => this.#alarms.rescan());
    this.#housekeeping.start();
    this.effects.started(this.journal.lastBatchId ?? '');
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
    this.#diary?.interrupted();
    this.#housekeeping.stop();
    this.#alarms.stop();
    const isRoom = await this.#committer.stop();
    for (const actor of this.roster.all()) actor.behaviour.stop();
    this.ended();
    await this.service?.close();
    if (isRoom) this.#checkpointAtEnd();
    this.store.close();
    this.journal.close();
  }

  /** No turn is followed any more; to be called also where a thread is given up without a stop, and others go on. */
  ended(): void {
    this.#dispatcher.turns.end();
  }

  #checkpointAtEnd(): void {
    try {
      // Messages for nobody move the watermark too, and no commit came after them.
      if (this.store.watermark !== this.#progress.watermark) this.store.commit([], this.#progress.watermark);
      this.store.checkpoint();
    } catch (error) {
      if (!isDiskFull(error)) throw error; // the next start replays
    }
  }

  /** The journal is another thread's, and has had no room since then; null: it has again. */
  journalFull(sinceMs: number | null): void {
    // What is checkpointed need not stay in it, where a quota and not the disk is the limit.
    if (sinceMs !== null && this.phase === 'idle') this.makeRoom();
    this.#committer.journalFull(sinceMs);
  }

  markDirty(actor: Actor): void {
    this.#committer.markDirty(actor);
  }

  scheduleCommit(): void {
    this.#committer.schedule();
  }

  leaveSoon(actor: Actor): void {
    this.roster.leaveSoon(actor);
    this.#committer.schedule();
  }

  /** Commits what ended turns wrote, ahead of the end of the batch. @throws BridgeError BRG_DISK_FULL */
  commitNow(): void {
    if (this.phase === 'idle') this.#committer.commitNow();
  }

  /** An alarm at this time was committed. */
  alarmSet(atMs: number): void {
    this.#alarms.noticed(atMs);
  }

  /** Takes one record of the shard's own that is not journaled. */
  receiveOne(record: InboundRecord): void {
    this.#dispatcher.volatile(record);
  }

  /** The actor was given up: what it wrote is not committed. */
  abandoned(actor: Actor): void {
    this.shardCounters.agentRestarts++;
    this.#committer.drop(actor);
    actor.file?.rollBack();
    this.roster.remove(actor);
  }

  /** The actor's agent was forgotten and its rows are gone: gives what came meanwhile to the next of its address. */
  succeed(actor: Actor): void {
    for (const work of actor.takeInheritance()) this.#dispatcher.again(actor.key, work);
  }

  get phase(): Phase {
    return this.#committer.phase;
  }

  /** Gives back what the journal need not hold any more. */
  makeRoom(): void {
    this.#housekeeping.makeRoom();
  }

  contain(actor: Actor, turn: () => void | Promise<void>): void | Promise<void> {
    return this.#dispatcher.turns.contain(actor, turn);
  }

  #pump(): void {
    while (this.phase === 'idle') {
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
        return this.#committer.block(error);
      }
    }
    this.shardCounters.batches++;
    this.effects.committed(batch.id, batch.count);
    this.effects.flush();
    this.apply(batch.pack, first, batch.durableCount, false);
    this.#committer.commitOrBlock();
    return true;
  }

  /** Hands each record of a batch to its agent. */
  apply(pack: Buffer, firstSequence: number, durableCount: number, isReplay: boolean): void {
    const progress = durableCount > 0 ? this.#progress.add(firstSequence, durableCount) : undefined;
    let sequence = firstSequence;
    for (const record of readBatch(pack)) {
      const isDurable = (record.flags & FLAG_DURABLE) !== 0;
      if (isDurable && progress !== undefined) {
        this.#dispatcher.durable(record, sequence++, progress, isReplay);
      } else if (!isReplay) {
        this.#dispatcher.volatile(record);
      }
      // Each file that was written stays open, and each agent that wrote stays awake, until its commit.
      const isCrowded = this.store.heavy.files.isCrowded || this.roster.isCrowded;
      if (isCrowded && this.phase === 'idle') this.#committer.commitOrBlock();
    }
  }

  /** Begins a batch that `replayOne` applies record by record. */
  progressOf(firstSequence: number, durableCount: number): BatchProgress {
    return this.#progress.add(firstSequence, durableCount);
  }

  replayOne(record: InboundRecord, sequence: number, progress: BatchProgress): void {
    this.#dispatcher.durable(record, sequence, progress, true);
  }

  /** A record that shard.db has, but perhaps not the file of its agent. */
  replayPast(record: InboundRecord, sequence: number): void {
    this.#dispatcher.durable(record, sequence, this.#progress.addPast(sequence), true);
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
}
