/** Entry of the thread that writes MQTT sessions: a commit for each message, answered when it is on the disk. */
import { parentPort, workerData } from 'node:worker_threads';
import { asBridgeError, assert, type BridgeError } from './base/errors.ts';
import type { SessionChanges } from './base/session-rows.ts';
import { enableFastStart } from './fast-start.ts';

/** What it is told: a commit, or null: there are no more. */
export type SessionOrder = SessionChanges | null;

/** What it answers: null: on the disk. */
export type SessionAnswer = Pick<BridgeError, 'code' | 'message'> | null;

assert(parentPort !== null, 'this module is the entry of a worker thread');
const port = parentPort;
const { dataDir } = workerData as { dataDir: string }; // written by session-stores.ts
enableFastStart();
const { SessionDatabase } = await import('./store/index.ts');
let database: InstanceType<typeof SessionDatabase> | undefined;
port.on('message', (order: SessionOrder) => {
  if (order === null) {
    database?.close();
    process.exit(0);
  }
  port.postMessage(write(order));
});

function write(changes: SessionChanges): SessionAnswer {
  try {
    (database ??= new SessionDatabase(dataDir)).write(changes);
    return null;
  } catch (error) {
    const { code, message, stack } = asBridgeError(error);
    return { code, message: code === 'BRG_INTERNAL' ? (stack ?? message) : message };
  }
}
