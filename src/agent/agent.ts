/**
 * What an author subclasses. State and hooks carry the names and meanings of the Agents SDK 0.5; each
 * capability besides (frames out, frames in, twin, commands, rules) is a module of its own.
 */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Frame } from '../wire/index.ts';
import type { ProtocolDecision } from './attachment.ts';
import { AgentConnection } from './connection.ts';
import { Outbound } from './outbound.ts';

/** Passed to `shouldSendProtocolMessages` and `onConnect`. */
export interface ConnectContext {
  /** Request target of the upgrade, with its query. */
  readonly uri: string;
  /** Authenticated identity, null without authentication. */
  readonly user: string | null;
}

export class Agent<State = unknown> {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  #isStateFrameDue = false;

  /** Called by the runtime; subclasses override hooks, not the constructor. */
  constructor(context: ActorContext) {
    this.#context = context;
    this.#outbound = new Outbound(context);
  }

  // --- for authors -----------------------------------------------------------------------------

  /** The state of an agent that has none yet. */
  initialState: State | undefined = undefined;

  /** The id of this agent. */
  get name(): string {
    return this.#context.address.id;
  }

  get model(): string {
    return this.#context.address.model;
  }

  get log(): Log {
    return this.#context.log;
  }

  /** The last state set, else `initialState`. A JSON value; treat it as immutable. */
  get state(): State | undefined {
    const stored = this.#context.cell('state');
    // Only setState writes it.
    return stored === undefined ? this.initialState : (stored as State);
  }

  /**
   * Replaces the state, sends it to the connections and calls `onStateChanged`.
   * @throws BridgeError BRG_STATE_TOO_LARGE; nothing has changed then.
   */
  setState(state: State): void {
    // Never rejects: what onStateChanged throws goes to onError.
    void this.replaceState(state, 'server');
  }

  getConnections(): AgentConnection[] {
    return this.#context.connections().map((connection) => this.wrap(connection.id));
  }

  getConnection(id: string): AgentConnection | undefined {
    const connection = this.#context.connection(Number(id));
    return connection === undefined
      ? undefined
      : new AgentConnection(connection, this.#context, this.#outbound);
  }

  /** Sends a message of the author's own to every connection, in each one's codec. */
  broadcast(message: unknown, exceptIds: readonly string[] = []): void {
    for (const connection of this.getConnections()) {
      if (!exceptIds.includes(connection.id)) connection.send(message);
    }
  }

  /** After the agent woke, before its first message. */
  onStart(): void | Promise<void> {}

  onConnect(_connection: AgentConnection, _context: ConnectContext): void | Promise<void> {}

  /** A message that is no protocol frame. Text on JSON connections arrives as string. */
  onMessage(_connection: AgentConnection, _message: unknown): void | Promise<void> {}

  onClose(_connection: AgentConnection, _code: number, _reason: string): void | Promise<void> {}

  onStateChanged(_state: State, _source: 'server' | AgentConnection): void | Promise<void> {}

  /** A hook failed. Default: log it. */
  onError(error: unknown): void {
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.error({ agent: `${this.model}/${this.name}`, err }, 'agent hook failed');
  }

  /** Which protocol frames a connection gets; asked once per connect. May be async (2 s), failing closed. */
  shouldSendProtocolMessages(
    _connection: AgentConnection,
    _context: ConnectContext,
  ): ProtocolDecision | Promise<ProtocolDecision> {
    return true;
  }

  // --- for this room ---------------------------------------------------------------------------

  /** @internal */
  get context(): ActorContext {
    return this.#context;
  }

  /** @internal */
  get outbound(): Outbound {
    return this.#outbound;
  }

  /** @internal */
  wrap(connection: number): AgentConnection {
    const found = this.getConnection(String(connection));
    if (found === undefined) throw new BridgeError('BRG_INTERNAL', `connection ${connection} is not known`);
    return found;
  }

  /** @internal Frames a connection gets first, in order. */
  firstFrames(): Frame[] {
    const { model: agent, id: name } = this.#context.address;
    const frames: Frame[] = [{ type: 'cf_agent_identity', name, agent }];
    const { state } = this;
    if (state !== undefined) frames.push({ type: 'cf_agent_state', state });
    frames.push({
      type: 'cf_agent_mcp_servers',
      mcp: { prompts: [], resources: [], servers: {}, tools: [] },
    });
    return frames;
  }

  /** @internal Answers a request of the API; undefined when it knows no such request. */
  request(_request: number, _name: string, _body: unknown): unknown {
    return undefined;
  }

  /** @internal */
  replaceState(state: State, source: 'server' | AgentConnection): void | Promise<void> {
    const bytes = Buffer.byteLength(JSON.stringify(state ?? null));
    if (bytes > limits.stateBytesMax) {
      const message = `the state is ${bytes} bytes, the limit is ${limits.stateBytesMax}`;
      throw new BridgeError('BRG_STATE_TOO_LARGE', message, {
        details: { bytes, limit: limits.stateBytesMax },
      });
    }
    this.#context.setCell('state', state);
    const except = source === 'server' ? undefined : new Set([Number(source.id)]);
    this.#outbound.broadcast({ type: 'cf_agent_state', state }, except);
    return this.runHook(() => this.onStateChanged(state, source));
  }

  /**
   * @internal Replaces the state of a stream of small changes: one state frame per commit, however many
   * changes it holds, because only the last one counts.
   */
  streamState(state: State): void {
    this.#context.setCell('state', state);
    this.#isStateFrameDue = true;
  }

  /** @internal Frames that wait for the end of the batch. */
  beforeCommit(): void {
    if (!this.#isStateFrameDue) return;
    this.#isStateFrameDue = false;
    if (this.#outbound.isWanted('state')) {
      this.#outbound.broadcast({ type: 'cf_agent_state', state: this.state ?? null });
    }
  }

  /** @internal Runs an author's hook: what it throws goes to `onError`, its writes are taken back. */
  runHook(hook: () => void | Promise<void>): void | Promise<void> {
    try {
      const running = this.#context.attempt(hook);
      return running?.catch((error: unknown) => this.hookFailed(error));
    } catch (error) {
      this.hookFailed(error);
    }
    return undefined;
  }

  /** @internal `onError` may throw as well, as that of the Agents SDK does: the turn goes on. */
  hookFailed(error: unknown): void {
    try {
      this.#context.attempt(() => this.onError(error));
    } catch (failure) {
      const err = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      this.log.error({ agent: `${this.model}/${this.name}`, err }, 'onError failed');
    }
  }
}
