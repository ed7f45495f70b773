/** The two ways to run a shard: in a worker thread, and in this one. */
import { Worker } from 'node:worker_threads';
import {
  DeathLedger,
  FlightRecorder,
  type Shard,
  type ShardEvents,
  type ShardLink,
  type StartShard,
} from './actor/index.ts';
import { asBridgeError, BridgeError } from './base/errors.ts';
import { limits } from './base/limits.ts';
import { createLog } from './base/log.ts';
import type { ShardOrder, ShardWord } from './shard-thread.ts';
import { watchShard } from './shard-watch.ts';
import { openShard, type ShardSettings } from './shard.ts';

/** The module of this name beside this one, as source or as built. */
function sibling(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}

/** A shard in a worker thread of its own, watched from this one. */
export function workerShard(settings: ShardSettings): StartShard {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const ledger = new DeathLedger();
  return (events) => {
    const recorder = new FlightRecorder();
    const suspects = ledger.suspects();
    const worker = new Worker(sibling('shard-thread'), {
      workerData: { ...settings, recorder: recorder.memory, suspects },
    });
    let failure: Error | undefined;
    let stack: string | undefined;
    let isStopping = false;
    const stopWatch = watchShard(worker, recorder, settings.shardStallMs ?? limits.shardStallMs, (seen) => {
      stack ??= seen;
      failure = new Error('the shard’s thread was stuck');
      void worker.terminate(); // never rejects; `exit` says when it is over
    });
    worker.on('message', (said: Uint8Array | ShardWord) => {
      if (said instanceof Uint8Array) events.effects(said);
      else if (said.kind === 'exit') stack = said.stack;
      else failure = new BridgeError(said.code, said.message);
    });
    worker.on('error', (error) => (failure ??= asBridgeError(error)));
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        stopWatch();
        resolve();
        if (isStopping) return;
        const error = failure ?? new Error(`the shard's thread ended with code ${code}`);
        const culprit = recorder.read();
        const isExcused = ledger.note(culprit, Date.now());
        if (culprit !== undefined) {
          const { key: agent, ...about } = culprit;
          log.error({ agent, ...about, err: error.message, stack }, 'agent ended its thread');
        }
        events.crashed(error, isExcused);
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
