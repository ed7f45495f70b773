/** Checks what authors pass to `schedule` and `scheduleEvery`. Messages as in the Agents SDK 0.5 where it has them. */
import { createHash } from 'node:crypto';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { RetryOptions } from './retry.ts';
import type { IntervalMode, OverduePolicy, Timing } from './schedule.ts';

interface CommonOptions {
  readonly retry?: RetryOptions;
  /**
   * While a schedule with this key exists it is returned instead of a new one. Default: made of callback,
   * time and payload for cron and intervals, none for single runs; null: none.
   */
  readonly idempotencyKey?: string | null;
  /** What to do when an occurrence was missed. Default `run-once`. */
  readonly overdue?: OverduePolicy;
  /** Moves this schedule by its own, fixed share of so many ms, so that a fleet spreads. Default 0. */
  readonly jitterMs?: number;
}

/** The last argument of `schedule`. docs/jobs.md explains each. */
export interface ScheduleOptions extends CommonOptions {
  /** IANA time zone of a cron pattern. Default UTC. */
  readonly timeZone?: string;
}

/** The last argument of `scheduleEvery`. docs/jobs.md explains each. */
export interface IntervalOptions extends CommonOptions {
  /** Default `fixed-delay`, as in the Agents SDK. */
  readonly mode?: IntervalMode;
}

const POLICIES: readonly unknown[] = ['run-once', 'skip', 'catch-up'] satisfies OverduePolicy[];
const MODES: readonly unknown[] = ['fixed-rate', 'fixed-delay'] satisfies IntervalMode[];

/** @throws BridgeError BRG_JOB */
export function checkOptions(options: CommonOptions): void {
  const { overdue = 'run-once', jitterMs = 0, idempotencyKey } = options;
  check(POLICIES.includes(overdue), "overdue must be 'run-once', 'skip' or 'catch-up'");
  const jitterMax = limits.scheduleJitterMaxMs;
  check(jitterMs >= 0 && jitterMs <= jitterMax, `jitterMs must be a number from 0 to ${jitterMax}`);
  if (idempotencyKey === undefined || idempotencyKey === null) return;
  const keyMax = limits.jobKeyCharactersMax;
  const isKey =
    typeof idempotencyKey === 'string' && idempotencyKey !== '' && idempotencyKey.length <= keyMax;
  check(isKey, `idempotencyKey must be a string of 1 to ${keyMax} characters`);
}

/** When a `schedule(when, ...)` is due first. @throws BridgeError BRG_JOB */
export function checkWhen(when: Date | number | string, callback: string, options: ScheduleOptions): Timing {
  check(typeof when === 'string' || options.timeZone === undefined, 'timeZone is for cron patterns only');
  if (typeof when === 'string') return { kind: 'cron', cron: when, timeZone: options.timeZone ?? 'UTC' };
  if (typeof when === 'number') {
    check(Number.isFinite(when), 'the delay must be a finite number of seconds');
    return { kind: 'delayed', delayInSeconds: when };
  }
  if (when instanceof Date) {
    check(!Number.isNaN(when.getTime()), 'the date is not valid');
    return { kind: 'scheduled' };
  }
  const text = `Invalid schedule type: ${JSON.stringify(when)}(${typeof when}) trying to schedule ${callback}`;
  throw new BridgeError('BRG_JOB', text);
}

/** @throws BridgeError BRG_JOB */
export function checkInterval(intervalSeconds: number, options: IntervalOptions): IntervalMode {
  const isPositive = typeof intervalSeconds === 'number' && intervalSeconds > 0;
  check(isPositive, 'intervalSeconds must be a positive number');
  const max = limits.scheduleIntervalMaxMs / 1000;
  check(intervalSeconds <= max, `intervalSeconds cannot exceed ${max} seconds (30 days)`);
  const { mode = 'fixed-delay', overdue } = options;
  check(MODES.includes(mode), "mode must be 'fixed-rate' or 'fixed-delay'");
  check(mode === 'fixed-rate' || overdue !== 'catch-up', "overdue 'catch-up' needs mode 'fixed-rate'");
  return mode;
}

/** The key under which a schedule is known; undefined for none. */
export function scheduleKey(
  timing: Timing,
  callback: string,
  payload: unknown,
  options: CommonOptions,
): string | undefined {
  if (options.idempotencyKey === null) return undefined;
  if (options.idempotencyKey !== undefined) return `key:${options.idempotencyKey}`;
  switch (timing.kind) {
    case 'scheduled':
    case 'delayed':
      return undefined;
    case 'cron':
      return digest([timing.cron, timing.timeZone, callback, payload]);
    case 'interval':
      return digest([timing.intervalSeconds, timing.mode, callback, payload]);
  }
}

/** A payload may be long, and is in the document already. */
function digest(parts: readonly unknown[]): string {
  return `auto:${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new BridgeError('BRG_JOB', message);
}
