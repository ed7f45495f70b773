/** The two ways to run a shard: in a worker thread, and in this one. */
import { Worker } from 'node:worker_threads';
import type { Shard, ShardEvents, ShardLink, StartShard } from './actor/index.ts';
import { asBridgeError, BridgeError } from './base/errors.ts';
import type { ShardFailure, ShardOrder } from './shard-thread.ts';
import { openShard, type ShardSettings } from './shard.ts';

/** The module of this name beside this one, as source or as built. */
function sibling(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}

/** A shard in a worker thread of its own. */
export function workerShard(settings: ShardSettings): StartShard {
  return (events) => {
    const worker = new Worker(sibling('shard-thread'), { workerData: settings });
    let failure: Error | undefined;
    let isStopping = false;
    worker.on('message', (said: Uint8Array | ShardFailure) => {
      if (said instanceof Uint8Array) events.effects(said);
      else failure = new BridgeError(said.code, said.message);
    });
    worker.on('error', (error) => (failure ??= asBridgeError(error)));
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        resolve();
        if (!isStopping) events.crashed(failure ?? new Error(`the shard's thread ended with code ${code}`));
      });
    });
    const order = (message: ShardOrder, transfer: ArrayBuffer[]): void =>
      worker.postMessage(message, transfer);
    return {
      post: (id, pack, count, durableCount) =>
        order({ kind: 'batch', id, pack, count, durableCount }, [pack.buffer]),
      stop: () => {
        isStopping = true;
        order({ kind: 'stop' }, []);
        return exited;
      },
    };
  };
}

interface EarlyBatch {
  readonly id: string;
  readonly pack: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly durableCount: number;
}

/** A shard in this thread: for tests and for debugging an agent. */
export function inlineShard(settings: ShardSettings): StartShard {
  return (events) => new InlineLink(settings, events);
}

class InlineLink implements ShardLink {
  readonly #events: ShardEvents;
  #shard: Shard | undefined;
  #early: EarlyBatch[] = [];
  readonly #started: Promise<void>;

  constructor(settings: ShardSettings, events: ShardEvents) {
    this.#events = events;
    this.#started = this.#start(settings);
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
  async #start(settings: ShardSettings): Promise<void> {
    try {
      // Effects are handed over in a later tick, as from a thread: nobody is called from within a turn.
      const shard = await openShard(settings, (pack) => setImmediate(() => this.#events.effects(pack)));
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
