/**
 * HTTP requests to `/mcp`, handed to whoever speaks MCP as WHATWG objects; answers may be event streams, which stay open.
 * The gateway checks who asks (Host, Origin, token) and how much is sent; what it says is none of its business.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BridgeError } from '../base/errors.ts';
import type { Caller } from '../identity/index.ts';
import { readBody } from './request-body.ts';

/** Who asks: the admin, or on an open loopback bridge nobody in particular, who may all; or whoever may less. */
export interface McpRequester {
  readonly user: string | null;
  readonly scopes: readonly ('read' | 'act' | 'admin')[];
}

/** The MCP server of the bridge. */
export type McpHandler = (request: Request, requester: McpRequester) => Promise<Response>;

/** Of an open bridge, which only this machine reaches. */
const ALL: McpRequester['scopes'] = ['read', 'act', 'admin'];

/** Who may decide about approvals over HTTP may here, too: `admin` of MCP is that. */
function scopesOf(caller: Caller | null): McpRequester['scopes'] {
  return ALL.filter((scope) => caller?.may(scope === 'admin' ? 'approve' : scope) ?? true);
}

/** What it need not know: cookies and the token are the gateway's, the rest is between the client and this server. */
const KEPT_BACK: ReadonlySet<string> = new Set([
  ...['authorization', 'connection', 'content-length', 'cookie', 'expect', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

export function isMcpRequest(path: string): boolean {
  return path === '/mcp';
}

/**
 * Asks the handler and writes its answer as it comes. Rejects before anything was written, with BRG_BODY_TOO_LARGE or
 * BRG_BAD_REQUEST; ends the connection when the handler's stream fails later.
 */
export async function answerMcpRequest(
  handler: McpHandler,
  request: IncomingMessage,
  response: ServerResponse,
  context: { readonly caller: Caller | null; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const asked = await webRequest(request, gone.signal);
  const { caller } = context;
  const answer = await handler(asked, { user: caller?.label ?? null, scopes: scopesOf(caller) });
  if (response.destroyed) return void answer.body?.cancel().catch(() => undefined);
  response.writeHead(answer.status, { ...context.headers, ...Object.fromEntries(answer.headers) });
  if (answer.body === null || request.method === 'HEAD') {
    response.end();
    return;
  }
  await writeBody(answer.body, response).catch(() => response.destroy());
}

async function webRequest(request: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const { method = 'GET' } = request;
  if (method === 'TRACE' || method === 'CONNECT')
    throw new BridgeError('BRG_METHOD_NOT_ALLOWED', 'POST to /mcp');
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headersDistinct)) {
    if (!KEPT_BACK.has(name)) for (const one of value ?? []) headers.append(name, one);
  }
  const body = method === 'GET' || method === 'HEAD' ? null : await readBody(request);
  // The path is all that counts; Host was checked, and may be none a URL takes.
  return new Request('http://localhost/mcp', {
    method,
    headers,
    signal,
    body: body === null || body.length === 0 ? null : new Uint8Array(body),
  });
}

async function writeBody(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  response.once('close', cancel);
  response.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!response.write(value)) await drained(response);
  }
  response.off('close', cancel);
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}
