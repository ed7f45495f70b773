/** Shards in this thread: for tests and for debugging an agent. */
import {
  JournalDesk,
  RemoteJournal,
  shardReader,
  type JournalOrder,
  type Shard,
  type ShardEvents,
  type ShardLink,
  type ShardPort,
  type ShardSaying,
  type StartShard,
} from './actor/index.ts';
import { systemClock } from './base/clock.ts';
import { asBridgeError } from './base/errors.ts';
import { createLog } from './base/log.ts';
import type { EngineGate } from './inference/index.ts';
import { openJournal, openShard, type ShardSettings } from './shard.ts';

/** One for each shard. */
export function inlineShards(settings: ShardSettings, shards: number, engines: EngineGate): StartShard[] {
  if (shards === 1) return [(events) => new InlineLink(settings, engines, events)];
  const group = new InlineGroup(settings, engines);
  return Array.from(
    { length: shards },
    (_, shard) => (events) => group.start({ ...settings, shard, shards }, events),
  );
}

/** Hands `take` what is said in a later tick, as from a thread: nobody is called from within a turn. */
function later<T>(take: (said: T) => void): (said: T) => void {
  return (said) => void setImmediate(() => take(said));
}

interface EarlyBatch {
  readonly id: string;
  readonly pack: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly durableCount: number;
}

class InlineLink implements ShardLink {
  readonly #events: ShardEvents;
  #shard: Shard | undefined;
  #early: EarlyBatch[] = [];
  readonly #started: Promise<void>;

  constructor(settings: ShardSettings, engines: EngineGate, events: ShardEvents) {
    this.#events = events;
    this.#started = this.#start(settings, engines);
  }

  post(id: string, pack: Uint8Array<ArrayBuffer>, count: number, durableCount: number): void {
    if (this.#shard === undefined) this.#early.push({ id, pack, count, durableCount });
    else this.#receive(this.#shard, { id, pack, count, durableCount });
  }

  async stop(): Promise<void> {
    await this.#started;
    await this.#shard?.stop();
  }

  /** Never rejects: a failure to start is a crash of the shard. */
  async #start(settings: ShardSettings, engines: EngineGate): Promise<void> {
    try {
      const post = later<Uint8Array<ArrayBuffer>>((pack) => this.#events.effects(pack));
      const shard = await openShard(settings, post, { engines });
      await shard.start();
      this.#shard = shard;
      for (const batch of this.#early.splice(0)) this.#receive(shard, batch);
    } catch (error) {
      this.#events.crashed(asBridgeError(error));
    }
  }

  #receive(shard: Shard, { id, pack, count, durableCount }: EarlyBatch): void {
    shard.receive(id, Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength), count, durableCount);
  }
}

/** Several shards and their journal, all in this thread. */
class InlineGroup {
  readonly #settings: ShardSettings;
  readonly #engines: EngineGate;
  readonly #events: ShardEvents[] = [];
  #desk: JournalDesk | undefined;
  #running = 0;

  constructor(settings: ShardSettings, engines: EngineGate) {
    this.#settings = settings;
    this.#engines = engines;
  }

  start(settings: ShardSettings & { shard: number; shards: number }, events: ShardEvents): ShardLink {
    const { shard, shards } = settings;
    this.#events[shard] = events;
    this.#running++;
    let hasFailed = false;
    let ended = (): void => {};
    const exited = new Promise<void>((resolve) => (ended = resolve));
    const failed = (error: unknown): void => {
      hasFailed = true;
      ended();
      events.crashed(asBridgeError(error));
    };
    try {
      const desk = (this.#desk ??= this.#open());
      const heard = later((said: ShardSaying) => desk.heard(shard, port, said));
      const journal = new RemoteJournal(shard, shards, heard);
      const port: ShardPort = { post: later((saying) => journal.heard(saying)) };
      desk.order({ kind: 'attach', shard, port });
      this.#run(settings, events, journal, ended).catch(failed);
    } catch (error) {
      setImmediate(failed, error);
    }
    const order = later((said: JournalOrder<ShardPort>) => this.#desk?.order(said));
    return {
      post: (id, pack, count, durableCount) =>
        order({ kind: 'batch', shard, batch: { kind: 'batch', id, pack, count, durableCount } }),
      stop: async () => {
        if (!hasFailed) order({ kind: 'stop', shard });
        await exited;
        if (--this.#running === 0) this.#desk?.order({ kind: 'close' });
      },
    };
  }

  #open(): JournalDesk {
    const { dataDir, journalPagesMax, logLevel, logFormat } = this.#settings;
    const log = createLog({ level: logLevel, format: logFormat });
    return new JournalDesk({
      journal: openJournal(dataDir, journalPagesMax, log),
      clock: systemClock,
      log,
      post: later((word) => {
        if (word.kind === 'effects') this.#events[word.shard]?.effects(word.pack);
      }),
      fail: (error) => this.#events[0]?.crashed(error),
    });
  }

  /** Rejects when the shard cannot start. */
  async #run(
    settings: ShardSettings,
    events: ShardEvents,
    journal: RemoteJournal,
    ended: () => void,
  ): Promise<void> {
    const post = later<Uint8Array<ArrayBuffer>>((pack) => events.effects(pack));
    const shard = await openShard(settings, post, { journal, engines: this.#engines });
    await shard.start();
    journal.begin(shardReader(shard, () => void shard.stop().then(ended)));
  }
}
