/** Composition root of one shard: opens its files, loads the device models, makes it. */
import { join } from 'node:path';
import { Shard } from './actor/index.ts';
import { createActorFactory, type DeviceAgentClass } from './agent/index.ts';
import { systemClock } from './base/clock.ts';
import { BridgeError } from './base/errors.ts';
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
    throw new BridgeError(
      'BRG_DEFINITION',
      `${url} must export \`definitions\`, an array of defineDevice(...)`,
    );
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
