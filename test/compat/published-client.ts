/**
 * The client that npm's `agents@0.5.0` publishes, byte for byte, as the tests use it. Only its type is
 * restated here: its own declarations need the types of Cloudflare Workers.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import type { Bridge } from '../../src/bridge.ts';

export const PUBLISHED_VERSION = '0.5.0';

/** What its options allow, as far as the tests use them. */
export interface ClientOptions {
  readonly agent: string;
  readonly name?: string;
  readonly query?: Record<string, string>;
  /** Default: that of the platform. */
  readonly WebSocket?: typeof WebSocket;
  readonly onIdentity?: (name: string, agent: string) => void;
  readonly onIdentityChange?: (...names: string[]) => void;
  readonly onStateUpdate?: (state: unknown, source: 'server' | 'client') => void;
  readonly onStateUpdateError?: (error: string) => void;
}

export interface StreamOptions {
  readonly onChunk?: (chunk: unknown) => void;
  readonly onDone?: (last: unknown) => void;
  readonly onError?: (error: string) => void;
}

export interface PublishedClient {
  readonly agent: string;
  readonly name: string;
  readonly id: string;
  readonly identified: boolean;
  readonly ready: Promise<void>;
  setState(state: unknown): void;
  call(
    method: string,
    args?: unknown[],
    options?: StreamOptions | { timeout?: number; stream?: StreamOptions },
  ): Promise<unknown>;
  reconnect(): void;
  send(data: string): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

type ClientClass = new (options: ClientOptions & { host: string }) => PublishedClient;

/** A published client of a bridge, closed when the test is over. */
export async function publishedClient(bridge: Bridge, options: ClientOptions): Promise<PublishedClient> {
  const Client = await publishedClass();
  const client = new Client({ host: `${bridge.http.host}:${bridge.http.port}`, ...options });
  onTestFinished(() => client.close());
  return client;
}

async function publishedClass(): Promise<ClientClass> {
  const path = publishedPath();
  const manifest = JSON.parse(readFileSync(join(dirname(path), '../package.json'), 'utf8')) as {
    version: string;
  }; // of npm
  if (manifest.version !== PUBLISHED_VERSION) throw notInstalled(`found ${manifest.version}`);
  // Imported by its path, so that the type check does not read its declarations.
  const module = (await import(pathToFileURL(path).href)) as { AgentClient: ClientClass };
  return module.AgentClient;
}

function publishedPath(): string {
  try {
    return createRequire(import.meta.url).resolve('agents/client');
  } catch (error) {
    throw notInstalled(String(error));
  }
}

function notInstalled(reason: string): Error {
  return new Error(
    `agents@${PUBLISHED_VERSION} (a devDependency, for this test only) is not installed: run npm ci. ${reason}`,
  );
}
