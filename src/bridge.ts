/** Composition root: the only file of the main thread that sees every room. */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Runtime, type ActorRuntime, type Readiness, type StartShard } from './actor/index.ts';
import { sortClasses } from './agent/index.ts';
import { BridgeError } from './base/errors.ts';
import { newId } from './base/ids.ts';
import { createLog, type Log } from './base/log.ts';
import { createMetrics, type BridgeMetrics } from './base/metrics.ts';
import { createBroker, type Broker } from './broker/index.ts';
import { edgeOptions, tlsOptions } from './broker-settings.ts';
import { checkConfig, checkReach, type Config } from './config.ts';
import { placeShards, prepareDataDir } from './data-dir.ts';
import { describeDefinition, describePlainModel, Registry } from './device/index.ts';
import { createGateway, mqttUpgrade, type Gateway } from './gateway/index.ts';
import { Identities, jwtVerifier } from './identity/index.ts';
import { EngineHost } from './inference/index.ts';
import { mcpEndpoint } from './mcp-bridge.ts';
import { workerShards } from './shard-group.ts';
import { inlineShards } from './shard-inline.ts';
import { workerShard } from './shard-links.ts';
import { inlineSessionStore, threadSessionStore } from './session-stores.ts';
import { loadDevices, type ShardSettings } from './shard.ts';
import { whyNoTypeCheck, type McpEndpoint } from './tools/index.ts';
import { clearTransfers, transfersIn } from './store/index.ts';

/** A running bridge. */
export interface Bridge {
  /** Where MQTT over TCP is served; `port` is its number, also when any free one was asked for. */
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Where MQTT over TLS is served, `port` is its number; null: nowhere. */
  readonly mqtts: { readonly host: string; readonly port: number } | null;
  /** Where HTTP, WebSocket and MQTT over WebSocket (`/mqtt`) are served; `port` is its number. */
  readonly http: { readonly host: string; readonly port: number; readonly url: string };
  readonly config: Config;
  /** Stops accepting, finishes turns, commits, closes. Never rejects. */
  stop(): Promise<void>;
}

/** What code that embeds a bridge may set beside its settings; `shard` is for tests and for disks with a quota. */
export interface BridgeOptions {
  /** Told when the bridge cannot go on (a failed fsync, a shard that keeps crashing); default: exit 1. */
  readonly onFatal?: (error: Error) => void;
  readonly shard?: Pick<
    ShardSettings,
    | 'idleTimeoutMs'
    | 'awakeAgentsMax'
    | 'turnDeadlineMs'
    | 'shardStallMs'
    | 'journalPagesMax'
    | 'storePagesMax'
  >;
  /** Told of changes while the journal is replayed. */
  readonly onProgress?: (applied: number, total: number) => void;
}

const READY_POLL_MS = 5;

/**
 * Starts a bridge and resolves when it takes messages.
 * @param overrides settings other than the defaults
 * @throws BridgeError BRG_CONFIG, BRG_DATA_DIR, BRG_PORT_IN_USE, BRG_DEFINITION
 */
export async function createBridge(
  overrides: Partial<Config> = {},
  options: BridgeOptions = {},
): Promise<Bridge> {
  const config = checkConfig(overrides);
  assertCanCheck(config);
  prepareDataDir(config.dataDir);
  const bridge = new RunningBridge(config, options);
  try {
    await bridge.start();
    return bridge;
  } catch (error) {
    await bridge.stop();
    throw error;
  }
}

class RunningBridge implements Bridge {
  readonly config: Config;
  readonly #options: BridgeOptions;
  readonly #log: Log;
  readonly #metrics: BridgeMetrics = createMetrics();
  readonly #engines: EngineHost;
  #runtime: Runtime | undefined;
  #broker: Broker | undefined;
  #gateway: Gateway | undefined;
  #identities: Identities | undefined;
  #mcp: McpEndpoint | undefined;
  #failed: ((error: Error) => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: Config, options: BridgeOptions) {
    this.config = config;
    this.#options = options;
    this.#log = createLog({ level: config.logLevel, format: config.logFormat });
    this.#engines = new EngineHost({ log: this.#log });
  }

  get mqtt(): Bridge['mqtt'] {
    return this.#broker?.address ?? { host: this.config.host, port: this.config.mqttPort };
  }

  get mqtts(): Bridge['mqtts'] {
    return this.#broker?.tlsAddress ?? null;
  }

  get http(): Bridge['http'] {
    const { host, port } = this.#gateway?.address ?? { host: this.config.host, port: this.config.httpPort };
    return { host, port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
  }

  async start(): Promise<void> {
    const { config } = this;
    const startMs = Date.now();
    const identities = (this.#identities = new Identities(config.dataDir, jwtVerifier(config, this.#log)));
    checkReach(config, { mqtt: !identities.isOpen, http: identities.hasHttp });
    const devicesUrl = devicesModule(config.devices);
    const { definitions, agents } = await loadDevices(devicesUrl);
    const plain = [...sortClasses(definitions, agents).plain.keys()];
    const registry = new Registry(definitions, plain);
    const startFailed = new Promise<never>((_resolve, reject) => (this.#failed = reject));
    // Handled by the race below; later failures go to onFatal.
    startFailed.catch(() => undefined);
    const runtime = (this.#runtime = this.#startRuntime(devicesUrl));
    const models = [...definitions.map(describeDefinition), ...plain.map(describePlainModel)];
    const mcp = (this.#mcp = mcpEndpoint({ runtime, models, version: packageVersion(), log: this.#log }));
    this.#gateway = await createGateway({
      runtime,
      readiness: () => this.#readiness(runtime),
      models,
      mcp: (request, requester) => mcp.fetch(request, requester),
      host: config.host,
      port: config.httpPort,
      log: this.#log,
      metrics: { render: () => this.#renderMetrics() },
      counters: this.#metrics,
      adminToken: config.adminToken,
      readToken: config.readToken,
      actToken: config.actToken,
      identities,
      dashboardDir: fileURLToPath(projectUrl('dist/dashboard')),
      onMqttUpgrade: mqttUpgrade((stream, address) => {
        if (this.#broker === undefined) stream.destroy();
        else this.#broker.acceptStream(stream, address);
      }),
      version: packageVersion(),
      transfers: { directory: transfersIn(config.dataDir), agentBytesMax: config.agentBytesMax },
    });
    // Who finds that another process has the directory has taken nothing from anybody by then.
    await Promise.race([this.#until(runtime, (kind) => kind !== 'starting'), startFailed]);
    this.#broker = await createBroker({
      runtime,
      registry,
      host: config.host,
      port: config.mqttPort,
      log: this.#log,
      counters: this.#metrics,
      packetBytesMax: config.mqttPacketBytesMax,
      identities,
      sessionStore: (config.shards === 0 ? inlineSessionStore : threadSessionStore)(config.dataDir),
      sessionExpiryMs: config.mqttSessionExpiryS * 1000,
      edge: edgeOptions(config),
      onFatal: (error) => this.#fatal(error),
      ...tlsOptions(config),
    });
    // Stopping: the start has failed, and nobody waits for it any more.
    const isReady = (kind: Readiness['kind']): boolean => ['ready', 'disk-full', 'stopping'].includes(kind);
    await Promise.race([this.#until(runtime, isReady), startFailed]);
    this.#failed = undefined;
    // Only now it is certain that nobody else uses the directory.
    clearTransfers(config.dataDir, startMs);
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    // The broker first: what devices have sent is still acknowledged, then nothing more comes in.
    await this.#broker?.stop();
    await this.#runtime?.stop();
    await this.#engines.close();
    await this.#mcp?.close();
    await this.#gateway?.stop();
    this.#identities?.close();
  }

  #startRuntime(devicesUrl: string): Runtime {
    const { dataDir, logLevel, logFormat, agentBytesMax } = this.config;
    const { model, modelKey, modelKeyFile, modelTokensPerDay } = this.config;
    const models = { model, modelKey, modelKeyFile, modelTokensPerDay };
    const mcp = mcpSettings(this.config);
    const checksProgramTypes = this.config.programTypes === 'on';
    const own = { dataDir, devicesUrl, logLevel, logFormat, agentBytesMax, models, mcp, checksProgramTypes };
    const settings: ShardSettings = { ...own, ...this.#options.shard };
    return new Runtime({
      shards: this.#startShards(settings),
      runId: newId(),
      log: this.#log,
      onFatal: (error) => this.#fatal(error),
      onCommitted: (count, durationMs) => this.#metrics.committed(count, durationMs),
    });
  }

  #startShards(settings: ShardSettings): StartShard[] {
    const { dataDir, shards: wanted } = this.config;
    const shards = placeShards(dataDir, wanted);
    const engines = this.#engines.connect;
    if (wanted === 0) return inlineShards(settings, shards, engines);
    return shards === 1 ? [workerShard(settings, engines)] : workerShards(settings, shards, engines);
  }

  async #until(runtime: ActorRuntime, holds: (kind: Readiness['kind']) => boolean): Promise<void> {
    for (;;) {
      const readiness = runtime.readiness();
      if (holds(readiness.kind)) return;
      if (readiness.kind === 'replaying') this.#options.onProgress?.(readiness.applied, readiness.total);
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** What the sessions promise has to be on the disk as well. */
  #readiness(runtime: ActorRuntime): Readiness {
    const readiness = runtime.readiness();
    const sinceMs = this.#broker?.fullSinceMs() ?? null;
    return readiness.kind === 'ready' && sinceMs !== null ? { kind: 'disk-full', sinceMs } : readiness;
  }

  async #renderMetrics(): Promise<{ contentType: string; body: string }> {
    // While a shard restarts its numbers are missing; the rest is worth showing.
    const stats = await this.#runtime?.request(null, 'stats', {}, { timeoutMs: 2000 }).catch(() => undefined);
    const gauges = {
      mooring_mqtt_connections: this.#broker?.connectionCount() ?? 0,
      mooring_websocket_connections: this.#gateway?.connectionCount() ?? 0,
      ...this.#broker?.numbers(),
      mooring_ready: this.#runtime !== undefined && this.#readiness(this.#runtime).kind === 'ready' ? 1 : 0,
    };
    // `stats` answers a flat object of numbers (docs/design/requests.md).
    const numbers = { ...(stats as Record<string, number> | undefined) };
    this.#engines.addTo(numbers);
    return this.#metrics.render(numbers, gauges);
  }

  #fatal(error: Error): void {
    if (this.#failed !== undefined) {
      this.#failed(error);
      return;
    }
    this.#log.fatal({ err: error.message }, 'the bridge cannot go on');
    if (this.#options.onFatal === undefined) process.exit(1);
    this.#options.onFatal(error);
  }
}

/** @throws BridgeError BRG_CONFIG when programs are to be checked and cannot be */
function assertCanCheck({ programTypes }: Config): void {
  const why = programTypes === 'on' ? whyNoTypeCheck() : undefined;
  if (why !== undefined) throw new BridgeError('BRG_CONFIG', `programTypes: "on" is not possible: ${why}`);
}

/** What the settings say about MCP servers that agents use. */
function mcpSettings({ mcpAllow, publicUrl, host, httpPort }: Config): NonNullable<ShardSettings['mcp']> {
  const own = httpPort === 0 ? null : `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`;
  return {
    policy: {
      loopback: mcpAllow.includes('loopback'),
      private: mcpAllow.includes('private'),
      stdio: mcpAllow.includes('stdio'),
    },
    publicUrl: publicUrl ?? own,
    version: packageVersion(),
  };
}

/** A file of the project, whether this runs from the sources or from dist/. */
function projectUrl(path: string): URL {
  return new URL(import.meta.url.endsWith('.ts') ? `../${path}` : `../../${path}`, import.meta.url);
}

function devicesModule(path: string | null): string {
  if (path !== null) return pathToFileURL(path).href;
  return new URL(`../devices/index.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url).href;
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(projectUrl('package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0';
}
