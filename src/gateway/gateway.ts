/**
 * The HTTP server: one port for the API, the agents' WebSockets, MQTT over WebSocket, metrics, health and the
 * dashboard. It holds no state of agents: it asks the runtime.
 */
import { createServer, STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ActorRuntime, Readiness } from '../actor/index.ts';
import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { HttpCallers, type Identities } from '../identity/index.ts';
import { isLoopbackHost } from './access.ts';
import type { FrameCounters } from './agent-socket.ts';
import { FrameWriter } from './frame-writer.ts';
import { handleRequest } from './http-handler.ts';
import type { HttpContext } from './http-handler.ts';
import { localAnswers } from './local-answers.ts';
import type { MetricsSource, ModelInfo } from './local-answers.ts';
import type { McpHandler } from './mcp-request.ts';
import { RequestRates } from './request-rates.ts';
import { loadStaticFiles } from './static-files.ts';
import { BUILT_IN_MODELS } from '../base/address.ts';
import { isUpload } from './transfers.ts';
import type { TransferOptions } from './transfers.ts';
import { AgentSockets } from './upgrade.ts';

export interface GatewayOptions {
  readonly runtime: ActorRuntime;
  /** What `/readyz` says; default: whether the runtime is ready. */
  readonly readiness?: () => Readiness;
  /** As `GET /api/models` answers them. */
  readonly models: readonly ModelInfo[];
  readonly host: string;
  /** 0: any free port; `Gateway.address` tells. */
  readonly port: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly metrics: MetricsSource;
  readonly counters?: FrameCounters;
  /** Null: open, to this machine only. */
  readonly adminToken: string | null;
  /** One that may only read, beside the admin token; default: none. */
  readonly readToken?: string | null;
  /** One that may act under the policy of devices as well. */
  readonly actToken?: string | null;
  /** Users, tokens, and issuers of tokens; default: nobody but who has a token of the above. */
  readonly identities?: Identities;
  /** The built dashboard; null or missing: `/` says how to build it. */
  readonly dashboardDir: string | null;
  /** Takes over WebSocket upgrades at `/mqtt`, after the Host and Origin checks. */
  onMqttUpgrade(socket: Duplex, request: IncomingMessage, head: Buffer): void;
  /** Answers at `/mcp`; nobody without. */
  readonly mcp?: McpHandler;
  readonly version: string;
  /** Without it there are no exports and imports. */
  readonly transfers?: TransferOptions;
  /** Smaller limits, for small machines and tests. */
  readonly connectionsMax?: number;
  readonly socketBufferBytesMax?: number;
  readonly pingMs?: number;
  readonly rates?: RequestRates;
}

export interface Gateway {
  readonly address: { readonly host: string; readonly port: number };
  /** Closes WebSockets with 1001, ends what is idle, waits shortly for what is not. Never rejects; at most 2 s. */
  stop(): Promise<void>;
  /** WebSockets of agents now open. */
  connectionCount(): number;
}

/** Starts listening. Rejects with BRG_PORT_IN_USE or BRG_CONFIG. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  if (options.adminToken === null && options.identities?.hasHttp !== true && !isLoopbackHost(options.host)) {
    throw new BridgeError(
      'BRG_CONFIG',
      `host ${options.host} is reachable from outside: set an admin token first`,
    );
  }
  const gateway = new HttpGateway(options);
  await gateway.listen();
  return gateway;
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #sockets: AgentSockets;
  #phase: { kind: 'listening' } | { kind: 'stopping'; done: Promise<void> } = { kind: 'listening' };
  #requestsActive = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const context = this.#httpContext();
    if (options.identities !== undefined) options.identities.onHttpChange = () => this.#sockets.recheck();
    this.#server = createServer(
      {
        headersTimeout: limits.httpHeadersTimeoutMs,
        requestTimeout: limits.transferTimeoutMs,
        connectionsCheckingInterval: limits.httpHeadersTimeoutMs / 2,
        // `curl --http2` offers h2c with every request; only WebSocket is taken up.
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
      },
      (request, response) => {
        this.#requestsActive++;
        response.once('close', () => this.#requestsActive--);
        if (!isUpload(request)) limitTime(request);
        void handleRequest(context, request, response); // never rejects
      },
    );
    this.#server.maxConnections = limits.webSocketConnectionsMax + limits.httpConnectionsMax;
    // A socket nothing moves on; the longest rightful silence is that of a command waiting for its device.
    this.#server.timeout = limits.commandWaitMaxMs + limits.requestTimeoutMs;
    this.#server.on('clientError', refuseBrokenRequest);
    this.#sockets = this.#createSockets(context);
    this.#server.on('upgrade', (request, socket, head) => this.#sockets.handleUpgrade(request, socket, head));
  }

  #httpContext(): HttpContext {
    const options = this.#options;
    const { adminToken, readToken = null, actToken = null, identities = null } = options;
    const tokens = { adminToken, readToken, actToken };
    const callers = new HttpCallers(tokens, identities, isLoopbackHost(options.host));
    return {
      runtime: options.runtime,
      policy: { host: options.host, callers, rates: options.rates ?? new RequestRates() },
      access: { callers, denials: (itemsMax) => options.identities?.denials.list(itemsMax) ?? [] },
      modelNames: new Set([...options.models.map(({ model }) => model), ...BUILT_IN_MODELS]),
      files: loadStaticFiles(options.dashboardDir),
      local: localAnswers({ readiness: () => options.runtime.readiness(), ...options }),
      mcp: options.mcp ?? null,
      transfers: options.transfers ?? null,
      log: options.log,
      clock: this.#clock,
      isStopping: () => this.#phase.kind === 'stopping',
    };
  }

  #createSockets(context: HttpContext): AgentSockets {
    const options = this.#options;
    return new AgentSockets({
      runtime: options.runtime,
      policy: context.policy,
      modelNames: context.modelNames,
      counters: options.counters ?? { framesIn() {}, framesOut() {} },
      writer: new FrameWriter(),
      clock: this.#clock,
      log: options.log,
      connectionsMax: options.connectionsMax ?? limits.webSocketConnectionsMax,
      bufferBytesMax: options.socketBufferBytesMax ?? limits.socketBufferBytesMax,
      pingMs: options.pingMs ?? limits.webSocketPingMs,
      onMqttUpgrade: (socket, request, head) => options.onMqttUpgrade(socket, request, head),
      isStopping: context.isStopping,
    });
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port }, resolve);
    try {
      await promise;
    } catch (error) {
      this.#sockets.closeAll();
      throw listenError(error, host, port);
    }
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#options.log.error({ err: error }, 'http server failed'));
  }

  get address(): { host: string; port: number } {
    const { port } = this.#server.address() as AddressInfo; // listens on TCP
    return { host: this.#options.host, port };
  }

  connectionCount(): number {
    return this.#sockets.count;
  }

  stop(): Promise<void> {
    if (this.#phase.kind === 'listening') this.#phase = { kind: 'stopping', done: this.#stop() };
    return this.#phase.done;
  }

  async #stop(): Promise<void> {
    this.#server.close(); // stops listening, ends idle connections
    this.#sockets.closeAll();
    await this.#untilQuiet();
    this.#sockets.terminateAll();
    this.#server.closeAllConnections();
  }

  /** Resolves when no request is being answered and no WebSocket open, or after `gatewayStopMs`. */
  async #untilQuiet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = setInterval(() => {
      if (this.#requestsActive === 0 && this.#sockets.count === 0) resolve();
    }, 10);
    const deadline = setTimeout(resolve, limits.gatewayStopMs);
    await promise;
    clearInterval(check);
    clearTimeout(deadline);
  }
}

function listenError(error: unknown, host: string, port: number): BridgeError {
  const { code } = error as NodeJS.ErrnoException; // 'error' of a listening server
  if (code === 'EADDRINUSE') {
    return new BridgeError(
      'BRG_PORT_IN_USE',
      `HTTP port ${port} on ${host} is already in use: stop what uses it, or set MOORING_HTTP_PORT to another (0 = any free port)`,
      { details: { host, port } },
    );
  }
  return new BridgeError('BRG_CONFIG', `cannot listen for HTTP on ${host}:${port} (${code})`, {
    cause: error,
  });
}

const BROKEN_REQUEST_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Only an upload may take longer than this; the server's own limit is the same for all. */
function limitTime(request: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (request.complete) return;
    refuseBrokenRequest(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), request.socket);
  }, limits.httpRequestTimeoutMs);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
}

/** Bytes that are not HTTP: there is no request to answer, only a socket. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = BROKEN_REQUEST_STATUS[error.code ?? ''] ?? 400;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}
