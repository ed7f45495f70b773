/**
 * HTTP requests to an agent's address, `/agents/{model}/{id}` and below: handed to its `onRequest` as they are, but for
 * what is between the client and the bridge only. An agent shares its origin with the dashboard, the API and every
 * other agent, so cookies go neither way: one agent could read and set those of all.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AgentAddress } from '../base/address.ts';
import { addressKey, BUILT_IN_MODELS } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import type { HttpContext } from './http-handler.ts';
import type { Answer } from './problem.ts';
import { HttpError, methodNotAllowed } from './problem.ts';
import { readBody } from './request-body.ts';
import { agentPath, checkAddress } from './target.ts';
import type { RequestTarget } from './target.ts';

/** RFC 9110 section 7.6.1, and `expect`, which the server has answered. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'expect', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
/** The length is that of the body as it is sent. */
const NEVER_OUT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'content-length',
  'set-cookie',
  'set-cookie2',
]);

const BODILESS: readonly string[] = ['GET', 'HEAD'];
/** They change nothing (RFC 9110 section 9.2.1), so they need not survive a crash: not journaled. */
const SAFE: readonly string[] = [...BODILESS, 'OPTIONS'];
/** Those that a WHATWG Request may have and this server's parser knows by name. */
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Whether an agent answers this path, or a hint to connect to one. */
export function isAgentRequest(path: string): boolean {
  return path.startsWith('/agents/');
}

/** Who asks, for the audit log, and what throws for an agent they do not reach. */
interface AgentAsker {
  readonly by: string;
  mayReach(address: AgentAddress): void;
}

/** The agent's answer. Throws a BridgeError of the address, the body, or the agent. */
export async function answerAgentRequest(
  context: HttpContext,
  request: IncomingMessage,
  target: RequestTarget,
  { by, mayReach }: AgentAsker,
): Promise<Answer> {
  const address = addressOf(context, target);
  mayReach(address);
  const { method = 'GET' } = request;
  if (method === 'TRACE') throw methodNotAllowed(method, ALLOWED); // no WHATWG Request may have it
  const url = urlOf(request, address);
  const bytes = BODILESS.includes(method) ? null : await readBody(request);
  const body = {
    method,
    url,
    headers: headersIn(request, !context.policy.callers.isOpen),
    body: bytes === null || bytes.length === 0 ? null : bytes.toString('base64'),
    by,
  };
  const options = { durable: !SAFE.includes(method), create: true };
  const answer = await context.runtime.request(address, 'request', body, options);
  // docs/design/requests.md; written by the agent room.
  const {
    status,
    headers,
    body: said,
  } = answer as { status: number; headers: [string, string][]; body: string };
  return { status, headers: headersOut(headers), body: Buffer.from(said, 'base64') };
}

function addressOf(context: HttpContext, target: RequestTarget): AgentAddress {
  const path = agentPath(target.path, true);
  if (path === null) throw new BridgeError('BRG_NOT_FOUND', `there is no agent at ${target.path}`);
  if (BUILT_IN_MODELS.includes(path.model)) {
    const headers = { upgrade: 'websocket', connection: 'upgrade' }; // RFC 9110 section 15.5.22
    throw new HttpError('BRG_UPGRADE_REQUIRED', 'connect with a WebSocket client', headers);
  }
  return checkAddress(path.model, path.id, context.modelNames);
}

/** As the client sees it, without the token: what agents get to see, they may store. */
function urlOf(request: IncomingMessage, address: AgentAddress): string {
  const origin = 'http://localhost';
  const url = new URL(`${origin}${(request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')}`); // RFC 9112 section 3.2.2
  url.host = request.headers.host ?? ''; // one that is none is ignored
  if (url.searchParams.has('token')) url.searchParams.delete('token');
  const seen = agentPath(url.pathname, true);
  // `..` in the path: the author would see an address that was not asked for.
  if (seen === null || addressKey(seen) !== addressKey(address)) {
    throw new BridgeError('BRG_BAD_REQUEST', 'the path leads out of the agent’s own');
  }
  url.hash = '';
  return url.href;
}

function headersIn(request: IncomingMessage, hasToken: boolean): [string, string][] {
  const named = (request.headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  const headers: [string, string][] = [];
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const isBetween = HOP_BY_HOP.has(name) || named.includes(name);
    // Where somebody is asked, Authorization is where it stands.
    const isPrivate = name === 'cookie' || (hasToken && name === 'authorization');
    if (!isBetween && !isPrivate) headers.push([name, rawHeaders[at + 1] ?? '']);
  }
  return headers;
}

function headersOut(headers: readonly [string, string][]): Record<string, string> {
  const kept = headers.filter(([name]) => !NEVER_OUT.has(name));
  try {
    for (const [name, value] of kept) {
      validateHeaderName(name);
      validateHeaderValue(name, value); // stricter than a WHATWG Response
    }
  } catch (error) {
    const message = `a header of the Response is not valid: ${(error as Error).message}`; // of node:http
    throw new BridgeError('BRG_REQUEST_FAILED', message);
  }
  return Object.fromEntries(kept);
}
