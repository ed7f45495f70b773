/** Entry of a shard's worker thread: runs the shard its `workerData` describes, and passes batches to it. */
import { parentPort, workerData } from 'node:worker_threads';
import { asBridgeError, assert, type BridgeError } from './base/errors.ts';
import { enableFastStart } from './fast-start.ts';
import type { ShardSettings } from './shard.ts';

/** What the main thread sends, after the settings in `workerData`. */
export type ShardOrder =
  | {
      readonly kind: 'batch';
      readonly id: string;
      readonly pack: Uint8Array<ArrayBuffer>;
      readonly count: number;
      readonly durableCount: number;
    }
  | { readonly kind: 'stop' };

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
const settings = workerData as ShardSettings; // written by shard-links.ts
const shard = await openShard(settings, (effects) => port.postMessage(effects, [effects.buffer]));
const isStopping = guardThread(shard, say, fail);
await shard.start();
port.on('message', (order: ShardOrder) => {
  if (order.kind === 'batch') {
    const { id, pack, count, durableCount } = order;
    shard.receive(id, Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength), count, durableCount);
  } else {
    isStopping();
    void shard.stop().then(() => process.exit(0), fail);
  }
});
