/** A whole bridge in this process, on free ports and a directory of its own, and real clients for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { createBridge, type Bridge, type BridgeOptions } from '../../src/bridge.ts';
import type { Config } from '../../src/config.ts';
import { until } from './until.ts';
import { FrameSocket } from './frame-socket.ts';

/** Path of the models made for tests. */
export const labDevices = fileURLToPath(new URL('./lab-devices.ts', import.meta.url));

/** An empty directory that is deleted when the test is over. */
export function temporaryDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A bridge that is stopped when the test is over. Agents run in this thread unless `shards` says otherwise. */
export async function startBridge(
  overrides: Partial<Config> = {},
  options: BridgeOptions = {},
): Promise<TestBridge> {
  const settings = { shards: 0, mqttPort: 0, httpPort: 0, logLevel: 'silent', logFormat: 'json' } as const;
  const dataDir = overrides.dataDir ?? temporaryDir();
  const bridge = await createBridge({ ...settings, dataDir, ...overrides }, options);
  onTestFinished(() => bridge.stop());
  return new TestBridge(bridge, dataDir);
}

export class TestBridge {
  readonly bridge: Bridge;
  readonly dataDir: string;

  constructor(bridge: Bridge, dataDir: string) {
    this.bridge = bridge;
    this.dataDir = dataDir;
  }

  stop(): Promise<void> {
    return this.bridge.stop();
  }

  async mqtt(options: IClientOptions = {}): Promise<MqttClient> {
    const { host, port } = this.bridge.mqtt;
    const client = await connectAsync(`mqtt://${host}:${port}`, { reconnectPeriod: 0, ...options });
    client.on('error', () => undefined);
    onTestFinished(() => void client.end(true));
    return client;
  }

  /** @param target e.g. `lab/a?mode=none` */
  socket(target: string, protocols: string[] = []): Promise<FrameSocket> {
    return FrameSocket.open(`${this.bridge.http.url.replace('http', 'ws')}/agents/${target}`, protocols);
  }

  async fetch(path: string, init: { method?: string; body?: unknown } = {}): Promise<Answer> {
    const { method = init.body === undefined ? 'GET' : 'POST', body } = init;
    const response = await fetch(`${this.bridge.http.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  }

  /** The body of a successful answer about one agent. `path`: e.g. `lab/a/commands`, or `lab/a`. */
  async agent(path: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.fetch(`/api/agents/${path}`);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Waits until the agent's description holds. */
  describedAs(path: string, holds: (agent: Record<string, unknown>) => boolean): Promise<unknown> {
    return until(
      async () => {
        const { status, body } = await this.fetch(`/api/agents/${path}`);
        return status === 200 && holds(body);
      },
      `${path} to be as ${String(holds)}`,
    );
  }
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>; // every answer of the API is an object
  } catch {
    return { text };
  }
}
