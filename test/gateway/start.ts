import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Gateway, GatewayOptions } from '../../src/gateway/gateway.ts';
import { createGateway } from '../../src/gateway/index.ts';
import { createLog } from '../../src/base/log.ts';
import { LittleRuntime } from './little-runtime.ts';

export interface Started {
  gateway: Gateway;
  runtime: LittleRuntime;
  /** `http://127.0.0.1:port` */
  url: string;
  /** `ws://127.0.0.1:port` */
  wsUrl: string;
}

/** A gateway over a LittleRuntime, stopped when the test is over. */
export async function start(overrides: Partial<GatewayOptions> = {}): Promise<Started> {
  const runtime = new LittleRuntime();
  const gateway = await createGateway({
    runtime,
    models: [{ model: 'pump' }, { model: 'greenhouse' }],
    host: '127.0.0.1',
    port: 0,
    log: createLog({ level: 'silent', format: 'json' }),
    metrics: { render: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }) },
    adminToken: null,
    dashboardDir: null,
    onMqttUpgrade: (socket) => socket.destroy(),
    version: '1.2.3',
    ...overrides,
  });
  onTestFinished(() => gateway.stop());
  const { host, port } = gateway.address;
  return { gateway, runtime, url: `http://${host}:${port}`, wsUrl: `ws://${host}:${port}` };
}

/** A request with a JSON body. */
export function post(body: unknown, method = 'POST'): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** Polls until it holds. */
export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 5000, interval: 5 });
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request with headers and paths that `fetch` would not send (Host, `..`). */
export async function rawRequest(
  url: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer | string } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const { method = 'GET', headers = {} } = options;
  const outgoing = request({ hostname, port, path, method, headers, agent: false }, (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () =>
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('latin1'),
      }),
    );
  });
  outgoing.on('error', reject);
  outgoing.end(options.body);
  return promise;
}

export interface Refusal {
  status: number;
  problem: Record<string, unknown>;
}

/** What an upgrade that must fail was answered with. */
export async function refusedUpgrade(
  url: string,
  protocols: string[] = [],
  headers: Record<string, string> = {},
): Promise<Refusal> {
  const socket = new WebSocket(url, protocols, { headers });
  const { promise, resolve, reject } = Promise.withResolvers<Refusal>();
  socket.on('error', () => {}); // aborting below ends in one
  socket.on('open', () => reject(new Error('the upgrade was not refused')));
  socket.on('unexpected-response', (_request, response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        problem: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>, // a problem document
      }),
    );
  });
  return promise;
}

/** A connected client; its socket is destroyed when the test is over. */
export async function connect(
  url: string,
  protocols: string[] = [],
  options: ConstructorParameters<typeof WebSocket>[2] = {},
): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, options);
  onTestFinished(() => socket.terminate());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  socket.on('error', () => {});
  return socket;
}

export async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  return promise;
}
