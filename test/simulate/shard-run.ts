/**
 * One life of a shard's thread: the real Shard on simulated time, disk and channel. What shard-links.ts and
 * shard-thread.ts do with a worker, this does with a thread of the timeline.
 *
 * I1 What was posted arrives in order, later; what is on its way to a thread that ended is lost, what it had
 *    posted before is not.
 * I2 Any error that nobody caught ends the thread.
 */
import {
  FlightRecorder,
  Shard,
  shardReader,
  type DeathLedger,
  type RemoteJournal,
  type ShardEvents,
  type ShardLink,
} from '../../src/actor/index.ts';
import { asBridgeError, BridgeError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { Channel, transferred } from './channel.ts';
import { chanceOf, type Dice } from './dice.ts';
import {
  crashIfArmed,
  Ended,
  type ArmedCrash,
  type Disk,
  type DiskParts,
  type DiskStep,
  type Gate,
} from './disk.ts';
import type { JournalRun } from './journal-run.ts';
import { scriptedFactory, type AgentEnds } from './scripted-agent.ts';
import { SimThread, type Timeline } from './timeline.ts';
import type { Witness } from './witness.ts';

/** How the shards of one simulation are. */
export interface ShardShape {
  readonly idleTimeoutMs: number;
  readonly awakeAgentsMax: number;
  readonly agentWaitingMax: number;
  readonly turnDeadlineMs: number;
  readonly latencyMs: number;
  readonly parts: DiskParts;
}

export interface ShardSurroundings {
  readonly timeline: Timeline;
  readonly main: SimThread;
  /** Number of the shard. */
  readonly number: number;
  readonly disk: Disk;
  /** Undefined: it has a journal of its own. */
  readonly journal: JournalRun | undefined;
  readonly dice: Dice;
  readonly witness: Witness;
  readonly ledger: DeathLedger;
  readonly shape: ShardShape;
  readonly log: Log;
  note(text: string): void;
}

export class ShardRun implements ShardLink, Gate, AgentEnds {
  readonly thread: SimThread;
  readonly #around: ShardSurroundings;
  readonly #events: ShardEvents;
  readonly #recorder = new FlightRecorder();
  readonly #stopped = Promise.withResolvers<void>();
  #shard: Shard | undefined;
  #early: (() => void)[] = [];
  #isStarted = false;
  #isStopping = false;
  #startedMs = 0;
  readonly #inbound: Channel;
  readonly #outbound: Channel;
  /** Its part of the journal, when another thread writes that. */
  readonly #remote: RemoteJournal | undefined;
  armed: ArmedCrash | undefined;

  constructor(name: string, around: ShardSurroundings, events: ShardEvents) {
    this.#around = around;
    this.#events = events;
    const { timeline, main, dice, journal, number } = around;
    const { latencyMs } = around.shape;
    const startMs = main.localMs + dice.between(0.5, 20);
    this.thread = new SimThread(timeline, name, startMs, dice.fork(name), (error) => this.failed(error));
    this.#inbound = new Channel(main, this.thread, dice.fork(`${name} in`), latencyMs);
    this.#outbound = new Channel(this.thread, main, dice.fork(`${name} out`), latencyMs);
    this.#remote = journal?.attach(number, this.thread, events);
    this.thread.at(startMs, () => {
      this.#start().catch((error: unknown) => this.failed(error));
    });
  }

  /** Undefined before it is open. */
  get shard(): Shard | undefined {
    return this.#shard;
  }

  get isStarted(): boolean {
    return this.#isStarted && !this.thread.isEnded;
  }

  get startedMs(): number {
    return this.#startedMs;
  }

  // --- the link: called in the main thread --------------------------------------------------------

  post(id: string, pack: Uint8Array<ArrayBuffer>, count: number, durableCount: number): void {
    const { journal, number: shard } = this.#around;
    const moved = transferred(pack);
    if (journal === undefined)
      this.#toShard(() => this.#shard?.receive(id, Buffer.from(moved), count, durableCount));
    else
      journal.order({ kind: 'batch', shard, batch: { kind: 'batch', id, pack: moved, count, durableCount } });
  }

  stop(): Promise<void> {
    this.#isStopping = true;
    const { journal, number } = this.#around;
    if (journal === undefined) this.#toShard(() => this.#stopShard());
    else journal.order({ kind: 'stop', shard: number });
    return this.#stopped.promise;
  }

  #stopShard(): void {
    this.#shard?.stop().then(
      () => this.end(),
      (error: unknown) => this.failed(error),
    );
  }

  // --- the thread ---------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const { disk, dice, shape, log, ledger } = this.#around;
    if (disk.isFullFor('commit') && dice.isHit(0.3))
      throw new BridgeError('BRG_DISK_FULL', 'no room to open the database');
    const shard = (this.#shard = new Shard({
      journal: this.#remote ?? shape.parts.openLog(disk.medium, this),
      store: shape.parts.openStore(disk, this),
      factory: scriptedFactory(this),
      clock: this.thread,
      chance: chanceOf(dice.fork(`${this.thread.name} chance`)),
      log,
      post: (pack) => this.#posted(pack),
      idleTimeoutMs: shape.idleTimeoutMs,
      awakeAgentsMax: shape.awakeAgentsMax,
      agentWaitingMax: shape.agentWaitingMax,
      turnDeadlineMs: shape.turnDeadlineMs,
      recorder: this.#recorder,
      suspects: ledger.suspects(),
    }));
    await shard.start();
    this.#isStarted = true;
    this.#startedMs = this.thread.localMs;
    for (const order of this.#early.splice(0)) order();
    this.#remote?.begin(shardReader(shard, () => this.#stopShard()));
  }

  /** The thread ends with this error, as an uncaught one. */
  failed(error: unknown): void {
    if (this.thread.isEnded) return;
    const failure = asBridgeError(error);
    if (failure.code !== 'BRG_DISK_FULL')
      this.#around.witness.violation(`${this.thread.name} failed: ${failure.stack ?? failure.message}`);
    this.crash(failure);
  }

  /** The thread ends; the main thread hears of it. */
  crash(error: Error): void {
    if (this.thread.isEnded) return;
    const { ledger, note, main } = this.#around;
    note(`${this.thread.name} ends: ${error.message}`);
    const culprit = this.#recorder.read();
    if (!this.#isStopping)
      this.#outbound.send(() => {
        const isExcused = ledger.note(culprit, main.now());
        this.#events.crashed(error, isExcused);
      });
    this.end();
  }

  /** Nothing of it runs any more. */
  end(): void {
    this.thread.end();
    this.#shard?.ended();
    const { main } = this.#around;
    main.at(Math.max(main.localMs, this.thread.localMs), () => this.#stopped.resolve());
  }

  // --- its disk -----------------------------------------------------------------------------------

  pass<T>(step: DiskStep, write: () => T): T {
    const { disk, dice } = this.#around;
    crashIfArmed(this, step, 'before');
    this.thread.spend(dice.between(0.05, 0.5) * disk.slowness);
    if (disk.isFullFor(step)) throw new BridgeError('BRG_DISK_FULL', `no room to ${step}`);
    const result = write();
    crashIfArmed(this, step, 'after');
    return result;
  }

  // --- what its agents need -----------------------------------------------------------------------

  get isEnded(): boolean {
    return this.thread.isEnded;
  }

  violation(what: string): void {
    if (!this.thread.isEnded) this.#around.witness.violation(what);
  }

  die(input: string, times: number): void {
    if (!this.#around.witness.isToDie(input, times)) return;
    this.crash(new Error(`${input} ended the thread`));
    throw new Ended(input);
  }

  freshNumber(): number {
    return this.#around.witness.freshNumber();
  }

  isCommitted(key: string, entry: string): boolean {
    return this.#around.disk.facts.has(key, entry);
  }

  // --- the channel --------------------------------------------------------------------------------

  #toShard(order: () => void): void {
    this.#inbound.send(() => {
      if (this.#isStarted) order();
      else this.#early.push(order);
    });
  }

  #posted(pack: Uint8Array<ArrayBuffer>): void {
    if (this.thread.isEnded) return;
    const { witness, disk } = this.#around;
    crashIfArmed(this, 'post', 'before');
    witness.posted(disk.facts, pack);
    const moved = transferred(pack);
    this.#outbound.send(() => this.#events.effects(moved));
    crashIfArmed(this, 'post', 'after');
  }
}
