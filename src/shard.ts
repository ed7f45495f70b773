/** Composition root of one shard: opens its files, loads the device models, makes it. */
import { join } from 'node:path';
import { FlightRecorder, Shard, type Suspects } from './actor/index.ts';
import { createActorFactory, type AgentClasses } from './agent/index.ts';
import { systemClock } from './base/clock.ts';
import { BridgeError } from './base/errors.ts';
import { createLog, type LogLevel } from './base/log.ts';
import { Registry, type DeviceDefinition } from './device/index.ts';
import { Journal, ReplayDiary, ShardStore } from './store/index.ts';

export interface ShardSettings {
  readonly dataDir: string;
  /** URL of the module with `definitions` and `agents`. */
  readonly devicesUrl: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'pretty' | 'json';
  /** Bytes an agent may fill in a file of its own. */
  readonly agentBytesMax?: number;
  readonly idleTimeoutMs?: number;
  readonly awakeAgentsMax?: number;
  readonly turnDeadlineMs?: number;
  /** How long a shard's thread may get nowhere before it is ended. */
  readonly shardStallMs?: number;
  /** Memory of a `FlightRecorder` that somebody else reads. */
  readonly recorder?: SharedArrayBuffer;
  readonly suspects?: Suspects;
  /** Bounds of the two files, in their pages; for disks with a quota. */
  readonly journalPagesMax?: number;
  readonly storePagesMax?: number;
}

export interface DeviceModule {
  readonly definitions: readonly DeviceDefinition[];
  readonly agents: AgentClasses;
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
  const { dataDir, journalPagesMax, storePagesMax, agentBytesMax } = settings;
  const { idleTimeoutMs, awakeAgentsMax, turnDeadlineMs, recorder, suspects } = settings;
  const factory = createActorFactory(new Registry(definitions), agents);
  return new Shard({
    journal: new Journal(join(dataDir, 'journal.db'), pagesMax(journalPagesMax)),
    store: new ShardStore(join(dataDir, 'shard.db'), {
      ...pagesMax(storePagesMax),
      ...(agentBytesMax === undefined ? {} : { agentBytesMax }),
    }),
    diary: new ReplayDiary(join(dataDir, 'replay.json')),
    factory,
    clock: systemClock,
    log,
    post,
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(awakeAgentsMax === undefined ? {} : { awakeAgentsMax }),
    ...(turnDeadlineMs === undefined ? {} : { turnDeadlineMs }),
    ...(recorder === undefined ? {} : { recorder: new FlightRecorder(recorder) }),
    ...(suspects === undefined ? {} : { suspects }),
  });
}

function pagesMax(pages: number | undefined): { pagesMax?: number } {
  return pages === undefined ? {} : { pagesMax: pages };
}
