/** What an agent does later, beside its turns or again: schedules, queue, dead letters, fibers, retry. */
import { systemClock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { AgentHooks } from './agent-hooks.ts';
import { retryDefaults } from './agent-jobs.ts';
import { PARTS } from './agent-parts.ts';
import { BASE_CLASS, type BaseClass } from './calls/callable.ts';
import { currentScope } from './current-agent.ts';
import type { FiberCriteria, FiberFunction, FiberInfo, FiberOptions } from './fibers/index.ts';
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

export abstract class AgentWork<State> extends AgentHooks<State> {
  static override readonly [BASE_CLASS]: BaseClass = 'agent';

  /**
   * Runs `callback` later: after so many seconds, at a Date, or at the times of a cron pattern. It survives
   * restarts and runs at least once; what fails for good is in `deadJobs`. docs/jobs.md has the details.
   * @throws BridgeError BRG_JOB, BRG_JOBS_FULL, BRG_RETRY, BRG_PAYLOAD_TOO_LARGE; nothing is scheduled then
   */
  schedule(
    when: Date | number | string,
    callback: keyof this & string,
    payload?: unknown,
    options?: ScheduleOptions,
  ): Schedule {
    return this[PARTS].work.schedules.schedule(when, callback, payload, options);
  }

  /** Runs `callback` every so many seconds, first after one interval. @throws BridgeError as `schedule` */
  scheduleEvery(
    intervalSeconds: number,
    callback: keyof this & string,
    payload?: unknown,
    options?: IntervalOptions,
  ): Schedule {
    return this[PARTS].work.schedules.scheduleEvery(intervalSeconds, callback, payload, options);
  }

  /** Undefined when there is none, or none any more. */
  getSchedule(id: string): Schedule | undefined {
    return this[PARTS].work.schedules.getSchedule(id);
  }

  /** Those that match all of the criteria, by the time of their next run. */
  getSchedules(criteria?: ScheduleCriteria): Schedule[] {
    return this[PARTS].work.schedules.getSchedules(criteria);
  }

  /** False when there is no such schedule. */
  cancelSchedule(id: string): boolean {
    return this[PARTS].work.schedules.cancelSchedule(id);
  }

  /**
   * Runs `callback` as soon as the jobs before it have run; answers its id.
   * @throws BridgeError BRG_JOB, BRG_JOBS_FULL, BRG_RETRY, BRG_PAYLOAD_TOO_LARGE; nothing is queued then
   */
  queue(
    callback: keyof this & string,
    payload?: unknown,
    options?: { readonly retry?: RetryOptions },
  ): string {
    return this[PARTS].work.jobs.queue(callback, payload, options);
  }

  /** Takes one item out; it does no harm when there is none. A run under way goes on, but is not repeated. */
  dequeue(id: string): void {
    this[PARTS].work.jobs.dequeue(id);
  }

  /** Empties the queue. */
  dequeueAll(): void {
    this[PARTS].work.jobs.dequeueAll();
  }

  /** Takes out the items of one method. */
  dequeueAllByCallback(callback: string): void {
    this[PARTS].work.jobs.dequeueAllByCallback(callback);
  }

  /** Undefined when there is none, or none any more. */
  getQueue(id: string): QueueItem | undefined {
    return this[PARTS].work.jobs.getQueue(id);
  }

  /** Items whose payload has this value under this key. */
  getQueues(key: string, value: unknown): QueueItem[] {
    return this[PARTS].work.jobs.getQueues(key, value);
  }

  /** Jobs that failed for good, with their reason. */
  deadJobs(): DeadJob[] {
    return this[PARTS].work.dead.list();
  }

  /** Gives a dead job (or all) its attempts back; answers how many. @throws BridgeError BRG_JOBS_FULL; the rest stays dead */
  retryDead(id?: string): number {
    return this[PARTS].work.dead.retryDead(id);
  }

  /** Forgets a dead job (or all); answers how many. */
  discardDead(id?: string): number {
    return this[PARTS].work.dead.discardDead(id);
  }

  /**
   * Runs `fn` beside the lanes, after this turn was committed: it holds up neither jobs nor telemetry. Settles as `fn`
   * does. If the process ends before that, `onFiberRecovered` hears of it. docs/fibers.md has the details.
   * @throws BridgeError BRG_FIBER, BRG_FIBERS_FULL; rejects with BRG_ABORTED when the turn is taken back
   */
  runFiber<T, S = unknown>(name: string, fn: FiberFunction<T, S>): Promise<T> {
    // What the fiber stashes, and what it answers, is its author's to know.
    return this[PARTS].work.fibers.run(name, fn as FiberFunction<unknown, unknown>) as Promise<T>;
  }

  /**
   * As `runFiber`, but answers the id at once and keeps the fiber for `inspectFiber` after its end; what it throws goes to
   * `onError` too. A fiber that is known by the same id or key is not started again. @throws BridgeError BRG_FIBER, BRG_FIBERS_FULL
   */
  startFiber<S = unknown>(name: string, fn: FiberFunction<unknown, S>, options: FiberOptions = {}): string {
    return this[PARTS].work.fibers.startManaged(name, fn as FiberFunction<unknown, unknown>, options); // as above
  }

  /** Goes on with a fiber that waits, with its snapshot. @throws BridgeError BRG_FIBER when none of this id does, BRG_FIBERS_FULL */
  resumeFiber<T, S = unknown>(id: string, fn: FiberFunction<T, S>): Promise<T> {
    return this[PARTS].work.fibers.resume(id, fn as FiberFunction<unknown, unknown>) as Promise<T>; // as above
  }

  /** `context.stash` of the fiber whose function calls this. @throws BridgeError BRG_FIBER outside of one */
  stash(data: unknown): Promise<void> {
    const scope = currentScope(this);
    if (scope?.kind === 'fiber') return scope.stash(data);
    throw new BridgeError('BRG_FIBER', 'stash() is for the function of a fiber');
  }

  /** A fiber that has not ended, or a managed one. */
  inspectFiber(id: string): FiberInfo | undefined {
    return this[PARTS].work.fibers.inspect(id);
  }

  /** The latest first. */
  listFibers(criteria?: FiberCriteria): FiberInfo[] {
    return this[PARTS].work.fibers.list(criteria);
  }

  /** Aborts its signal, and never recovers it. False when no fiber of this id has yet to end. */
  cancelFiber(id: string): boolean {
    return this[PARTS].work.fibers.cancel(id);
  }

  /**
   * The agent does not leave memory until what this answers is called, at most `limits.keepAliveMsMax` (1 h). It does not
   * survive a restart: what must is a fiber. Rejects with BridgeError BRG_FIBERS_FULL.
   */
  async keepAlive(): Promise<() => void> {
    return Promise.resolve(this[PARTS].work.fibers.keepAlive.hold());
  }

  /** `keepAlive` while `fn` runs. Settles as `fn` does, or rejects with BridgeError BRG_FIBERS_FULL. */
  async keepAliveWhile<T>(fn: () => T | Promise<T>): Promise<T> {
    const release = this[PARTS].work.fibers.keepAlive.hold();
    try {
      return await fn();
    } finally {
      release();
    }
  }

  /**
   * Calls `fn` until it succeeds: full jitter, `Retry-After`, deadline, signal. docs/jobs.md has the formula.
   * Rejects with the last error itself; with BridgeError BRG_RETRY for bad options, before the first attempt.
   */
  retry<T>(
    fn: (attempt: number, signal: AbortSignal) => T | Promise<T>,
    options: CallRetryOptions = {},
  ): Promise<T> {
    return retry(fn, options, { clock: systemClock, random: Math.random, defaults: retryDefaults(this) });
  }
}
