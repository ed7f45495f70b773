/**
 * Sessions of 2025 clients whose person can be asked. A client of that era says once what it can do (`initialize`), and is
 * asked within the answer to its call; so for these clients, and no others, something is kept between requests.
 *
 * I1 A session is its caller's: to anybody else it is not there.
 * I2 A session that is not there (any more) is no failure: the request is served without one, and nobody is asked.
 * I3 There are `mcpSessionsMax`; the one that was used least lately makes room.
 */
import {
  isInitializeRequest,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
  type McpServer,
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import { canShowForms } from './consent.ts';

const HEADER = 'mcp-session-id';

interface Session {
  /** Who began it. */
  readonly owner: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly usedMs: number;
}

export class McpSessions {
  readonly #build: (authInfo: AuthInfo) => McpServer;
  readonly #clock: Clock;
  /** By id, those used least lately first. */
  readonly #sessions = new Map<string, Session>();

  constructor(build: (authInfo: AuthInfo) => McpServer, clock: Clock) {
    this.#build = build;
    this.#clock = clock;
  }

  /** Null: it is none of a session, nor begins one. */
  async serve(request: Request, authInfo: AuthInfo): Promise<Response | null> {
    if (request.method !== 'POST' && request.method !== 'DELETE') return null;
    this.#dropIdle();
    const id = request.headers.get(HEADER);
    if (id === null) return this.#begin(request, authInfo);
    const session = this.#sessions.get(id);
    if (session?.owner !== ownerOf(authInfo)) return null; // I1, I2
    this.#sessions.delete(id);
    if (request.method === 'POST') this.#sessions.set(id, { ...session, usedMs: this.#clock.now() });
    return session.transport.handleRequest(request, { authInfo });
  }

  /** Ends all of them. */
  close(): void {
    for (const { server } of this.#sessions.values()) end(server);
    this.#sessions.clear();
  }

  /** Of others than a 2025 client that can ask and may decide: null. */
  async #begin(request: Request, authInfo: AuthInfo): Promise<Response | null> {
    if (request.method !== 'POST') return null;
    // A version is a date. Those of 2025 need not say theirs yet, though some do; the others say it with each request.
    if ((request.headers.get('mcp-protocol-version') ?? '') >= '2026') return null;
    if (!authInfo.scopes.includes('admin')) return null;
    const body: unknown = await request
      .clone()
      .json()
      .catch(() => undefined);
    if (!isInitializeRequest(body) || !canShowForms(body.params.capabilities)) return null;
    const server = this.#build(authInfo);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: limits.httpBodyBytesMax,
    });
    await server.connect(transport);
    const response = await transport.handleRequest(request, { authInfo, parsedBody: body });
    if (transport.sessionId === undefined) end(server);
    else this.#keep(transport.sessionId, { owner: ownerOf(authInfo), transport, server });
    return response;
  }

  /** I3 */
  #keep(id: string, session: Omit<Session, 'usedMs'>): void {
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= limits.mcpSessionsMax) this.#drop(oldest);
    this.#sessions.set(id, { ...session, usedMs: this.#clock.now() });
  }

  #dropIdle(): void {
    const beforeMs = this.#clock.now() - limits.mcpSessionIdleMs;
    for (const [id, { usedMs }] of this.#sessions) {
      if (usedMs >= beforeMs) return;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    if (session !== undefined) end(session.server);
  }
}

function ownerOf({ clientId, scopes }: AuthInfo): string {
  return JSON.stringify([clientId, scopes]);
}

/** With its transport and the answers that are open. */
function end(server: McpServer): void {
  void server.close().catch(() => undefined); // nobody is left to hear of it
}
