/** A job: one call of a method of the agent, later. What schedules and the queue have in common. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { MissingHandlerError, type JobContext } from './job-context.ts';
import { resolveRetry, validateRetryOptions, type RetryOptions } from './retry.ts';

/** waiting -> running -> gone | waiting (for the next time) | backing-off -> running ... */
export type JobPhase =
  | { readonly kind: 'waiting'; readonly atMs: number }
  /** Stored before the run begins: found at a wake, it says that the process ended during the run. */
  | { readonly kind: 'running'; readonly sinceMs: number }
  | { readonly kind: 'backing-off'; readonly nextAttemptMs: number };

/** The stored document of a job. */
export interface Job {
  readonly id: string;
  readonly callback: string;
  /** A JSON value. */
  readonly payload: unknown;
  readonly retry?: RetryOptions;
  readonly createdAtMs: number;
  readonly phase: JobPhase;
  /** Runs of this occurrence that failed. */
  readonly attempts: number;
  /** Runs of this occurrence during which the process ended. */
  readonly interruptions: number;
}

/** When the job wants to run, ms since epoch; null while it runs. */
export function dueMs(job: Job): number | null {
  switch (job.phase.kind) {
    case 'waiting':
      return job.phase.atMs;
    case 'backing-off':
      return job.phase.nextAttemptMs;
    case 'running':
      return null;
  }
}

/** What every new job has. @throws BridgeError BRG_JOB, BRG_RETRY, BRG_PAYLOAD_TOO_LARGE */
export function newJob(
  context: JobContext,
  callback: string,
  payload: unknown,
  retry: RetryOptions | undefined,
): Omit<Job, 'id' | 'phase'> {
  checkCallback(context, callback);
  return {
    callback,
    payload: storedPayload(payload),
    ...storedRetry(context, retry),
    createdAtMs: context.now(),
    attempts: 0,
    interruptions: 0,
  };
}

/** Messages of the Agents SDK 0.5. @throws BridgeError BRG_JOB */
export function checkCallback(context: JobContext, callback: string): void {
  if (typeof callback !== 'string') throw new BridgeError('BRG_JOB', 'Callback must be a string');
  if (!context.hasHandler(callback)) throw new MissingHandlerError(callback);
}

/** @throws BridgeError BRG_RETRY */
export function checkRetry(context: JobContext, retry: RetryOptions | undefined): void {
  if (retry !== undefined) validateRetryOptions(retry, resolveRetry(context.retryDefaults()));
}

/** A copy for the author, who may change it. */
export function copyOf(payload: unknown): unknown {
  return typeof payload === 'object' ? structuredClone(payload) : payload;
}

/** Only what survives storage; a function does not. */
function storedRetry(context: JobContext, retry: RetryOptions | undefined): { retry?: RetryOptions } {
  if (retry === undefined) return {};
  checkRetry(context, retry);
  const { maxAttempts, baseDelayMs, maxDelayMs } = retry;
  const given = Object.entries({ maxAttempts, baseDelayMs, maxDelayMs }).filter(
    ([, value]) => value !== undefined,
  );
  return { retry: Object.fromEntries(given) };
}

/** The payload as it comes back from storage: undefined becomes null. */
function storedPayload(payload: unknown): unknown {
  const json = toJson(payload) ?? 'null';
  const bytes = Buffer.byteLength(json);
  const limit = limits.jobPayloadBytesMax;
  if (bytes <= limit) return JSON.parse(json) as unknown;
  const message = `the payload of the job is ${bytes} bytes, the limit is ${limit}; store it and pass its key`;
  throw new BridgeError('BRG_PAYLOAD_TOO_LARGE', message, { details: { bytes, limit } });
}

function toJson(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BridgeError('BRG_JOB', `the payload of the job is no JSON value: ${why}`, { cause });
  }
}
