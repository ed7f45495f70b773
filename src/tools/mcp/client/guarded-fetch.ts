/**
 * `fetch` for foreign servers, on node:http: it decides about the address a connection really goes to, after the name
 * was resolved (Node's own fetch does not say), and bounds what comes back. It follows no redirect: its caller does,
 * through it.
 */
import { lookup as resolve } from 'node:dns';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { systemClock, type Clock } from '../../../base/clock.ts';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { AnswerMeter } from './bounded-stream.ts';
import { isAllowedAddress, type NetworkPolicy } from './network-policy.ts';

/** What of `fetch` the SDK uses. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** Connections to one server, kept open between requests. */
export class GuardedFetch {
  readonly #policy: NetworkPolicy;
  readonly #clock: Clock;
  readonly #onBreach: (error: BridgeError) => void;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  /** @param onBreach told when a server floods an event stream, which has ended then */
  constructor(policy: NetworkPolicy, onBreach: (error: BridgeError) => void, clock: Clock = systemClock) {
    this.#policy = policy;
    this.#onBreach = onBreach;
    this.#clock = clock;
    // Two more than calls: an event stream, and an authorization.
    const timeout = limits.mcpIdleMs;
    const options = {
      keepAlive: true,
      timeout,
      maxSockets: limits.mcpCallsMax + 2,
      lookup: guardedLookup(policy),
    };
    this.#http = new HttpAgent(options);
    this.#https = new HttpsAgent(options);
  }

  /** As WHATWG `fetch` with `redirect: 'manual'`. Rejects with BRG_MCP_REFUSED for an address that is not allowed. */
  readonly fetch: Fetch = async (url, init = {}) => {
    const target = new URL(url);
    checkTarget(target, this.#policy);
    const body = await bodyOf(init.body);
    const headers: Record<string, string> = Object.fromEntries(new Headers(init.headers));
    if (body !== undefined) headers['content-length'] = String(body.length);
    if (init.body instanceof URLSearchParams) headers['content-type'] ??= 'application/x-www-form-urlencoded';
    const { signal } = init;
    signal?.throwIfAborted();
    const isTls = target.protocol === 'https:';
    const send = isTls ? httpsRequest : httpRequest;
    const request = send(target, {
      method: init.method ?? 'GET',
      headers,
      agent: isTls ? this.#https : this.#http,
      ...(signal == null ? {} : { signal }),
    });
    const answer = answered(request);
    // One connection of a server that was restarted fails; the others that are kept would as well.
    request.once('error', () => this.#closeUnused());
    request.setTimeout(limits.mcpCallMaxMs, () => request.destroy(new Error('the server is silent')));
    request.end(body);
    return toResponse(await answer, this.#clock, this.#onBreach);
  };

  #closeUnused(): void {
    for (const agent of [this.#http, this.#https]) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    }
  }

  /** Ends the connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** Names are decided about when they are resolved; an address in the URL is not resolved at all. */
function checkTarget(target: URL, policy: NetworkPolicy): void {
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new BridgeError('BRG_MCP_REFUSED', `${target.protocol} is not spoken; http and https are`);
  }
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowedAddress(host, policy)) throw refused(host);
}

function refused(host: string): BridgeError {
  return new BridgeError(
    'BRG_MCP_REFUSED',
    `${host} is on this machine or in a private network, which the settings do not allow for MCP servers`,
  );
}

/** What the socket connects to is what was looked at here: a name that resolves differently later gains nothing. */
function guardedLookup(policy: NetworkPolicy): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => isAllowedAddress(address, policy));
      const [first] = allowed;
      if (first === undefined) return callback(refused(hostname), '', 0);
      if (options.all === true) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}

async function bodyOf(body: RequestInit['body']): Promise<Buffer | undefined> {
  if (body == null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(await new Response(body).arrayBuffer());
}

function answered(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', (error) => reject(error instanceof BridgeError ? error : failed(error)));
  });
}

/** As `fetch` rejects: a TypeError with the reason as its cause. */
function failed(cause: Error): Error {
  if (cause.name === 'AbortError') return cause;
  return new TypeError('fetch failed', { cause });
}

const BODILESS: readonly number[] = [204, 205, 304];

function toResponse(
  incoming: IncomingMessage,
  clock: Clock,
  onBreach: (error: BridgeError) => void,
): Response {
  const { statusCode = 502, statusMessage = '' } = incoming;
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const status = statusCode < 200 || statusCode > 599 ? 502 : statusCode;
  if (BODILESS.includes(status)) {
    incoming.resume();
    return new Response(null, { status, statusText: statusMessage, headers });
  }
  const isEventStream = /^\s*text\/event-stream/i.test(headers.get('content-type') ?? '');
  incoming.setTimeout(limits.mcpSilenceMs, () => incoming.destroy(new Error('the server is silent')));
  const meter = new AnswerMeter(isEventStream, clock.now());
  incoming.on('data', (piece: Buffer) => {
    const breach = meter.count(piece.length, clock.now());
    if (breach === undefined) return;
    incoming.destroy(breach);
    // Of a single answer its reader hears; of a stream nobody need be waiting for anything.
    if (isEventStream) onBreach(breach);
  });
  incoming.pause(); // listening began the flow; the reader of the body goes on with it
  const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>; // bytes: no encoding was set
  return new Response(body, { status, statusText: statusMessage, headers });
}
