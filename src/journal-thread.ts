/** Entry of the thread that writes the journal of several shards: passes what is said to a `JournalDesk`. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { asBridgeError, assert } from './base/errors.ts';
import { enableFastStart } from './fast-start.ts';
import type { JournalOrder, JournalWord, ShardPort, ShardSaying } from './actor/index.ts';
import type { ShardSettings } from './shard.ts';

assert(parentPort !== null, 'this module is the entry of a worker thread');
const main = parentPort;

function post(word: JournalWord): void {
  main.postMessage(word, word.kind === 'effects' ? [word.pack.buffer] : []);
}

/** The journal is in an unknown state: nothing may be acknowledged any more. */
function fail(error: unknown): void {
  const { code, message, stack } = asBridgeError(error);
  post({ kind: 'failed', code, message: code === 'BRG_INTERNAL' ? (stack ?? message) : message });
  setImmediate(() => process.exit(1));
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
enableFastStart();
const { JournalDesk } = await import('./actor/index.ts');
const { systemClock } = await import('./base/clock.ts');
const { createLog } = await import('./base/log.ts');
const { openJournal } = await import('./shard.ts');
const { dataDir, journalPagesMax, logLevel, logFormat } = workerData as ShardSettings; // written by shard-group.ts
const log = createLog({ level: logLevel, format: logFormat });
const journal = openJournal(dataDir, journalPagesMax, log);
const desk = new JournalDesk({ journal, clock: systemClock, log, post, fail });
main.on('message', (order: JournalOrder<MessagePort>) => {
  if (order.kind === 'attach') attach(order.shard, order.port);
  else desk.order(order);
  if (order.kind === 'close') process.exit(0);
});

function attach(shard: number, port: MessagePort): void {
  const way: ShardPort = {
    post: (saying) => port.postMessage(saying, saying.kind === 'batch' ? [saying.pack.buffer] : []),
  };
  desk.order({ kind: 'attach', shard, port: way });
  port.on('message', (said: ShardSaying) => desk.heard(shard, way, said));
}
