/**
 * One life of the journal's thread of a process with several shards: the real JournalDesk on simulated time, log
 * and channels. What shard-group.ts and journal-thread.ts do with workers, this does with threads of the timeline.
 *
 * I1 A port keeps what its shard says until it is attached, as a MessagePort does.
 * I2 When this thread ends, so does the process.
 */
import {
  JournalDesk,
  RemoteJournal,
  type JournalOrder,
  type JournalSaying,
  type ShardEvents,
  type ShardPort,
} from '../../src/actor/index.ts';
import { asBridgeError, BridgeError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { Channel, transferred } from './channel.ts';
import type { Dice } from './dice.ts';
import {
  crashIfArmed,
  type ArmedCrash,
  type Disk,
  type DiskParts,
  type DiskStep,
  type Gate,
} from './disk.ts';
import { SimThread } from './timeline.ts';

export interface JournalSurroundings {
  readonly main: SimThread;
  /** Of the shards, which all have the one log. */
  readonly disks: readonly Disk[];
  readonly dice: Dice;
  readonly latencyMs: number;
  readonly parts: DiskParts;
  readonly log: Log;
  /** It failed, and not because something was to end it. */
  failed(error: BridgeError): void;
}

export class JournalRun implements Gate {
  readonly thread: SimThread;
  readonly #around: JournalSurroundings;
  readonly #desk: JournalDesk;
  readonly #orders: Channel;
  readonly #events: ShardEvents[] = [];
  armed: ArmedCrash | undefined;

  constructor(name: string, around: JournalSurroundings) {
    const { main, disks, dice, latencyMs, parts, log } = around;
    this.#around = around;
    this.thread = new SimThread(main.timeline, name, main.localMs, dice.fork(name), (error) =>
      this.#failed(error),
    );
    this.#orders = new Channel(main, this.thread, dice.fork(`${name} orders`), latencyMs);
    const words = new Channel(this.thread, main, dice.fork(`${name} words`), latencyMs);
    const [first] = disks;
    if (first === undefined) throw new Error('each shard has a disk');
    this.#desk = new JournalDesk({
      journal: parts.openLog(first.medium, this),
      clock: this.thread,
      log,
      post: (word) => {
        if (word.kind !== 'effects') return;
        const pack = transferred(word.pack);
        words.send(() => this.#events[word.shard]?.effects(pack));
      },
      fail: (error) => this.#failed(error),
    });
  }

  /** Called in the main thread, which has begun a thread of this shard. */
  attach(shard: number, thread: SimThread, events: ShardEvents): RemoteJournal {
    const { dice, latencyMs, disks } = this.#around;
    this.#events[shard] = events;
    const toJournal = new Channel(thread, this.thread, dice.fork(`${thread.name} says`), latencyMs);
    const toShard = new Channel(this.thread, thread, dice.fork(`${thread.name} hears`), latencyMs);
    let early: (() => void)[] | undefined = [];
    const journal = new RemoteJournal(shard, disks.length, (saying) => {
      const said = structuredClone(saying);
      toJournal.send(() => {
        const hear = (): void => this.#desk.heard(shard, port, said);
        if (early === undefined) hear();
        else early.push(hear);
      });
    });
    const port: ShardPort = {
      post: (saying) => {
        const said = moved(saying);
        toShard.send(() => journal.heard(said));
      },
    };
    this.#orders.send(() => {
      this.#desk.order({ kind: 'attach', shard, port });
      const waiting = early ?? [];
      early = undefined;
      for (const hear of waiting) hear();
    });
    return journal;
  }

  /** Called in the main thread. */
  order(order: Exclude<JournalOrder<ShardPort>, { kind: 'attach' }>): void {
    this.#orders.send(() => this.#desk.order(order));
  }

  pass<T>(step: DiskStep, write: () => T): T {
    const { disks, dice } = this.#around;
    crashIfArmed(this, step, 'before');
    this.thread.spend(dice.between(0.05, 0.5) * Math.max(...disks.map(({ slowness }) => slowness)));
    if (disks.some((disk) => disk.isFullFor(step)))
      throw new BridgeError('BRG_DISK_FULL', `no room to ${step}`);
    const result = write();
    crashIfArmed(this, step, 'after');
    return result;
  }

  #failed(error: unknown): void {
    if (!this.thread.isEnded) this.#around.failed(asBridgeError(error));
  }
}

/** As postMessage does it with what the journal's thread says. */
function moved(saying: JournalSaying): JournalSaying {
  return structuredClone(saying, { transfer: saying.kind === 'batch' ? [saying.pack.buffer] : [] });
}
