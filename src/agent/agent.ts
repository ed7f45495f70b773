/**
 * What an author subclasses. State and hooks carry the names and meanings of the Agents SDK 0.5; each
 * capability is a module of its own; `AgentParts` holds them.
 */
import type { ActorContext } from '../actor/index.ts';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { retryDefaults } from './agent-jobs.ts';
import { AgentParts, PARTS } from './agent-parts.ts';
import type { ProtocolDecision } from './attachment.ts';
import { BASE_CLASS, callableMethods, type CallableOptions } from './calls/callable.ts';
import { ALL_CAPABILITIES, type ConnectionCapability } from './capabilities.ts';
import type { AgentConnection } from './connection.ts';
import {
  retry,
  type CallRetryOptions,
  type DeadJob,
  type IntervalOptions,
  type QueueItem,
  type RetryOptions,
  type Schedule,
  type ScheduleCriteria,
  type ScheduleOptions,
} from './jobs/index.ts';

/** Passed to the hooks that admit a connection, and to `onConnect`. */
export interface ConnectContext {
  /** Request target of the upgrade, with its query. */
  readonly uri: string;
  /** Authenticated identity, null without authentication. */
  readonly user: string | null;
}

export class Agent<State = unknown> {
  static readonly [BASE_CLASS] = true;
  readonly [PARTS]: AgentParts;

  /** Called by the runtime; subclasses override hooks, not the constructor. */
  constructor(context: ActorContext) {
    this[PARTS] = new AgentParts(this, context);
  }

  /** The state of an agent that has none yet. */
  initialState: State | undefined = undefined;

  /** The id of this agent. */
  get name(): string {
    return this[PARTS].context.address.id;
  }

  get model(): string {
    return this[PARTS].context.address.model;
  }

  get log(): Log {
    return this[PARTS].context.log;
  }

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

  /** `setState` that resolves when the change was made, and rejects when it was refused. */
  async setStateAsync(state: State): Promise<void> {
    await this[PARTS].state.set(state);
  }

  /** All connections, or those with this tag. */
  getConnections(tag?: string): AgentConnection[] {
    const parts = this[PARTS];
    const all = parts.context.connections().map((connection) => parts.wrap(connection.id));
    return tag === undefined ? all : all.filter(({ tags }) => tags.includes(tag));
  }

  getConnection(id: string): AgentConnection | undefined {
    const connection = Number(id);
    return this[PARTS].context.connection(connection) === undefined
      ? undefined
      : this[PARTS].wrap(connection);
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

  isConnectionReadonly(connection: AgentConnection): boolean {
    return !connection.can('state.write');
  }

  isConnectionProtocolEnabled(connection: AgentConnection): boolean {
    return connection.isProtocolEnabled;
  }

  /** Deletes everything of this agent and closes its connections when the turn ends; who comes then finds a new one. */
  destroy(): Promise<void> {
    this[PARTS].destroy();
    return Promise.resolve();
  }

  /**
   * Runs `callback` later: after so many seconds, at a Date, or at the times of a cron pattern. It survives
   * restarts and runs at least once; what fails for good is in `deadJobs`. docs/jobs.md has the details.
   * @throws BridgeError BRG_JOB, BRG_JOBS_FULL, BRG_RETRY
   */
  schedule(
    when: Date | number | string,
    callback: keyof this & string,
    payload?: unknown,
    options?: ScheduleOptions,
  ): Schedule {
    return this[PARTS].schedules.schedule(when, callback, payload, options);
  }

  /** Runs `callback` every so many seconds. @throws BridgeError BRG_JOB, BRG_JOBS_FULL, BRG_RETRY */
  scheduleEvery(
    intervalSeconds: number,
    callback: keyof this & string,
    payload?: unknown,
    options?: IntervalOptions,
  ): Schedule {
    return this[PARTS].schedules.scheduleEvery(intervalSeconds, callback, payload, options);
  }

  getSchedule(id: string): Schedule | undefined {
    return this[PARTS].schedules.getSchedule(id);
  }

  getSchedules(criteria?: ScheduleCriteria): Schedule[] {
    return this[PARTS].schedules.getSchedules(criteria);
  }

  /** False when there is no such schedule. */
  cancelSchedule(id: string): boolean {
    return this[PARTS].schedules.cancelSchedule(id);
  }

  /** Runs `callback` as soon as the jobs before it have run; answers its id. @throws BridgeError BRG_JOB, BRG_JOBS_FULL */
  queue(
    callback: keyof this & string,
    payload?: unknown,
    options?: { readonly retry?: RetryOptions },
  ): string {
    return this[PARTS].jobs.queue(callback, payload, options);
  }

  dequeue(id: string): void {
    this[PARTS].jobs.dequeue(id);
  }

  dequeueAll(): void {
    this[PARTS].jobs.dequeueAll();
  }

  dequeueAllByCallback(callback: string): void {
    this[PARTS].jobs.dequeueAllByCallback(callback);
  }

  getQueue(id: string): QueueItem | undefined {
    return this[PARTS].jobs.getQueue(id);
  }

  /** Items whose payload has this value under this key. */
  getQueues(key: string, value: unknown): QueueItem[] {
    return this[PARTS].jobs.getQueues(key, value);
  }

  /** Jobs that failed for good, with their reason. */
  deadJobs(): DeadJob[] {
    return this[PARTS].dead.list();
  }

  /** Gives a dead job (or all) its attempts back; answers how many. */
  retryDead(id?: string): number {
    return this[PARTS].dead.retryDead(id);
  }

  /** Calls `fn` until it succeeds: full jitter, `Retry-After`, deadline, signal. @throws the last error */
  retry<T>(
    fn: (attempt: number, signal: AbortSignal) => T | Promise<T>,
    options: CallRetryOptions = {},
  ): Promise<T> {
    return retry(fn, options, { clock: systemClock, random: Math.random, defaults: retryDefaults(this) });
  }

  /** What may be called from outside, by name. */
  getCallableMethods(): Map<string, CallableOptions> {
    return callableMethods(this);
  }

  /** After the agent woke, before its first message. */
  onStart(): void | Promise<void> {}

  onConnect(_connection: AgentConnection, _context: ConnectContext): void | Promise<void> {}

  /** A message that is no protocol frame. Text on JSON connections arrives as string. */
  onMessage(_connection: AgentConnection, _message: unknown): void | Promise<void> {}

  onClose(
    _connection: AgentConnection,
    _code: number,
    _reason: string,
    _wasClean: boolean,
  ): void | Promise<void> {}

  /** Throws (or rejects, within 2 s) to refuse a state before anything has changed. */
  validateStateChange(_next: State, _source: 'server' | AgentConnection): void | Promise<void> {}

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
    this.log.error({ agent: `${this.model}/${this.name}`, err }, 'agent hook failed');
  }

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
