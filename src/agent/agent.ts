/**
 * What an author subclasses. Each capability is a module of its own; `AgentParts` holds them. The names are
 * laid in three layers: hooks (`AgentHooks`), work for later (`AgentWork`), and here state and connections.
 */
import type { ActorContext, SqlBinding, SqlRow } from '../actor/index.ts';
import type { LanguageModelV4 } from '../inference/index.ts';
import type { AddedServer, McpServersFrame, McpStdioTarget } from '../tools/index.ts';
import { languageModelOf } from './agent-models.ts';
import { AgentParts, PARTS } from './agent-parts.ts';
import { AgentWork } from './agent-work.ts';
import { askedBy } from './author-code.ts';
import { BASE_CLASS, callableMethods, type BaseClass, type CallableOptions } from './calls/callable.ts';
import type { AgentConnection } from './connection.ts';
import { getCurrentAgent } from './current-agent.ts';
import { AgentMcp, describeMcp, serverOptions, type AddMcpServerOptions } from './mcp/index.ts';
import type { AgentStorage } from './storage.ts';

/**
 * What an author subclasses: an agent with a state, connections, callables and work for later. Names and meanings of
 * the Agents SDK 0.5; docs/parity.md says what differs. A turn that throws leaves nothing behind.
 */
export class Agent<State = unknown> extends AgentWork<State> {
  static override readonly [BASE_CLASS]: BaseClass = 'agent';
  override readonly [PARTS]: AgentParts;

  /** Called by the runtime; subclasses override hooks, not the constructor. */
  constructor(context: ActorContext) {
    super();
    this[PARTS] = new AgentParts(this, context);
  }

  /** The state of an agent that has none yet. */
  initialState: State | undefined = undefined;

  /** The last state set, else `initialState`. A JSON value; treat it as immutable. */
  get state(): State | undefined {
    const stored = this[PARTS].state.current;
    // Only setState writes it.
    return stored === undefined ? this.initialState : (stored as State);
  }

  /**
   * Replaces the state by a copy: validates, stores, sends it to the connections, calls `onStateChanged`.
   * An async `validateStateChange` lets the change happen later; its refusal goes to `onError`.
   * @throws BridgeError BRG_STATE_TOO_LARGE, BRG_PAYLOAD_SHAPE, BRG_BUSY, BRG_FORBIDDEN ("Connection is
   * readonly"), or what `validateStateChange` throws; nothing has changed then.
   */
  setState(state: State): void {
    this[PARTS].state.set(state)?.catch((error: unknown) => this[PARTS].hookFailed(error));
  }

  /** `setState` that resolves when the change was made. Rejects with what `setState` throws, BRG_FORBIDDEN included. */
  async setStateAsync(state: State): Promise<void> {
    await this[PARTS].state.set(state);
  }

  /**
   * Runs SQL on the agent's own database; each `${value}` becomes a parameter. It makes the agent heavy:
   * everything of it lives in a file of its own from then on.
   * @throws SqlError with the query and SQLite's reason, BridgeError BRG_AGENT_FULL; the statement left nothing behind
   */
  sql<Row extends SqlRow = SqlRow>(query: TemplateStringsArray, ...values: SqlBinding[]): Row[] {
    return this[PARTS].context.database.all(query.join('?'), values) as Row[]; // the author knows the columns
  }

  /** Keys and values, SQL with a cursor, and transactions, in the same file. */
  get storage(): AgentStorage {
    return this[PARTS].storage;
  }

  /**
   * A language model for `generateText` and `streamText` of `ai`: `static options = { model }` of the class, else the one
   * of the setting `model`, else `rules`. Requests go through one queue, budget and circuit breaker for all agents.
   * @throws BridgeError BRG_MODEL_SPEC; BRG_BAD_REQUEST in the constructor
   */
  get languageModel(): LanguageModelV4 {
    return languageModelOf(this);
  }

  /** Tools of its MCP servers, and the questions they ask. */
  get mcp(): AgentMcp {
    return new AgentMcp(this[PARTS].mcp);
  }

  /**
   * Adds an MCP server and connects to it: by URL (Streamable HTTP), or a process that speaks MCP (stdio). The same name
   * and URL again is the same server, and is not waited for. `authenticating`: a person has to open `authUrl`. It must not
   * be awaited where a device waits (`onStart`, `onTelemetry`).
   * Rejects with BridgeError BRG_MCP_OPTIONS, BRG_MCP_REFUSED, BRG_MCP_FULL; BRG_MCP_UNAVAILABLE (`Failed to connect to MCP
   * server at ...`, `Failed to discover ...`), BRG_MCP_TIMEOUT, BRG_MCP_ANSWER: the server is kept, and tried again when needed.
   */
  async addMcpServer(
    name: string,
    target: string | URL | McpStdioTarget,
    options: AddMcpServerOptions = {},
  ): Promise<AddedServer> {
    const { mcp, context } = this[PARTS];
    const { agent, request } = getCurrentAgent();
    const origin = agent === this && request !== undefined ? new URL(request.url).origin : undefined;
    return mcp.add(name, target, serverOptions(options, context, mcp.settings, origin), askedBy(this));
  }

  /** Forgets a server, its tokens and questions. */
  async removeMcpServer(id: string): Promise<void> {
    await this[PARTS].mcp.remove(id, askedBy(this));
  }

  /** The servers and what they offered last, as `cf_agent_mcp_servers` tells it. */
  getMcpServers(): McpServersFrame {
    return describeMcp(this[PARTS]);
  }

  /** All connections, or those with this tag. */
  getConnections(tag?: string): AgentConnection[] {
    const parts = this[PARTS];
    const all = parts.context.connections().map((connection) => parts.wrap(connection.id));
    return tag === undefined ? all : all.filter(({ tags }) => tags.includes(tag));
  }

  /** The connection with this id; undefined when it has ended, or is another agent's. */
  getConnection(id: string): AgentConnection | undefined {
    const connection = Number(id);
    // '1e0' and ' 1' are numbers, and nobody's id.
    const isKnown = String(connection) === id && this[PARTS].context.connection(connection) !== undefined;
    return isKnown ? this[PARTS].wrap(connection) : undefined;
  }

  /** Sends a message of the author's own to every connection, in each one's codec. */
  broadcast(message: unknown, exceptIds: readonly string[] = []): void {
    for (const connection of this.getConnections()) {
      if (!exceptIds.includes(connection.id)) connection.send(message);
    }
  }

  /** Takes from a connection all it may do but calls, or gives it back. A call of it cannot set the state. */
  setConnectionReadonly(connection: AgentConnection, isReadonly = true): void {
    connection.setReadonly(isReadonly);
  }

  /** Whether it may not set the state: told so, or never allowed to. */
  isConnectionReadonly(connection: AgentConnection): boolean {
    return !connection.can('state.write');
  }

  /** Whether it gets any protocol frames at all. */
  isConnectionProtocolEnabled(connection: AgentConnection): boolean {
    return connection.isProtocolEnabled;
  }

  /** Deletes everything of this agent and closes its connections when the turn ends; who comes then finds a new one. */
  destroy(): Promise<void> {
    this[PARTS].destroy('the agent was destroyed', askedBy(this));
    return Promise.resolve();
  }

  /**
   * Leaves memory when the present turn has ended and was committed, and no call, job or request is open any more,
   * instead of after the idle timeout. Connections, schedules and state stay.
   */
  hibernateNow(): void {
    this[PARTS].context.hibernate();
  }

  /** What may be called from outside, by name. */
  getCallableMethods(): Map<string, CallableOptions> {
    return callableMethods(this);
  }
}
