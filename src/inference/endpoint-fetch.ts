/**
 * `fetch` for one model endpoint, over node:http: with a limit of its own for the connection, connections that
 * belong to this endpoint, a limit of bytes, and no redirects. The key is added here and known nowhere else.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { endpointBody } from './endpoint-body.ts';
import type { ModelKey } from './model-key.ts';
import type { Pacer } from './pacer.ts';

/** RFC 9110 section 15: these have no body. */
const BODILESS = [204, 205, 304];

export class EndpointFetch {
  readonly #key: ModelKey;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #connectMs: number;
  readonly #isTls: boolean;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(
    url: URL,
    key: ModelKey,
    { clock, pacer }: { readonly clock: Clock; readonly pacer: Pacer },
    connectMs: number,
  ) {
    this.#key = key;
    this.#clock = clock;
    this.#pacer = pacer;
    this.#connectMs = connectMs;
    this.#isTls = url.protocol === 'https:';
    const options = { keepAlive: true, keepAliveMsecs: limits.modelConnectionIdleMs };
    this.#agent = this.#isTls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** As the global `fetch`, for what the provider asks of it: POST with a text and a signal. */
  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    init.signal?.throwIfAborted();
    const url = new URL(input instanceof Request ? input.url : input);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const headers = new Headers(init.headers);
    headers.set('accept-encoding', 'identity');
    if (this.#key.value !== undefined) headers.set('authorization', `Bearer ${this.#key.value}`);
    const request = (this.#isTls ? httpsRequest : httpRequest)(url, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(headers),
      agent: this.#agent,
    });
    this.#limitConnecting(request);
    // Not the `signal` option of `request`: it throws into nowhere when the answer has come to its end before.
    const { signal } = init;
    const abort = (): void => {
      reject(signal?.reason as Error); // any value may be the reason of a signal
      request.destroy();
    };
    signal?.addEventListener('abort', abort, { once: true });
    request.on('close', () => signal?.removeEventListener('abort', abort));
    request.on('error', reject);
    request.on('response', (message) => resolve(responseOf(message, this.#pacer)));
    request.end(init.body);
    return promise;
  };

  close(): void {
    this.#agent.destroy();
  }

  #limitConnecting(request: ReturnType<typeof httpRequest>): void {
    const late = (): void => {
      const text = `no connection to the model endpoint within ${this.#connectMs} ms`;
      request.destroy(
        new BridgeError('BRG_MODEL_UNAVAILABLE', text, { details: { timeoutMs: this.#connectMs } }),
      );
    };
    // From here, not from the socket: the name's lookup counts too.
    const cancel = this.#clock.after(this.#connectMs, late);
    request.on('socket', (socket) => {
      if (request.reusedSocket) return cancel();
      socket.once(this.#isTls ? 'secureConnect' : 'connect', cancel);
    });
    request.on('close', cancel);
  }
}

function responseOf(message: IncomingMessage, pacer: Pacer): Response {
  // Whoever reads the body hears of it; an abort after its end, or before its beginning, concerns nobody.
  message.on('error', () => {});
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const status = message.statusCode ?? 502;
  if (BODILESS.includes(status)) message.resume();
  const body = BODILESS.includes(status) ? null : endpointBody(message, pacer);
  return new Response(body, { status, statusText: message.statusMessage ?? '', headers });
}
