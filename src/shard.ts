/** Composition root of one shard: opens its files, loads the device models, makes it. */
import { join } from 'node:path';
import { FlightRecorder, Shard, type ShardJournal, type ShardService, type Suspects } from './actor/index.ts';
import {
  createActorFactory,
  type AgentClasses,
  ProgramHost,
  shippedTranslator,
  type AgentModels,
  MCP_DEFAULTS,
  type McpSettings,
} from './agent/index.ts';
import { systemClock } from './base/clock.ts';
import { BridgeError } from './base/errors.ts';
import { createLog, type Log, type LogLevel } from './base/log.ts';
import { Registry, type DeviceDefinition } from './device/index.ts';
import { ModelHost, resolveModel, type EngineGate } from './inference/index.ts';
import { diaryFile, Journal, ReplayDiary, shardFile, ShardStore } from './store/index.ts';
import { McpProcesses } from './tools/index.ts';

export interface ShardSettings {
  readonly dataDir: string;
  /** Its number, of so many; default: the only one. */
  readonly shard?: number;
  readonly shards?: number;
  /** URL of the module with `definitions` and `agents`. */
  readonly devicesUrl: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'pretty' | 'json';
  /** What agents that chat ask; default `rules`. */
  readonly models?: ModelConfig;
  /** What agents may use of MCP servers; default: those on the public internet. */
  readonly mcp?: McpSettings;
  /** Whether programs of models are held against the types of their tools; TypeScript has to be there. */
  readonly checksProgramTypes?: boolean;
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

export interface ModelConfig {
  /** `rules`, `embedded`, `gguf:<path>` or `openai-compatible:<url>#<name>`. */
  readonly model: string;
  readonly modelKey: string | null;
  readonly modelKeyFile: string | null;
  readonly modelTokensPerDay: number;
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

/** What shards of a process share. */
export interface ShardSurroundings {
  /** The journal of several shards; without it the shard has its own. */
  readonly journal?: ShardJournal | undefined;
  /** The way to the engines of the process; without it the shard has its own. */
  readonly engines?: EngineGate | undefined;
}

/** Opens the shard's files. It takes batches after `start()`. */
export async function openShard(
  settings: ShardSettings,
  post: (effects: Uint8Array<ArrayBuffer>) => void,
  { journal, engines }: ShardSurroundings = {},
): Promise<Shard> {
  const { definitions, agents } = await loadDevices(settings.devicesUrl);
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const { dataDir, shard = 0, shards = 1, journalPagesMax, storePagesMax, agentBytesMax } = settings;
  const { idleTimeoutMs, awakeAgentsMax, turnDeadlineMs, recorder, suspects } = settings;
  const models = openModels(settings.models, log, engines);
  const { modelKey } = settings.models ?? {};
  const processes = new McpProcesses();
  const programs = new ProgramHost({
    secrets: modelKey == null ? [] : [modelKey],
    checksTypes: settings.checksProgramTypes === true,
  });
  const factory = createActorFactory(
    new Registry(definitions),
    agents,
    models,
    { ...MCP_DEFAULTS, ...settings.mcp, processes },
    programs,
  );
  return new Shard({
    journal: journal ?? openJournal(dataDir, journalPagesMax, log),
    store: new ShardStore(join(dataDir, shardFile(shard)), {
      shard,
      shards,
      ...pagesMax(storePagesMax),
      ...(agentBytesMax === undefined ? {} : { agentBytesMax }),
    }),
    diary: new ReplayDiary(join(dataDir, diaryFile(shard))),
    factory,
    service: serviceOf(models.host, programs, processes),
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

/** @throws BridgeError BRG_JOURNAL_DAMAGED, BRG_DATA_DIR, BRG_DISK_FULL */
export function openJournal(dataDir: string, journalPagesMax: number | undefined, log: Log): Journal {
  const journal = new Journal(join(dataDir, 'journal.db'), pagesMax(journalPagesMax));
  if (journal.isTorn)
    log.warn({}, 'the journal ended in a commit that was under way: dropped, nobody was told of it');
  return journal;
}

function serviceOf(models: ModelHost, programs: ProgramHost, processes: McpProcesses): ShardService {
  return {
    addTo: (totals) => models.addTo(totals),
    close: () => {
      models.close();
      programs.close();
      return processes.close();
    },
  };
}

/** @throws BridgeError BRG_MODEL_SPEC when no model can be asked that way */
function openModels(config: ModelConfig | undefined, log: Log, engines: EngineGate | undefined): AgentModels {
  const { model = 'rules', modelKey = null, modelKeyFile = null, modelTokensPerDay } = config ?? {};
  const host = new ModelHost({
    log,
    ...(engines === undefined ? {} : { engines }),
    ...(modelKeyFile === null ? {} : { key: { file: modelKeyFile } }),
    ...(modelKey === null ? {} : { environment: { ...process.env, MOORING_MODEL_KEY: modelKey } }),
    ...(modelTokensPerDay === undefined ? {} : { tokensPerDay: modelTokensPerDay }),
  });
  const standard = model as AgentModels['standard']; // checked by the next line
  resolveModel(standard, host, { agent: 'fleet/start' });
  const translator = shippedTranslator(host);
  return { host, standard, ...(translator === undefined ? {} : { translator }) };
}

function pagesMax(pages: number | undefined): { pagesMax?: number } {
  return pages === undefined ? {} : { pagesMax: pages };
}
