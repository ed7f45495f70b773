/** What an agent does later or again: schedules, queue, dead letters, retry. */
import { systemClock } from '../base/clock.ts';
import { AgentHooks } from './agent-hooks.ts';
import { retryDefaults } from './agent-jobs.ts';
import { PARTS } from './agent-parts.ts';
import { BASE_CLASS } from './calls/callable.ts';
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
  static override readonly [BASE_CLASS] = true;

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

  /** Forgets a dead job (or all); answers how many. */
  discardDead(id?: string): number {
    return this[PARTS].dead.discardDead(id);
  }

  /** Calls `fn` until it succeeds: full jitter, `Retry-After`, deadline, signal. @throws the last error */
  retry<T>(
    fn: (attempt: number, signal: AbortSignal) => T | Promise<T>,
    options: CallRetryOptions = {},
  ): Promise<T> {
    return retry(fn, options, { clock: systemClock, random: Math.random, defaults: retryDefaults(this) });
  }
}
