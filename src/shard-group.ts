/** Several shards in threads of their own, with one more that writes their journal (ADR 0013). */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { JournalOrder, JournalWord, ShardEvents, ShardLink, StartShard } from './actor/index.ts';
import { asBridgeError, BridgeError } from './base/errors.ts';
import type { EngineGate } from './inference/index.ts';
import { sibling, threadStarter, type ShardThread } from './shard-links.ts';
import type { ShardSettings } from './shard.ts';

/** One for each shard. */
export function workerShards(settings: ShardSettings, shards: number, engines: EngineGate): StartShard[] {
  const group = new ShardGroup(settings, shards);
  return Array.from({ length: shards }, (_, shard) => {
    const start = threadStarter({ ...settings, shard, shards }, engines);
    return (events) => group.start(shard, events, start);
  });
}

class ShardGroup {
  readonly #settings: ShardSettings;
  readonly #shards: number;
  /** Who is told of each shard, by its number. */
  readonly #events: ShardEvents[] = [];
  #journal: { readonly worker: Worker; readonly exited: Promise<void> } | undefined;
  #failure: BridgeError | undefined;
  #isClosing = false;
  #stopped = 0;

  constructor(settings: ShardSettings, shards: number) {
    this.#settings = settings;
    this.#shards = shards;
  }

  start(
    shard: number,
    events: ShardEvents,
    startThread: (events: ShardEvents, port: MessagePort) => ShardThread,
  ): ShardLink {
    this.#events[shard] = events;
    const { port1, port2 } = new MessageChannel();
    this.#order({ kind: 'attach', shard, port: port1 }, [port1]);
    const thread = startThread(events, port2);
    return {
      post: (id, pack, count, durableCount) => {
        const batch = { kind: 'batch', id, pack, count, durableCount } as const;
        this.#order({ kind: 'batch', shard, batch }, [pack.buffer]);
      },
      stop: () => this.#stop(shard, thread),
    };
  }

  async #stop(shard: number, { worker, isStopping, exited }: ShardThread): Promise<void> {
    isStopping();
    // Nobody would tell it to end.
    if (this.#failure !== undefined) await worker.terminate();
    else this.#order({ kind: 'stop', shard }, []);
    await exited;
    if (++this.#stopped < this.#shards || this.#failure !== undefined) return;
    this.#isClosing = true;
    this.#order({ kind: 'close' }, []);
    await this.#journal?.exited;
  }

  #order(order: JournalOrder<MessagePort>, transfer: (ArrayBuffer | MessagePort)[]): void {
    (this.#journal ??= this.#startJournal()).worker.postMessage(order, transfer);
  }

  #startJournal(): { readonly worker: Worker; readonly exited: Promise<void> } {
    const worker = new Worker(sibling('journal-thread'), { workerData: this.#settings });
    worker.on('message', (word: JournalWord) => {
      if (word.kind === 'effects') this.#events[word.shard]?.effects(word.pack);
      else this.#failure ??= new BridgeError(word.code, word.message);
    });
    worker.on('error', (error) => (this.#failure ??= asBridgeError(error)));
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        resolve();
        if (this.#isClosing) return;
        this.#failure ??= new BridgeError('BRG_STORE', `the journal's thread ended with code ${code}`);
        this.#failed(this.#failure);
      });
    });
    return { worker, exited };
  }

  /** No shard gets on without the journal. */
  #failed(failure: BridgeError): void {
    const isBug = failure.code === 'BRG_INTERNAL';
    this.#events[0]?.crashed(isBug ? new BridgeError('BRG_STORE', failure.message) : failure);
  }
}
