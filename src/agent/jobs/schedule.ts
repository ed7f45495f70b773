/** What a schedule is: its stored document, its occurrences, and what authors see of it. */
import { unreachable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { CronTimes } from './cron.ts';
import { copyOf, dueMs, type Job } from './job.ts';
import type { RetryOptions } from './retry.ts';

/** What happens to an occurrence that is more than `limits.scheduleLateMs` late. */
export type OverduePolicy = 'run-once' | 'skip' | 'catch-up';
/** Whether the next run comes an interval after the last one was due, or after it ended. */
export type IntervalMode = 'fixed-rate' | 'fixed-delay';

export type Timing =
  | { readonly kind: 'scheduled' }
  | { readonly kind: 'delayed'; readonly delayInSeconds: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | {
      readonly kind: 'interval';
      readonly intervalSeconds: number;
      readonly mode: IntervalMode;
      /** A fixed rate counts from here, ms since epoch. */
      readonly anchorMs: number;
    };

export interface ScheduleJob extends Job {
  readonly timing: Timing;
  /** When the current occurrence is or was due, ms since epoch. */
  readonly occurrenceMs: number;
  readonly overdue: OverduePolicy;
  /** This schedule's share of the jitter, ms. */
  readonly offsetMs: number;
  readonly key?: string;
  /** Occurrences up to this time are caught up with already, ms since epoch. */
  readonly backlogEndMs?: number;
}

/** As in the Agents SDK 0.5, but `time` is ms; `delayInSeconds` and `intervalSeconds` are seconds as they were given. */
export type Schedule<T = unknown> = {
  readonly id: string;
  /** Name of the method. */
  readonly callback: string;
  readonly payload: T;
  readonly retry?: RetryOptions;
  /** When it runs next, ms since epoch. */
  readonly time: number;
} & (
  | { readonly type: 'scheduled' }
  | { readonly type: 'delayed'; readonly delayInSeconds: number }
  | { readonly type: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly type: 'interval'; readonly intervalSeconds: number; readonly mode: IntervalMode }
);

/** Without what is nobody's business. */
export function describeSchedule(job: ScheduleJob): Schedule {
  const { id, callback, payload, retry, occurrenceMs } = job;
  const time = dueMs(job) ?? occurrenceMs;
  const common = {
    id,
    callback,
    payload: copyOf(payload),
    ...(retry === undefined ? {} : { retry: { ...retry } }),
    time,
  };
  const { timing } = job;
  switch (timing.kind) {
    case 'scheduled':
      return { ...common, type: timing.kind };
    case 'delayed':
      return { ...common, type: timing.kind, delayInSeconds: timing.delayInSeconds };
    case 'cron':
      return { ...common, type: timing.kind, cron: timing.cron, timeZone: timing.timeZone };
    case 'interval':
      return { ...common, type: timing.kind, intervalSeconds: timing.intervalSeconds, mode: timing.mode };
    default:
      return unreachable(timing);
  }
}

export function isRecurring(timing: Timing): boolean {
  return timing.kind === 'cron' || timing.kind === 'interval';
}

/** The first occurrence after `afterMs`; null when there is none. */
export function occurrenceAfter(timing: Timing, offsetMs: number, afterMs: number): number | null {
  switch (timing.kind) {
    case 'scheduled':
    case 'delayed':
      return null;
    case 'cron': {
      const nextMs = new CronTimes(timing.cron, timing.timeZone).after(afterMs - offsetMs);
      return nextMs === null ? null : nextMs + offsetMs;
    }
    case 'interval': {
      const everyMs = intervalMs(timing.intervalSeconds);
      if (timing.mode === 'fixed-delay') return afterMs + everyMs;
      return timing.anchorMs + Math.max(Math.floor((afterMs - timing.anchorMs) / everyMs) + 1, 1) * everyMs;
    }
    default:
      return unreachable(timing);
  }
}

/** The occurrence with which catching up begins: at most `limits.scheduleCatchUpMax` before `nowMs`. */
export function catchUpFrom(job: ScheduleJob, nowMs: number): number {
  const count = limits.scheduleCatchUpMax;
  const { timing, occurrenceMs, offsetMs } = job;
  if (timing.kind === 'cron') {
    const earliest = new CronTimes(timing.cron, timing.timeZone).earliestBefore(nowMs - offsetMs, count);
    return Math.max(occurrenceMs, earliest === null ? occurrenceMs : earliest + offsetMs);
  }
  if (timing.kind !== 'interval') return occurrenceMs;
  const everyMs = intervalMs(timing.intervalSeconds);
  const missed = Math.floor((nowMs - occurrenceMs) / everyMs) + 1;
  return occurrenceMs + Math.max(missed - count, 0) * everyMs;
}

export function intervalMs(intervalSeconds: number): number {
  return Math.max(Math.round(intervalSeconds * 1000), 1);
}

/** Spreads schedules over `jitterMs`: the same number in [0, jitterMs) for the same id. */
export function jitterOffsetMs(id: string, jitterMs: number): number {
  let hash = 0x811c9dc5; // FNV-1a, 32 bit, with the last steps of MurmurHash3 so that like ids differ
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return Math.floor((((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * jitterMs);
}
