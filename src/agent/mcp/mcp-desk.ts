/**
 * The MCP servers of one agent. What they offer is read from the agent's documents; the SDK is loaded, and a server
 * connected to, with the first thing that needs it.
 *
 * I1 Nothing here runs in a lane: whoever waits for a server is whoever asked, and telemetry goes on.
 * I2 The agent stays in memory while somebody waits, or a connection is being made; not while a person is asked.
 */
import { outside, systemClock } from '../../base/clock.ts';
import { asBridgeError, BridgeError, publicMessage, type ErrorCode } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import {
  describeRows,
  isOutdated,
  listTools,
  loadMcp,
  type AddedServer,
  type AddServerOptions,
  type McpCallOptions,
  type McpCallOutcome,
  type McpClients,
  type McpElicitation,
  type McpElicitationAnswer,
  type McpServersFrame,
  type McpStdioTarget,
  type McpTool,
  type McpTrust,
} from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import type { AgentParts } from '../agent-parts.ts';
import { LATER } from '../later.ts';
import { ElicitationHandlers, type McpElicitationHandlers } from './elicitation-handlers.ts';
import { McpCells } from './mcp-cells.ts';
import type { McpHost } from './mcp-settings.ts';

const NO_SERVERS: McpServersFrame = Object.freeze({ servers: {}, tools: [], prompts: [], resources: [] });

/** `mcp` of the frame `cf_agent_mcp_servers`; nothing is made for an agent without servers. */
export function describeMcp({ ownMcp }: AgentParts): McpServersFrame {
  return ownMcp?.describe() ?? NO_SERVERS;
}

/** The same for its tools. */
export function mcpToolsOf({ ownMcp }: AgentParts): readonly McpTool[] {
  return ownMcp?.listTools() ?? [];
}

export class McpDesk {
  readonly settings: McpHost;
  readonly #parts: AgentParts;
  readonly #cells: McpCells;
  readonly #handlers: ElicitationHandlers;
  /** Requests of the API that wait. */
  readonly #requests = new Set<number>();
  #clients: McpClients | undefined;
  #loading: Promise<McpClients> | undefined;
  #waiting = 0;

  constructor(agent: Agent, parts: AgentParts, settings: McpHost) {
    this.settings = settings;
    this.#parts = parts;
    this.#cells = new McpCells(parts.context);
    this.#handlers = new ElicitationHandlers(agent, (id, answer, options) =>
      this.#with((clients) => clients.answerElicitation(id, answer, options)),
    );
  }

  /** I2 */
  get isBusy(): boolean {
    return this.#waiting > 0 || this.#clients?.isBusy === true;
  }

  trustOf(serverId: string): McpTrust {
    return this.#cells.server(serverId)?.trust ?? 'none';
  }

  /** `mcp` of the frame `cf_agent_mcp_servers`. */
  describe(): McpServersFrame {
    return this.#clients?.describe() ?? describeRows(this.#cells.servers());
  }

  /** As they were offered last. Servers whose list may be out of date are asked again, in the background. */
  listTools(): readonly McpTool[] {
    const rows = this.#cells.servers();
    const now = this.#parts.context.now();
    if (rows.some(({ catalogue }) => isOutdated(catalogue, now))) {
      this.#with((clients) => Promise.resolve(clients.restore())).catch(() => undefined); // their states tell
    }
    return listTools(rows);
  }

  /** @throws BridgeError as `McpClients.addServer` */
  add(
    name: string,
    target: string | URL | McpStdioTarget,
    options: AddServerOptions,
    by: string,
  ): Promise<AddedServer> {
    return this.#with(async (clients) => {
      const known = new Set(this.#cells.servers().map(({ id }) => id));
      try {
        return await clients.addServer(name, target, options);
      } finally {
        // Also one that could not be reached is kept.
        for (const row of this.#cells.servers())
          if (!known.has(row.id)) this.#note('mcp-server-added', row.id, by);
      }
    });
  }

  /** Whether there was one. */
  remove(id: string, by: string): Promise<boolean> {
    return this.#with((clients) => {
      const wasThere = clients.removeServer(id);
      if (wasThere) this.#note('mcp-server-removed', id, by);
      return Promise.resolve(wasThere);
    });
  }

  /** @throws BridgeError as `McpClients.callTool` */
  call(serverId: string, name: string, input: unknown, options: McpCallOptions): Promise<McpCallOutcome> {
    return this.#with(async (clients) => {
      const outcome = await clients.callTool(serverId, name, input, options);
      return this.#handlers.settled(outcome, options);
    });
  }

  /** Questions of servers to a person, oldest first. */
  elicitations(): readonly McpElicitation[] {
    if (this.#clients !== undefined) return this.#clients.elicitations();
    const now = this.#parts.context.now();
    return this.#cells
      .elicitations()
      .filter(({ answer, expiresAtMs }) => answer === null && expiresAtMs > now);
  }

  /** @throws BridgeError as `McpClients.answerElicitation` */
  answer(id: string, answer: McpElicitationAnswer, options: McpCallOptions): Promise<McpCallOutcome | null> {
    return this.#with(async (clients) => {
      const outcome = await clients.answerElicitation(id, answer, options);
      return outcome === null ? null : this.#handlers.settled(outcome, options);
    });
  }

  configureHandlers(handlers: McpElicitationHandlers): void {
    this.#handlers.configure(handlers);
  }

  waitForConnections(timeoutMs: number | undefined): Promise<void> {
    if (this.#cells.servers().length === 0) return Promise.resolve();
    return this.#with((clients) => {
      clients.restore();
      return clients.waitForConnections(timeoutMs);
    });
  }

  /** The page for a person whom an authorization server sent back; null: the request is for something else. */
  async oauthCallback(request: Request): Promise<Response | null> {
    const { pathname } = new URL(request.url);
    const isOurs = this.#cells
      .servers()
      .some(({ callbackUrl }) => callbackUrl !== null && new URL(callbackUrl).pathname === pathname);
    return isOurs ? this.#with((clients) => clients.handleOAuthCallback(request)) : null;
  }

  /** Answers a request of the API when `work` has ended, beside the lanes. */
  replyLater(request: number, work: Promise<unknown>): typeof LATER {
    this.#requests.add(request);
    const reply = (answer: () => void): void => {
      if (this.#requests.delete(request)) answer();
    };
    work.then(
      (value) => reply(() => this.#reply(request, value)),
      (error: unknown) => reply(() => this.#refuse(request, error)),
    );
    return LATER;
  }

  /** The agent is given up: lets go who waits for it. */
  abandon(code: ErrorCode, message: string): void {
    for (const request of this.#requests) this.#parts.context.replyError(request, code, message);
    this.#requests.clear();
    this.stop();
  }

  /** The agent leaves memory: what is kept stays. */
  stop(): void {
    this.#cells.close();
    this.#clients?.close();
  }

  #reply(request: number, value: unknown): void {
    try {
      this.#parts.context.reply(request, value ?? null);
    } catch (error) {
      // An answer may be larger than one may be.
      this.#refuse(request, error);
    }
  }

  #refuse(request: number, error: unknown): void {
    const failure = asBridgeError(error);
    this.#parts.context.replyError(request, failure.code, publicMessage(failure), failure.details);
  }

  async #with<T>(work: (clients: McpClients) => Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      this.#loading ??= outside(() => this.#load());
      return await work(await this.#loading);
    } finally {
      this.#waiting--;
    }
  }

  async #load(): Promise<McpClients> {
    const { McpClients } = await loadMcp();
    if (this.#cells.isClosed) throw new BridgeError('BRG_MCP_UNAVAILABLE', 'the agent has gone to sleep');
    const { policy, version, processes } = this.settings;
    this.#clients = new McpClients({
      storage: this.#cells,
      log: this.#parts.context.log,
      policy,
      ...(processes === undefined ? {} : { processes }),
      client: { name: 'mooring', version },
      clock: { now: () => this.#parts.context.now(), after: (ms, call) => systemClock.after(ms, call) },
      onChange: () => this.#changed(),
    });
    return this.#clients;
  }

  #changed(): void {
    if (this.#cells.isClosed) return;
    const { outbound } = this.#parts;
    if (outbound.isWanted('mcp'))
      outbound.broadcast({ type: 'cf_agent_mcp_servers', mcp: { ...this.describe() } });
    this.#handlers.offer(this.elicitations());
  }

  #note(event: string, subject: string, by: string): void {
    const { context } = this.#parts;
    // Not an effect's id: those of a turn that runs meanwhile must be the same at a replay.
    context.audit({ id: `${newId()}.mcp`, kind: 'agent', event, subject, by, detail: null });
  }
}
