/**
 * The bottom of an agent: who it is, and the hooks an author overrides. They carry the names and meanings
 * of the Agents SDK 0.5.
 */
import type { Log } from '../base/log.ts';
import { PARTS, type AgentParts } from './agent-parts.ts';
import type { ProtocolDecision } from './attachment.ts';
import { BASE_CLASS, type BaseClass } from './calls/callable.ts';
import { ALL_CAPABILITIES, type ConnectionCapability } from './capabilities.ts';
import type { AgentConnection } from './connection.ts';
import type { RecoveredFiber } from './fibers/index.ts';

/** Passed to the hooks that admit a connection, and to `onConnect`. */
export interface ConnectContext {
  /** Request target of the upgrade, with its query. */
  readonly uri: string;
  /** Authenticated identity, null without authentication. */
  readonly user: string | null;
}

export abstract class AgentHooks<State> {
  static readonly [BASE_CLASS]: BaseClass = 'agent';
  abstract readonly [PARTS]: AgentParts;

  /** The id of this agent. */
  get name(): string {
    return this[PARTS].context.address.id;
  }

  /** The model of this agent: the first half of its address. */
  get model(): string {
    return this[PARTS].context.address.model;
  }

  /** Each line carries `agent: "model/id"`. */
  get log(): Log {
    return this[PARTS].context.log;
  }

  /** After the agent woke, before its first message. */
  onStart(): void | Promise<void> {}

  /** A connection was let in and has its first frames; no message of it comes before this has ended. */
  onConnect(_connection: AgentConnection, _context: ConnectContext): void | Promise<void> {}

  /** A message that is no protocol frame. Text on JSON connections arrives as string. */
  onMessage(_connection: AgentConnection, _message: unknown): void | Promise<void> {}

  /** It has ended; `code` as in RFC 6455 section 7.4, 1006 when it broke off. Nothing can be sent to it any more. */
  onClose(
    _connection: AgentConnection,
    _code: number,
    _reason: string,
    _wasClean: boolean,
  ): void | Promise<void> {}

  /**
   * An HTTP request to `/agents/{model}/{id}` or a path below it. What it throws goes to `onError`, and the client
   * gets a problem with status 500. Default: 404 "Not implemented", as in the Agents SDK.
   */
  onRequest(_request: Request): Response | Promise<Response> {
    return new Response('Not implemented', { status: 404 });
  }

  /** Throws (or rejects, within 2 s) to refuse a state before anything has changed. */
  validateStateChange(_next: State, _source: 'server' | AgentConnection): void | Promise<void> {}

  /** The state has changed; `source` is the connection that set it, else `'server'`. What it throws changes nothing. */
  onStateChanged(_state: State, _source: 'server' | AgentConnection): void | Promise<void> {}

  /**
   * A hook failed; with its connection when it ran for one. An override with one parameter gets the error
   * only. Default: log it.
   */
  onError(connection: AgentConnection, error: unknown): void | Promise<void>;
  onError(error: unknown): void | Promise<void>;
  onError(...args: unknown[]): void | Promise<void> {
    const error = args.at(-1);
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.error({ err }, 'agent hook failed');
  }

  /**
   * The process ended while this fiber ran. Starting a fiber of the same name here goes on with it: it keeps its id,
   * and its context has the snapshot. Else it is over when this returns; what throws is tried again, for a day.
   * Without this hook it is a dead letter (`deadJobs`).
   */
  onFiberRecovered(_fiber: RecoveredFiber): void | Promise<void> {}

  /** Asked once per connect, like the next three: names for `getConnections(tag)`, at most 10 of 256 characters. */
  getConnectionTags(_connection: AgentConnection, _context: ConnectContext): string[] | Promise<string[]> {
    return [];
  }

  /** Anything but false is yes. May be async, failing closed: readonly. */
  shouldConnectionBeReadonly(
    _connection: AgentConnection,
    _context: ConnectContext,
  ): boolean | Promise<boolean> {
    return false;
  }

  /** What the connection may do. May be async, failing closed: nothing. */
  getConnectionCapabilities(
    _connection: AgentConnection,
    _context: ConnectContext,
  ): readonly ConnectionCapability[] | Promise<readonly ConnectionCapability[]> {
    return ALL_CAPABILITIES;
  }

  /** Which protocol frames a connection gets; the four may take 2 s together. May be async, failing closed: none. */
  shouldSendProtocolMessages(
    _connection: AgentConnection,
    _context: ConnectContext,
  ): ProtocolDecision | Promise<ProtocolDecision> {
    return true;
  }
}
