/**
 * `schedule` and `scheduleEvery`: methods called at a time, after a delay, by cron or at an interval.
 * Names and messages of the Agents SDK 0.5; times are ms; see docs/jobs.md for what differs.
 *
 * I1 At least once: a schedule leaves its document only when its method returned, when it was cancelled,
 *    or into dead letters.
 * I2 A schedule never overlaps itself: occurrences that pass while it runs are not run after it, unless
 *    it catches up.
 */
import { BridgeError } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { limits } from '../../base/limits.ts';
import type { DeadJobs } from './dead-jobs.ts';
import type { Capability, JobContext } from './job-context.ts';
import { JobRunner } from './job-runner.ts';
import { JobTable } from './job-table.ts';
import { checkCallback, checkRetry, newJob, type Job } from './job.ts';
import {
  checkInterval,
  checkOptions,
  checkWhen,
  scheduleKey,
  type IntervalOptions,
  type ScheduleOptions,
} from './schedule-options.ts';
import {
  catchUpFrom,
  describeSchedule,
  intervalMs,
  isRecurring,
  jitterOffsetMs,
  occurrenceAfter,
  type Schedule,
  type ScheduleJob,
  type Timing,
} from './schedule.ts';

/** Which schedules `getSchedules` lists: those for which all of it holds. */
export interface ScheduleCriteria {
  readonly id?: string;
  readonly type?: Schedule['type'];
  /** Of the next run; both ends included. */
  readonly timeRange?: { readonly start?: Date; readonly end?: Date };
}

export class Schedules implements Capability {
  readonly #context: JobContext;
  readonly #table: JobTable<ScheduleJob>;
  readonly #runner: JobRunner<ScheduleJob>;

  /** @param random [0, 1), for the backoff */
  constructor(context: JobContext, dead: DeadJobs, random: () => number = Math.random) {
    this.#context = context;
    this.#table = new JobTable(context, 'schedule:', {
      orderOf: (job) => job.occurrenceMs,
      keyOf: (job) => job.key,
    });
    const kind = {
      source: 'schedule' as const,
      admit: (job: ScheduleJob, nowMs: number) => this.#admit(job, nowMs),
      next: nextRun,
      occurrence: singleRun,
      describe: describeSchedule,
    };
    this.#runner = new JobRunner(context, this.#table, kind, dead, random);
    // Only this class buries jobs of this source.
    dead.serve('schedule', (job) => this.#restore(job as ScheduleJob));
  }

  /**
   * Calls `callback(payload, schedule)` at a Date, after a number of seconds, or by a cron pattern.
   * @throws BridgeError BRG_JOB, BRG_RETRY, BRG_PAYLOAD_TOO_LARGE, BRG_JOBS_FULL; nothing is scheduled then
   */
  schedule(
    when: Date | number | string,
    callback: string,
    payload?: unknown,
    options: ScheduleOptions = {},
  ): Schedule {
    checkRetry(this.#context, options.retry);
    checkCallback(this.#context, callback);
    const timing = checkWhen(when, callback, options);
    return this.#create(timing, when, callback, payload, options);
  }

  /**
   * Calls `callback(payload, schedule)` every so many seconds (at most 30 days), first after one interval.
   * @throws BridgeError as `schedule`
   */
  scheduleEvery(
    intervalSeconds: number,
    callback: string,
    payload?: unknown,
    options: IntervalOptions = {},
  ): Schedule {
    const mode = checkInterval(intervalSeconds, options);
    const timing: Timing = { kind: 'interval', intervalSeconds, mode, anchorMs: this.#context.now() };
    return this.#create(timing, intervalMs(intervalSeconds) / 1000, callback, payload, options);
  }

  getSchedule(id: string): Schedule | undefined {
    const job = this.#table.get(id);
    return job === undefined ? undefined : describeSchedule(job);
  }

  /** Those that match, by the time of their next run. */
  getSchedules(criteria: ScheduleCriteria = {}): Schedule[] {
    const { id, type, timeRange } = criteria;
    const startMs = timeRange?.start?.getTime() ?? -Infinity;
    const endMs = timeRange?.end?.getTime() ?? Infinity;
    return this.#table
      .all()
      .filter(
        (job) => (id === undefined || job.id === id) && (type === undefined || job.timing.kind === type),
      )
      .map(describeSchedule)
      .filter(({ time }) => time >= startMs && time <= endMs)
      .sort((a, b) => a.time - b.time);
  }

  /** Whether there was one. A run under way goes on, but is not repeated. */
  cancelSchedule(id: string): boolean {
    const callback = this.#table.get(id)?.callback;
    if (callback === undefined) return false;
    if (channels.schedule.hasSubscribers) tell('schedule:cancel', this.#context, { id, callback });
    return this.#table.delete(id);
  }

  nextAlarmMs(): number | null {
    return this.#runner.nextAlarmMs();
  }

  alarm(nowMs: number): void {
    this.#runner.alarm(nowMs);
  }

  start(): void {
    this.#runner.start();
  }

  isBusy(): boolean {
    return this.#runner.isBusy;
  }

  #create(
    asked: Timing,
    when: Date | number | string,
    callback: string,
    payload: unknown,
    options: ScheduleOptions | IntervalOptions,
  ): Schedule {
    checkOptions(options);
    const job = newJob(this.#context, callback, payload, options.retry);
    const key = scheduleKey(asked, callback, job.payload, options);
    const existing = key === undefined ? undefined : this.#table.withKey(key);
    if (existing !== undefined && !isEnding(existing)) return describeSchedule(existing);
    const id = this.#context.effectId();
    const offsetMs = jitterOffsetMs(id, options.jitterMs ?? 0);
    const timing = asked.kind === 'interval' ? { ...asked, anchorMs: asked.anchorMs + offsetMs } : asked;
    const atMs = this.#first(timing, when, offsetMs);
    const { overdue = 'run-once' } = options;
    const phase = { kind: 'waiting', atMs } as const;
    const created: ScheduleJob = { ...job, id, timing, occurrenceMs: atMs, overdue, offsetMs, key, phase };
    this.#table.add(created);
    if (channels.schedule.hasSubscribers) {
      tell('schedule:create', this.#context, { id, callback, kind: timing.kind, atMs });
    }
    return describeSchedule(created);
  }

  #first(timing: Timing, when: Date | number | string, offsetMs: number): number {
    const now = this.#context.now();
    if (when instanceof Date) return when.getTime() + offsetMs;
    if (typeof when === 'number') {
      const atMs = now + Math.round(when * 1000) + offsetMs;
      if (Number.isSafeInteger(atMs)) return atMs;
      throw new BridgeError('BRG_JOB', 'the delay is too long');
    }
    const atMs = occurrenceAfter(timing, offsetMs, now);
    if (atMs === null)
      throw new BridgeError('BRG_JOB', `cron pattern ${JSON.stringify(when)} never comes true`);
    return atMs;
  }

  /** What the overdue policy says; it has spoken already when this occurrence was tried before. */
  #admit(job: ScheduleJob, nowMs: number): ScheduleJob | undefined {
    const { occurrenceMs, overdue, timing } = job;
    const lateMs = nowMs - occurrenceMs;
    const isTried = job.attempts > 0 || job.interruptions > 0;
    if (isTried || lateMs <= limits.scheduleLateMs || overdue === 'run-once') return job;
    if (overdue === 'catch-up') {
      if (occurrenceMs <= (job.backlogEndMs ?? -Infinity)) return job;
      return { ...job, occurrenceMs: catchUpFrom(job, nowMs), backlogEndMs: nowMs };
    }
    if (isRecurring(timing)) {
      const next = nextRun(job, nowMs);
      if (next === undefined) this.#table.delete(job.id);
      else this.#table.put(next);
      return undefined;
    }
    const message = `${job.callback} was due ${lateMs} ms ago and is to be skipped when late`;
    this.#runner.bury(job, 'overdue', new BridgeError('BRG_JOB_OVERDUE', message));
    return undefined;
  }

  /** A dead one runs now, as if it had just become due. */
  #restore(job: ScheduleJob): void {
    if (job.key !== undefined && isRecurring(job.timing) && this.#table.withKey(job.key) !== undefined)
      return;
    const now = this.#context.now();
    const id = this.#table.get(job.id) === undefined ? job.id : this.#context.effectId();
    const phase = { kind: 'waiting', atMs: now } as const;
    this.#table.add({ ...job, id, occurrenceMs: now, attempts: 0, interruptions: 0, phase });
  }
}

/** A single run under way: when its method schedules under the same key, it means the next run. */
function isEnding(job: ScheduleJob): boolean {
  return job.phase.kind === 'running' && !isRecurring(job.timing);
}

function nextRun(job: ScheduleJob, nowMs: number): ScheduleJob | undefined {
  // A clock that was set back must not repeat the occurrence.
  const afterMs = job.overdue === 'catch-up' ? job.occurrenceMs : Math.max(nowMs, job.occurrenceMs);
  const atMs = occurrenceAfter(job.timing, job.offsetMs, afterMs);
  if (atMs === null) return undefined;
  return { ...job, occurrenceMs: atMs, attempts: 0, interruptions: 0, phase: { kind: 'waiting', atMs } };
}

function singleRun(job: ScheduleJob): ScheduleJob {
  const { key: _, ...rest }: ScheduleJob & Job = job;
  return { ...rest, timing: { kind: 'scheduled' } };
}
