/** Runs a shard in a worker thread, and starts another one when it ends. */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { DeathLedger, FlightRecorder, type ShardEvents, type StartShard } from './actor/index.ts';
import { asBridgeError, BridgeError } from './base/errors.ts';
import { limits } from './base/limits.ts';
import { createLog } from './base/log.ts';
import type { EngineGate } from './inference/index.ts';
import type { ShardOrder, ShardWord } from './shard-thread.ts';
import { watchShard } from './shard-watch.ts';
import type { ShardSettings } from './shard.ts';

/** The module of this name beside this one, as source or as built. */
export function sibling(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}

/** How a thread that was started is told things. */
export interface ShardThread {
  readonly worker: Worker;
  /** It is about to end by itself. */
  isStopping(): void;
  readonly exited: Promise<void>;
}

/** A shard in a worker thread of its own, watched from this one. */
export function workerShard(settings: ShardSettings, engines: EngineGate): StartShard {
  const start = threadStarter(settings, engines);
  return (events) => {
    const { worker, isStopping, exited } = start(events);
    const order = (message: ShardOrder, transfer: ArrayBuffer[]): void =>
      worker.postMessage(message, transfer);
    return {
      post: (id, pack, count, durableCount) =>
        order({ kind: 'batch', id, pack, count, durableCount }, [pack.buffer]),
      stop: () => {
        isStopping();
        order({ kind: 'stop' }, []);
        return exited;
      },
    };
  };
}

/** Starts threads of one shard, each of which knows what those before it ended of. */
export function threadStarter(
  settings: ShardSettings,
  engines: EngineGate,
): (events: ShardEvents, journalPort?: MessagePort) => ShardThread {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const ledger = new DeathLedger();
  return (events, journalPort) => {
    const recorder = new FlightRecorder();
    const suspects = ledger.suspects();
    const enginePort = engineDoor(engines);
    const worker = new Worker(sibling('shard-thread'), {
      workerData: { ...settings, recorder: recorder.memory, suspects, journalPort, enginePort },
      transferList: [enginePort, ...(journalPort === undefined ? [] : [journalPort])],
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
    return { worker, isStopping: () => void (isStopping = true), exited };
  };
}

/** A port over which a thread asks for engines: each request carries a port to one. */
function engineDoor(engines: EngineGate): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ({ path, port }: { path: string; port: MessagePort }) => engines(path, port));
  // The shard's thread keeps the process alive, not what it may ask.
  port1.unref();
  return port2;
}
