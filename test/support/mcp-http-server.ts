/** MCP servers over HTTP for tests, on 127.0.0.1 and any free port; stopped when the test is over. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createMcpHandler, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';
import { toolServer } from './mcp-tools.ts';

export interface HttpFixture {
  readonly url: string;
  readonly port: number;
  /** Requests that came in, as `METHOD /path`. */
  readonly requests: string[];
  /** Calls its tools have begun. */
  readonly calls: string[];
  stop(): Promise<void>;
}

type Fetch = (request: Request) => Promise<Response>;

/** 2026-07-28, and 2025 without sessions. */
export function modernServer(port = 0): Promise<HttpFixture> {
  const calls: string[] = [];
  const handler = createMcpHandler(({ era }) => toolServer(era, calls));
  return serve((request) => handler.fetch(request), calls, port);
}

/** 2025 only, with sessions. */
export function legacyServer(port = 0): Promise<HttpFixture> {
  const calls: string[] = [];
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const fetch: Fetch = async (request) => {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : sessions.get(id);
    if (known !== undefined) return known.handleRequest(request);
    if (id !== null) return new Response(null, { status: 404 });
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (session) => void sessions.set(session, transport),
    });
    await toolServer('legacy', calls).connect(transport);
    return transport.handleRequest(request);
  };
  return serve(fetch, calls, port);
}

/** Any fetch-shaped handler. */
export function serve(fetch: Fetch, calls: string[] = [], port = 0): Promise<HttpFixture> {
  const requests: string[] = [];
  return listen(
    (request, response) => {
      requests.push(`${request.method} ${request.url}`);
      void (async () => {
        const answer = await fetch(await toRequest(request, response));
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.flushHeaders();
        for await (const piece of answer.body ?? []) response.write(piece);
        response.end();
      })().catch(() => response.destroy());
    },
    { requests, calls, port },
  );
}

/** Any listener of node:http. */
export async function listen(
  listener: RequestListener,
  { requests = [], calls = [], port = 0 }: { requests?: string[]; calls?: string[]; port?: number } = {},
): Promise<HttpFixture> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(stop);
  const address = server.address() as AddressInfo; // listens on TCP
  return { url: `http://127.0.0.1:${address.port}/mcp`, port: address.port, requests, calls, stop };
}

async function toRequest(
  request: IncomingMessage,
  response: { once(event: 'close', listener: () => void): unknown },
): Promise<Request> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body =
    request.method === 'POST' ? await new Response(Readable.toWeb(request) as ReadableStream).text() : null;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  return new Request(`http://${request.headers.host}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    body,
    signal: gone.signal,
  });
}
