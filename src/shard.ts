/**
 * Composition root of one shard: opens its files, loads the device models, runs it - in this thread,
 * or as the entry of a worker thread.
 */
import { join } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Shard } from './actor/index.ts';
import { createActorFactory, type DeviceAgentClass } from './agent/index.ts';
import { systemClock } from './base/clock.ts';
import { asBridgeError, BridgeError } from './base/errors.ts';
import { createLog, type LogLevel } from './base/log.ts';
import { Registry, type DeviceDefinition } from './device/index.ts';
import { Journal, ShardStore } from './store/index.ts';

export interface ShardSettings {
  readonly dataDir: string;
  /** URL of the module with `definitions` and `agents`. */
  readonly devicesUrl: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'pretty' | 'json';
  readonly idleTimeoutMs?: number;
  /** Bounds of the two files, in their pages; for disks with a quota. */
  readonly journalPagesMax?: number;
  readonly storePagesMax?: number;
}

export interface DeviceModule {
  readonly definitions: readonly DeviceDefinition[];
  readonly agents: Readonly<Record<string, DeviceAgentClass>>;
}

/** Loads a module of device models. @throws BridgeError BRG_DEFINITION */
export async function loadDevices(url: string): Promise<DeviceModule> {
  let loaded: Partial<DeviceModule>;
  try {
    loaded = (await import(url)) as Partial<DeviceModule>; // checked below
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('BRG_DEFINITION', `${url} cannot be loaded: ${String(error)}`, { cause: error });
  }
  if (!Array.isArray(loaded.definitions)) {
    throw new BridgeError('BRG_DEFINITION', `${url} must export \`definitions\`, an array of defineDevice(...)`);
  }
  return { definitions: loaded.definitions, agents: loaded.agents ?? {} };
}

/** Opens the shard's files. It takes batches after `start()`. */
export async function openShard(
  settings: ShardSettings,
  post: (effects: Uint8Array<ArrayBuffer>) => void,
): Promise<Shard> {
  const { definitions, agents } = await loadDevices(settings.devicesUrl);
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const { journalPagesMax, storePagesMax, idleTimeoutMs } = settings;
  const factory = createActorFactory(new Registry(definitions), agents);
  return new Shard({
    journal: new Journal(join(settings.dataDir, 'journal.db'), pagesMax(journalPagesMax)),
    store: new ShardStore(join(settings.dataDir, 'shard.db'), pagesMax(storePagesMax)),
    factory,
    clock: systemClock,
    log,
    post,
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
  });
}

function pagesMax(pages: number | undefined): { pagesMax?: number } {
  return pages === undefined ? {} : { pagesMax: pages };
}

/** What the main thread sends a worker, besides its settings. */
export type ShardOrder =
  | {
      readonly kind: 'batch';
      readonly id: string;
      readonly pack: Uint8Array<ArrayBuffer>;
      readonly count: number;
      readonly durableCount: number;
    }
  | { readonly kind: 'stop' };

/** What a worker says besides effects. */
export interface ShardFailure {
  readonly kind: 'failed';
  readonly code: BridgeError['code'];
  readonly message: string;
}

/** In `workerData`, so that another worker that loads this module does not take itself for a shard. */
export interface ShardWorkerData {
  readonly mooringShard: ShardSettings;
}

async function runWorker(settings: ShardSettings, port: NonNullable<typeof parentPort>): Promise<void> {
  const fail = (error: unknown): void => {
    const { code, message, stack } = asBridgeError(error);
    const failure: ShardFailure = { kind: 'failed', code, message: code === 'BRG_INTERNAL' ? (stack ?? message) : message };
    port.postMessage(failure);
    // The process's files are in an unknown state: only a fresh start, which replays, is safe.
    setImmediate(() => process.exit(1));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const shard = await openShard(settings, (effects) => port.postMessage(effects, [effects.buffer]));
  await shard.start();
  port.on('message', (order: ShardOrder) => {
    if (order.kind === 'batch') {
      const { id, pack, count, durableCount } = order;
      shard.receive(id, Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength), count, durableCount);
    } else {
      void shard.stop().then(() => process.exit(0), fail);
    }
  });
}

const data: unknown = workerData;
if (!isMainThread && parentPort !== null && typeof data === 'object' && data !== null && 'mooringShard' in data) {
  const { mooringShard } = data as ShardWorkerData; // written by bridge.ts
  // runWorker's own handlers see what it rejects with.
  void runWorker(mooringShard, parentPort);
}
