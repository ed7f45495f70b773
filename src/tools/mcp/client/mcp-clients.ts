/**
 * The foreign MCP servers of one agent: what it may call of others. After a wake their tools are there at once, from
 * what was kept; connections are made when they are needed, a few at a time.
 */
import { isDeepStrictEqual } from 'node:util';
import { fullConfig, type McpClientsOptions } from './clients-options.ts';
import { BridgeError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { limits } from '../../../base/limits.ts';
import type { Tool } from '../../tool.ts';
import { McpCalls, type McpCallOptions, type McpCallOutcome } from './calls.ts';
import { McpConnection, type ConnectionContext } from './connection.ts';
import { describeServers, type McpServersFrame } from './describe.ts';
import { GuardedFetch } from './guarded-fetch.ts';
import { listTools, type McpTool } from './listed-tools.ts';
import { handleOAuthCallback } from './oauth-callback.ts';
import { StoredOAuthProvider } from './oauth-provider.ts';
import { checkServer, type AddServerOptions, type McpStdioTarget } from './options.ts';
import type { McpElicitation, McpElicitationAnswer, McpServerRow } from './server-row.ts';
import type { HttpAccess } from './transports.ts';

/** What became of a server that was added. */
export type AddedServer =
  | { readonly id: string; readonly state: 'ready' }
  | { readonly id: string; readonly state: 'authenticating'; readonly authUrl: string };

export class McpClients {
  readonly #config: ReturnType<typeof fullConfig>;
  readonly #connections = new Map<string, McpConnection>();
  readonly #calls: McpCalls;
  readonly #idle: (() => void)[] = []; // bounded by its callers' deadlines
  #isChangeDue = false;
  #isClosed = false;

  constructor(options: McpClientsOptions) {
    this.#config = fullConfig(options);
    const { storage, clock } = this.#config;
    this.#calls = new McpCalls({
      ...{ storage, clock },
      connectionOf: (id) => this.#connectionOf(id),
      onChange: () => this.#changed(),
    });
    for (const row of storage.servers().slice(0, limits.mcpServersMax))
      this.#connections.set(row.id, this.#connection(row));
  }

  /** Connects in the background to servers whose tools are not known, or may have changed. For a wake. */
  restore(): void {
    for (const connection of this.#connections.values()) {
      if (connection.isStale && connection.state === 'not-connected')
        void connection.ready().catch(() => undefined); // its state tells
    }
  }

  /**
   * Adds a server and connects to it. The same name and URL again is the same server, with what is said about it now; if
   * its tools are known, nobody waits for it. One that could not be reached is kept, and tried again when it is needed.
   * @throws BridgeError BRG_MCP_OPTIONS, BRG_MCP_REFUSED, BRG_MCP_FULL (nothing is kept then); BRG_MCP_UNAVAILABLE
   * (`Failed to connect to MCP server at ...`, `Failed to discover ...`), BRG_MCP_TIMEOUT, BRG_MCP_ANSWER
   */
  async addServer(
    name: string,
    target: string | URL | McpStdioTarget,
    options: AddServerOptions = {},
  ): Promise<AddedServer> {
    const row = checkServer(options.id ?? newId().slice(0, 8), name, target, options);
    if (row.target.kind === 'stdio' && this.#config.policy.stdio !== true) {
      throw new BridgeError('BRG_MCP_REFUSED', 'the settings do not allow MCP servers that are processes');
    }
    const known = this.#known(row);
    const connection =
      known === undefined ? this.#add(row, options.id !== undefined) : this.#again(known, row);
    const { authUrl: wanted, catalogue } = connection.row;
    if (known !== undefined && catalogue !== null && wanted === null) {
      // An author adds it at each wake: that must not wait for a server that is down.
      if (connection.isStale) void connection.ready().catch(() => undefined); // its state tells
      return { id: connection.row.id, state: 'ready' };
    }
    try {
      await connection.ready();
    } catch (error) {
      const { id, authUrl } = connection.row;
      if (authUrl !== null) return { id, state: 'authenticating', authUrl };
      if (error instanceof BridgeError && error.code === 'BRG_MCP_REFUSED') this.removeServer(id);
      throw error;
    }
    return { id: connection.row.id, state: 'ready' };
  }

  /** Forgets a server, its tokens and questions. Whether there was one. */
  removeServer(id: string): boolean {
    const connection = this.#connections.get(id);
    if (connection === undefined) return false;
    this.#connections.delete(id);
    connection.close();
    this.#config.storage.deleteServer(id);
    this.#changed();
    return true;
  }

  /** The tools of all servers, connected or not. */
  listTools(): readonly McpTool[] {
    return listTools([...this.#connections.values()].map(({ row }) => row));
  }

  /** The same as tools a model or a program can be given, under their keys; what they answer is `structured`, else text. */
  tools(): readonly Tool[] {
    return this.listTools().map((tool) => ({
      name: tool.key,
      description: tool.description,
      inputSchema: tool.inputSchema,
      ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }),
      ...(tool.annotations === undefined ? {} : { annotations: tool.annotations }),
      execute: async (input, { signal }) => {
        const outcome = await this.callTool(tool.serverId, tool.name, input, { signal });
        if (outcome.kind === 'done') return outcome.result.structured ?? outcome.result.text;
        return {
          status: 'waiting for a person',
          questions: outcome.elicitations.map(({ id, message }) => ({ id, message })),
        };
      },
    }));
  }

  /**
   * Calls a tool, connecting first if need be.
   * @throws BridgeError BRG_MCP_UNKNOWN, BRG_MCP_ARGUMENTS, BRG_MCP_TOOL (the tool said so), BRG_MCP_TIMEOUT,
   * BRG_MCP_UNAVAILABLE, BRG_MCP_AUTHORIZATION, BRG_MCP_ANSWER, BRG_MCP_FULL; the signal's reason
   */
  callTool(
    serverId: string,
    name: string,
    input: unknown,
    options: McpCallOptions = {},
  ): Promise<McpCallOutcome> {
    return this.#calls.call(serverId, name, input, options);
  }

  /** Questions of servers to a person, oldest first. */
  elicitations(): readonly McpElicitation[] {
    return this.#calls.elicitations;
  }

  /** A person's word on one. Null: no call of ours waits for it; else as `callTool`. */
  answerElicitation(
    id: string,
    answer: McpElicitationAnswer,
    options: McpCallOptions = {},
  ): Promise<McpCallOutcome | null> {
    return this.#calls.answer(id, answer, options);
  }

  /** `cf_agent_mcp_servers` of the Agents SDK. */
  describe(): McpServersFrame {
    return describeServers([...this.#connections.values()]);
  }

  /** Whether a connection is being made. */
  get isBusy(): boolean {
    return [...this.#connections.values()].some(({ isBusy }) => isBusy);
  }

  /** Resolves when no connection is being made, or after `timeoutMs`. Never rejects. */
  async waitForConnections(timeoutMs: number = limits.mcpConnectMs): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#config.clock.after(timeoutMs, resolve);
    this.#idle.push(resolve);
    this.#wakeIdle();
    await promise;
    cancel();
    this.#idle.splice(this.#idle.indexOf(resolve), 1);
  }

  /** Answers the redirect of an authorization server; null when the request is none. Never rejects. */
  handleOAuthCallback(request: Request): Promise<Response | null> {
    const { storage, clock, successUrl } = this.#config;
    return handleOAuthCallback(
      {
        ...{ storage, clock, successUrl },
        providerOf: ({ id }) => {
          const access = this.#connections.get(id)?.access ?? null;
          return access === null || access.provider === null
            ? null
            : { provider: access.provider, fetch: access.fetch.fetch };
        },
        onAuthorized: ({ id }) => {
          const connection = this.#connections.get(id);
          connection?.authorized(true, '');
          void connection?.ready().catch(() => undefined); // its state tells
        },
        onRefused: ({ id }, reason) => this.#connections.get(id)?.authorized(false, reason),
      },
      request,
    );
  }

  /** Ends all connections; what is kept stays. For an agent that goes to sleep. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) connection.close();
  }

  #known(row: McpServerRow): McpConnection | undefined {
    const place = JSON.stringify(placeOf(row));
    return [...this.#connections.values()].find(
      (one) => one.row.name === row.name && JSON.stringify(placeOf(one.row)) === place,
    );
  }

  #add(row: McpServerRow, isNamed: boolean): McpConnection {
    if (this.#connections.has(row.id)) {
      const what = isNamed ? `there is another server ${row.id}` : 'try again';
      throw new BridgeError('BRG_MCP_OPTIONS', what);
    }
    if (this.#connections.size >= limits.mcpServersMax) {
      throw new BridgeError('BRG_MCP_FULL', `there are ${limits.mcpServersMax} MCP servers, the limit`);
    }
    const connection = this.#connection(row);
    this.#connections.set(row.id, connection);
    this.#config.storage.saveServer(row);
    return connection;
  }

  /** A known server, as it is described now. */
  #again(known: McpConnection, { target, retry, callbackUrl, trust }: McpServerRow): McpConnection {
    const row = { ...known.row, target, retry, callbackUrl, trust };
    if (isDeepStrictEqual(row, known.row)) return known;
    known.close();
    const connection = this.#connection(row);
    this.#connections.set(row.id, connection);
    this.#config.storage.saveServer(row);
    return connection;
  }

  #connection(row: McpServerRow): McpConnection {
    const { storage, clock, random, log, client, gate, processes, connectMs } = this.#config;
    const context: ConnectionContext = {
      ...{ storage, clock, random, log, client, gate, processes, connectMs },
      accessOf: (connection) => this.#accessOf(connection),
      onChange: () => this.#changed(),
      onQuestion: (serverId, params, signal) => this.#calls.asked(serverId, params, signal),
    };
    return new McpConnection(row, context);
  }

  #accessOf(connection: McpConnection): HttpAccess | null {
    const { id, target, callbackUrl } = connection.row;
    if (target.kind === 'stdio') return null;
    const { storage, clock, policy, client } = this.#config;
    const fetch = new GuardedFetch(policy, (error) => connection.drop(error), clock);
    if (callbackUrl === null) return { fetch, provider: null };
    const provider = new StoredOAuthProvider({
      ...{ serverId: id, storage, clock, callbackUrl, clientName: client.name },
      onAuthorize: (authUrl) => connection.authorizing(authUrl),
    });
    return { fetch, provider };
  }

  #connectionOf(id: string): McpConnection {
    const connection = this.#connections.get(id);
    if (connection === undefined) throw new BridgeError('BRG_MCP_UNKNOWN', `there is no MCP server ${id}`);
    return connection;
  }

  /** Tells the listener once, however much changed in this tick. */
  #changed(): void {
    if (this.#isChangeDue || this.#isClosed) return;
    this.#isChangeDue = true;
    queueMicrotask(() => {
      this.#isChangeDue = false;
      this.#wakeIdle();
      if (!this.#isClosed) this.#config.onChange();
    });
  }

  #wakeIdle(): void {
    if (this.isBusy) return;
    for (const resolve of this.#idle) resolve();
  }
}

function placeOf({ target }: McpServerRow): unknown {
  return target.kind === 'http' ? target.url : [target.command, target.args];
}
