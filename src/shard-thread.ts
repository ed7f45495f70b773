/** Entry of a shard's worker thread: runs the shard its `workerData` describes, and passes batches to it. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { asBridgeError, assert, type BridgeError } from './base/errors.ts';
import { enableFastStart } from './fast-start.ts';
import type { JournalSaying, ShardBatch } from './actor/index.ts';
import type { ShardSettings } from './shard.ts';

/** What the main thread sends, after the settings in `workerData`. */
export type ShardOrder = ShardBatch | { readonly kind: 'stop' };

/** Its `workerData`. With a port, the journal is another thread's, and everything comes from there. */
type ShardThreadData = ShardSettings & {
  readonly journalPort?: MessagePort;
  /** Where it asks for engines. */
  readonly enginePort?: MessagePort;
};

/** What the thread says besides effects. */
export type ShardWord =
  | { readonly kind: 'failed'; readonly code: BridgeError['code']; readonly message: string }
  /** It is about to end, by `process.exit`. */
  | { readonly kind: 'exit'; readonly stack: string };

assert(parentPort !== null, 'this module is the entry of a worker thread');
const port = parentPort;

function say(word: ShardWord): void {
  port.postMessage(word);
}

function fail(error: unknown): void {
  const { code, message, stack } = asBridgeError(error);
  const isBug = code === 'BRG_INTERNAL';
  say({ kind: 'failed', code, message: isBug ? (stack ?? message) : message });
  // The shard's files are in an unknown state: only a fresh start, which replays, is safe.
  setImmediate(() => process.exit(1));
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
enableFastStart();
const { openShard } = await import('./shard.ts');
const { guardThread } = await import('./thread-guard.ts');
const { RemoteJournal, shardReader } = await import('./actor/index.ts');
const { journalPort, enginePort, ...settings } = workerData as ShardThreadData; // written by shard-links.ts
const journal = journalPort === undefined ? undefined : remoteJournal(journalPort);
const engines =
  enginePort === undefined
    ? undefined
    : (path: string, way: MessagePort) => enginePort.postMessage({ path, port: way }, [way]);
const post = (effects: Uint8Array<ArrayBuffer>): void => port.postMessage(effects, [effects.buffer]);
const shard = await openShard(settings, post, { journal, engines });
const isStopping = guardThread(shard, say, fail);
await shard.start();
const stop = (): void => {
  isStopping();
  void shard.stop().then(() => process.exit(0), fail);
};
const reader = shardReader(shard, stop);
journal?.begin(reader);
if (journal === undefined) {
  port.on('message', (order: ShardOrder) => (order.kind === 'batch' ? reader.receive(order) : stop()));
}

/** What comes over the port is kept until the shard has replayed. */
function remoteJournal(way: MessagePort): InstanceType<typeof RemoteJournal> {
  const { shard: number = 0, shards = 1 } = settings;
  const made = new RemoteJournal(number, shards, (saying) => way.postMessage(saying));
  way.on('message', (said: JournalSaying) => made.heard(said));
  return made;
}
