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

/** Passed to `shouldSendProtocolMessages` and `onConnect`. */
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
   * Replaces the state, sends it to the connections and calls `onStateChanged`.
   * @throws BridgeError BRG_STATE_TOO_LARGE; nothing has changed then.
   */
  setState(state: State): void {
    // Never rejects: what onStateChanged throws goes to onError.
    void this[PARTS].state.replace(state, 'server');
  }

  getConnections(): AgentConnection[] {
    const parts = this[PARTS];
    return parts.context.connections().map((connection) => parts.wrap(connection.id));
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
}
