/**
 * One HTTP request: who asks, which route, are the parts well formed, then the agents. Everything that goes
 * wrong is thrown as a BridgeError and becomes a problem document in one place.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { AgentAddress } from '../base/address.ts';
import type { ActorRuntime } from '../actor/index.ts';
import type { Clock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/index.ts';
import type { AccessPolicy } from './access.ts';
import {
  authorize,
  authorizeReturn,
  checkReach,
  checkScope,
  checkUnbound,
  sourceOf,
  tokenOf,
} from './access.ts';
import type { AccessDesk } from './access-desk.ts';
import { answerAgentRequest, isAgentRequest } from './agent-request.ts';
import { answerMcpCallback, isMcpCallback } from './mcp-callback.ts';
import { answerMcpRequest, isMcpRequest } from './mcp-request.ts';
import type { McpHandler } from './mcp-request.ts';
import { pathParameters } from './parameters.ts';
import type { Answer } from './problem.ts';
import { HttpError, jsonAnswer, methodNotAllowed, problemAnswer } from './problem.ts';
import { readJsonBody } from './request-body.ts';
import { matchRoutes } from './route.ts';
import type { LocalAnswers, Route, RouteMatch } from './route.ts';
import { routes } from './routes.ts';
import { checkRoute, ownRows } from './scopes.ts';
import type { StaticFiles } from './static-files.ts';
import { staticAnswer } from './static-files.ts';
import { exportAgent, importAgent, isUpload, sendFile } from './transfers.ts';
import type { FileAnswer, TransferOptions, TransferQuery } from './transfers.ts';
import { checkAddress, parseTarget } from './target.ts';
import type { RequestTarget } from './target.ts';

/** On every answer; pages replace the policy by their own. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export interface HttpContext {
  readonly runtime: ActorRuntime;
  readonly policy: AccessPolicy;
  readonly modelNames: ReadonlySet<string>;
  readonly files: StaticFiles;
  readonly local: LocalAnswers;
  readonly access: AccessDesk;
  /** Who answers at `/mcp`; null: nobody. */
  readonly mcp: McpHandler | null;
  /** Null: there are no exports and imports. */
  readonly transfers: TransferOptions | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether connections should not be kept for another request. */
  isStopping(): boolean;
}

/** Answers the request, with a problem document where it fails. Never rejects. */
export async function handleRequest(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startMs = context.clock.now();
  const target = parseTarget(request.url ?? '/');
  const isMcp = context.mcp !== null && isMcpRequest(target.path);
  const answering = isMcp
    ? answerMcp(context, context.mcp, request, response, target)
    : answerRequest(context, request, target);
  const answer = await answering.catch((error: unknown) => problemAnswer(error, context.log));
  if (answer === null) return;
  writeAnswer(context, request, response, answer);
  const { method } = request;
  const elapsedMs = context.clock.now() - startMs;
  context.log.debug({ method, path: target.path, status: answer.status, elapsedMs }, 'http request');
}

/** Null: it has been written, as a stream perhaps. */
async function answerMcp(
  context: HttpContext,
  mcp: McpHandler,
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
): Promise<null> {
  // Like an agent's own code, it may do something whatever the method: Origin is checked for all.
  const caller = await authorize(context.policy, request, target, true);
  checkUnbound(caller); // its tools look at all devices
  const close: Record<string, string> = context.isStopping() ? { connection: 'close' } : {};
  const headers = { ...SECURITY_HEADERS, 'cache-control': 'no-store', ...close };
  await answerMcpRequest(mcp, request, response, { caller, headers });
  return null;
}

function writeAnswer(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer | FileAnswer,
): void {
  if ('file' in answer) {
    // Never rejects.
    void sendFile(request, response, { ...SECURITY_HEADERS, ...answer.headers }, answer.file);
    return;
  }
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const hasBody = answer.status !== 304 && answer.status !== 204;
  // Node reads and drops the rest of a body nobody wanted; of one that is too large even that is too much.
  const isLast = context.isStopping() || ((answer.status === 413 || isUpload(request)) && !request.complete);
  response.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    ...answer.headers,
    // Of an agent's answer to HEAD nobody knows how long that to GET would be.
    ...(hasBody && (body.length > 0 || request.method !== 'HEAD') ? { 'content-length': body.length } : {}),
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(hasBody ? body : undefined); // Node leaves the body out for HEAD
}

async function answerRequest(
  context: HttpContext,
  request: IncomingMessage,
  target: RequestTarget,
): Promise<Answer | FileAnswer> {
  if (isMcpCallback(request, target)) {
    authorizeReturn(context.policy, request);
    const page = await answerMcpCallback(context, request, target);
    if (page !== null) return page;
  }
  const isAgent = isAgentRequest(target.path);
  const caller = await authorize(context.policy, request, target, isAgent);
  if (isAgent) return answerAgent(context, request, target, caller);
  const matches = matchRoutes(routes, target.path);
  if (matches.length === 0) return answerWithoutRoute(context, request, target);
  const methods = matches.map(({ route }) => route.method);
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (request.method === 'OPTIONS') return { status: 204, headers: { allow }, body: '' };
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const match = matches.find(({ route }) => route.method === method);
  if (match === undefined) throw methodNotAllowed(request.method, allow);
  return answerRoute(context, { request, target, caller }, match);
}

/** What an author's code answers: only for who may do what a person does. */
function answerAgent(
  context: HttpContext,
  request: IncomingMessage,
  target: RequestTarget,
  caller: Caller | null,
): Promise<Answer> {
  checkScope(caller, 'approve');
  return answerAgentRequest(context, request, target, {
    by: byOf(caller),
    mayReach: (address) => checkReach(caller, address),
  });
}

/** As the audit log names it. */
function byOf(caller: Caller | null): string {
  return caller === null ? 'api' : `api:${caller.label}`;
}

/** Dashboard files, and a hint for whoever speaks HTTP to a WebSocket address. */
function answerWithoutRoute(context: HttpContext, request: IncomingMessage, target: RequestTarget): Answer {
  const file = staticAnswer(context.files, target.path, request.headers);
  if (file !== null) {
    const allow = 'GET, HEAD, OPTIONS';
    if (request.method === 'OPTIONS') return { status: 204, headers: { allow }, body: '' };
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed(request.method, allow);
    return file;
  }
  if (target.path === '/mqtt') {
    const headers = { upgrade: 'websocket', connection: 'upgrade' }; // RFC 9110 section 15.5.22
    throw new HttpError('BRG_UPGRADE_REQUIRED', 'connect with a WebSocket client', headers);
  }
  throw new BridgeError('BRG_NOT_FOUND', `there is nothing at ${target.path}; see /api/openapi.json`);
}

interface Asked {
  readonly request: IncomingMessage;
  readonly target: RequestTarget;
  readonly caller: Caller | null;
}

async function answerRoute(
  context: HttpContext,
  { request, target, caller }: Asked,
  match: RouteMatch,
): Promise<Answer | FileAnswer> {
  const { route } = match;
  const params = checkPath(context, match.params);
  const address: AgentAddress = { model: params['model'] ?? '', id: params['id'] ?? '' };
  checkRoute(caller, route, 'id' in params ? address : null);
  const query = checkQuery(route, target.query);
  const by = byOf(caller);
  if (route.does.kind === 'transfer') {
    // The schema of both routes' queries.
    const asked = { request, address, query: query as TransferQuery, by };
    return route.does.transfer === 'export' ? exportAgent(context, asked) : importAgent(context, asked);
  }
  const body = await checkBody(route, request);
  if (route.does.kind === 'local') return context.local[route.does.answer]();
  // `route()` tied the types of query and body to the schemas that were just applied.
  const checked = { query: query as never, body: body as never };
  if (route.does.kind === 'access') {
    const asker = { caller, token: tokenOf(request, target), source: sourceOf(request) };
    return route.does.answer(context.access, asker, checked);
  }
  const person = caller?.person ?? null;
  const asked = route.does.ask({ address, params, ...checked, by, person, nowMs: context.clock.now() });
  const answer = await context.runtime.request(asked.address, asked.name, asked.body, asked.options);
  return jsonAnswer(ownRows(caller, route, answer), asked.status ?? route.response.status);
}

function checkPath(
  context: HttpContext,
  params: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { model, id, ...others } = params;
  if (model !== undefined && id !== undefined) checkAddress(model, id, context.modelNames);
  for (const [name, value] of Object.entries(others)) {
    const result = pathParameters[name]?.safeParse(value);
    if (result?.success === false) throw badInput('path', result.error, name);
  }
  return params;
}

const NO_QUERY = z.strictObject({});

/** Unknown names are refused: a typo in `?timeout=` must not silently mean its default. */
function checkQuery(route: Route, query: URLSearchParams): unknown {
  const values: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name === 'token') continue; // `authorize` has read it
    if (Object.hasOwn(values, name))
      throw new BridgeError('BRG_BAD_REQUEST', `query: ${name} is given twice`);
    values[name] = value;
  }
  const result = (route.query ?? NO_QUERY).safeParse(values);
  if (!result.success) throw badInput('query', result.error);
  return result.data;
}

async function checkBody(route: Route, request: IncomingMessage): Promise<unknown> {
  if (route.body === undefined) return null; // whatever came is ignored, as HTTP allows (RFC 9110 section 9.3.1)
  const result = route.body.schema.safeParse(await readJsonBody(request, route.body));
  if (!result.success) throw badInput('body', result.error);
  return result.data;
}

function badInput(where: 'path' | 'query' | 'body', error: z.ZodError, name?: string): BridgeError {
  const errors = error.issues.map((issue) => {
    const path = [...(name === undefined ? [] : [name]), ...issue.path.map(String)];
    return { in: where, pointer: path.map((part) => `/${part}`).join(''), detail: issue.message };
  });
  const first = errors[0];
  const detail = `${where}${first?.pointer ?? ''}: ${first?.detail ?? 'not valid'}`;
  return new BridgeError('BRG_BAD_REQUEST', detail, { details: { errors } });
}
