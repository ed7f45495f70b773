/** The HTTP API of a running bridge, as the commands that talk to one use it. */
import { Readable } from 'node:stream';
import { limits } from '../base/limits.ts';
import { UsageError, type Invocation, type Option } from './command.ts';
import { configOf } from './settings.ts';

export type Json = Record<string, unknown>;

/** No bridge answers: exit code 3. */
export class ConnectError extends Error {}

/** The bridge has refused: exit code 1. `code` is that of its problem document (RFC 9457). */
export class RefusedError extends Error {
  readonly code: string;
  /** The whole problem document. */
  readonly problem: Json;

  constructor(code: string, message: string, problem: Json = {}) {
    super(message);
    this.code = code;
    this.problem = problem;
  }
}

/** What every command that talks to a bridge takes. */
export const CLIENT_OPTIONS: Readonly<Record<string, Option>> = {
  url: {
    type: 'string',
    value: '<url>',
    meaning: 'the bridge (default: where the settings say, http://127.0.0.1:8080)',
    note: 'a bridge with an admin token needs it in MOORING_ADMIN_TOKEN',
  },
};

export class BridgeClient {
  readonly url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    this.url = url;
    this.#token = token;
  }

  /** What a WebSocket to the same bridge needs. */
  get identity(): { readonly token?: string } {
    return this.#token === null ? {} : { token: this.#token };
  }

  /**
   * @param path with its query, e.g. `/api/agents?limit=5`
   * @throws ConnectError, RefusedError
   */
  async ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { body, timeoutMs = limits.requestTimeoutMs }: { body?: unknown; timeoutMs?: number } = {},
  ): Promise<unknown> {
    const init: RequestInit = { method, signal: AbortSignal.timeout(timeoutMs) };
    if (body !== undefined) {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    const { response, text } = await this.#reach(path, init, async (reached) => ({
      response: reached,
      text: await reached.text(),
    }));
    const answer = parseJson(text);
    if (response.ok && answer !== undefined) return answer;
    throw this.#refusal(response, answer);
  }

  /**
   * For bodies that are files: the answer as it comes, which is a good one.
   * @throws ConnectError, RefusedError
   */
  async open(
    method: 'GET' | 'PUT',
    path: string,
    file?: { readonly body: Readable; readonly contentType: string },
  ): Promise<Response> {
    const init: RequestInit = { method, signal: AbortSignal.timeout(limits.transferTimeoutMs) };
    if (file !== undefined) {
      init.headers = { 'content-type': file.contentType };
      // The types of fetch and of node:stream describe the same stream.
      init.body = Readable.toWeb(file.body) as NonNullable<RequestInit['body']>;
      init.duplex = 'half';
    }
    const response = await this.#reach(path, init, (reached) => Promise.resolve(reached));
    if (response.ok) return response;
    throw this.#refusal(response, parseJson(await response.text()));
  }

  async #reach<T>(path: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
    const headers = new Headers(init.headers);
    if (this.#token !== null) headers.set('authorization', `Bearer ${this.#token}`);
    try {
      return await read(await fetch(this.url + path, { ...init, headers }));
    } catch (error) {
      throw new ConnectError(
        `no bridge answers at ${this.url} (${reasonOf(error)}): start one with \`mooring serve\`, or give its --url`,
        { cause: error },
      );
    }
  }

  #refusal(response: Response, answer: unknown): RefusedError {
    const { code, detail } = asObject(answer);
    if (typeof code !== 'string') {
      const what = `HTTP ${response.status} ${response.headers.get('content-type') ?? ''}`.trimEnd();
      return new RefusedError('not-a-bridge', `what answers at ${this.url} is no Mooring bridge (${what})`);
    }
    const hint = code === 'BRG_UNAUTHORIZED' ? ': set MOORING_ADMIN_TOKEN to the token of the bridge' : '';
    return new RefusedError(code, `${String(detail)}${hint}`, asObject(answer));
  }
}

/** A client for `--url`, else for the bridge that the settings of this directory describe. */
export function clientOf(invocation: Invocation): BridgeClient {
  const { host, httpPort, adminToken } = configOf(invocation);
  const { url = `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}` } = invocation.values;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(
      `--url is ${JSON.stringify(url)}; allowed is an address such as http://127.0.0.1:8080`,
    );
  }
  if (parsed.port === '0') {
    throw new UsageError('the settings say "any free port" (0): give the --url of the ready line');
  }
  return new BridgeClient(url.replace(/\/+$/, ''), adminToken);
}

/** `value` when it is an object, else an empty one: what is missing shows as missing. */
export function asObject(value: unknown): Json {
  // Checked: an object that is no array.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The objects of a list in an answer. */
export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(asObject) : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch wraps what happened: `TypeError: fetch failed`, cause ECONNREFUSED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}
