/** The bridge as its users run it: a process of its own, reached over its ports only. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { cleanEnvironment, readyAddress } from '../support/bridge-child.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** /tmp may be memory, where an fsync means nothing; /var/tmp outlives a reboot (FHS 5.15). */
const TEMP_DIR = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
const LOG_TAIL_CHARACTERS = 4000;

/** How a process ended: exit code, or the signal that ended it. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class BridgeProcess {
  readonly mqttPort: number;
  readonly httpUrl: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  readonly #output: { out: string; log: string };

  private constructor(child: ChildProcess, ended: Promise<Ending>, output: { out: string; log: string }) {
    const address = readyAddress(output.out);
    if (address === null) throw new Error('the bridge is not ready');
    this.#child = child;
    this.#ended = ended;
    this.#output = output;
    this.mqttPort = address.mqttPort;
    this.httpUrl = address.httpUrl;
  }

  /** Starts a bridge on free ports and waits for its ready line; `end` or a test's end ends it. */
  static async start(
    dataDir: string,
    flags: readonly string[] = [],
    program: readonly string[] = ['src/main.ts', 'serve'],
  ): Promise<BridgeProcess> {
    const args = [...program, '--mqtt-port', '0', '--http-port', '0', '--data-dir', dataDir];
    const child = spawn(process.execPath, [...args, '--log-format', 'json', ...flags], {
      cwd: ROOT,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { out: '', log: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.log += chunk.toString()));
    // 'close' and not 'exit': by then all of its output has come.
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ending); // Node's types say any[]
    try {
      await until(
        () => readyAddress(output.out) !== null || child.exitCode !== null || child.signalCode !== null,
        'the bridge to be ready',
      );
      return new BridgeProcess(child, ended, output);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`${String(error)}; its log ends with: ${output.log.slice(-LOG_TAIL_CHARACTERS)}`, {
        cause: error,
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it logged so far: a JSON object a line. */
  get log(): string {
    return this.#output.log;
  }

  /** Sends a signal and waits for the end; at once when it has ended already. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    if (this.isRunning) this.#child.kill(signal);
    return this.#ended;
  }

  /** An MQTT.js client over TCP, or over WebSocket when asked; it ends with the test. */
  async mqtt(options: IClientOptions & { webSocket?: boolean } = {}): Promise<MqttClient> {
    const { webSocket = false, ...rest } = options;
    const url = webSocket ? `${this.webSocketUrl}/mqtt` : `mqtt://127.0.0.1:${this.mqttPort}`;
    const client = await connectAsync(url, { reconnectPeriod: 0, ...rest });
    client.on('error', () => undefined); // a killed bridge resets it
    onTestFinished(() => void client.end(true));
    return client;
  }

  get webSocketUrl(): string {
    return this.httpUrl.replace('http:', 'ws:');
  }

  /** The JSON answer of a route, whatever its status. */
  async request(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const init =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${this.httpUrl}${path}`, { method, ...init });
    return { status: response.status, body: await response.json() };
  }

  /** The body of a GET; the caller names the fields it looks at. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.request('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answers ${status}: ${JSON.stringify(body)}`);
    return body as T; // tests compare every field they read
  }

  /** One sample of /metrics, labels included as they stand there: `mooring_unmapped_total`. */
  async metric(sample: string): Promise<number> {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
    if (line === undefined) throw new Error(`/metrics has no ${sample}`);
    return Number(line.slice(sample.length + 1));
  }
}

/** A bridge that is killed when the test ends. */
export async function startBridge(dataDir: string, flags: readonly string[] = []): Promise<BridgeProcess> {
  const bridge = await BridgeProcess.start(dataDir, flags);
  onTestFinished(async () => void (await bridge.end('SIGKILL')));
  return bridge;
}

/** A new empty directory on a disk; the caller removes it. */
export function newDataDir(): Promise<string> {
  return mkdtemp(join(TEMP_DIR, 'mooring-e2e-'));
}

/** A new empty directory on a disk, removed when the test ends. Call it before `startBridge`. */
export async function testDataDir(): Promise<string> {
  const dir = await newDataDir();
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
