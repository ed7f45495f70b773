/**
 * Trying again: formula, defaults and messages of the Agents SDK 0.5 (`retries.ts`), and what it lacks:
 * an AbortSignal, a total deadline, and `Retry-After`.
 *
 * I1 The wait after failed attempt `a` (from 1) is `floor(random() * min(2^a * base, max))`, or what the
 *    error asks for by Retry-After if that is longer.
 * I2 What is thrown in the end is the last error itself, never a wrapper; but the signal's reason when it
 *    was aborted, and BRG_TIMEOUT when the deadline ends an attempt that runs.
 */
import { fullJitterMs, retryAfterMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { BridgeError } from '../../base/errors.ts';

/** How often and after what pauses something is tried: of a job, of a call of `retry`, or of a class in `static options`. */
export interface RetryOptions {
  /** The number of attempts, the first included. Default 3. */
  readonly maxAttempts?: number;
  /** ms; the pause after attempt `a` is random below `2^a` times this. Default 100. */
  readonly baseDelayMs?: number;
  /** ms; no pause is longer, but for `Retry-After`. Default 3000. */
  readonly maxDelayMs?: number;
}

export type RetryPolicy = Required<RetryOptions>;

/** Options of `retry()`, which need not survive a restart as those of jobs do. */
export interface CallRetryOptions extends RetryOptions {
  /** Whether to try again after `error`; default: after every error. */
  readonly shouldRetry?: (error: unknown, nextAttempt: number) => boolean;
  /** Aborts the wait and is passed on to the attempt that runs. */
  readonly signal?: AbortSignal;
  /** ms from the first attempt after which nothing is tried or waited for any more. */
  readonly totalDeadlineMs?: number;
}

export interface RetryEnvironment {
  readonly clock: Clock;
  /** [0, 1) */
  readonly random: () => number;
  /** Those of the agent's class. */
  readonly defaults?: RetryOptions;
}

const BUILT_IN: RetryPolicy = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 3000 };

/**
 * Throws when an option is out of range; `defaults` stand in for missing ones in the check of both delays.
 * @throws BridgeError BRG_RETRY, with the messages of the Agents SDK 0.5
 */
export function validateRetryOptions(options: RetryOptions, defaults: RetryOptions = {}): void {
  const { maxAttempts, baseDelayMs, maxDelayMs } = options;
  if (maxAttempts !== undefined) {
    check(Number.isFinite(maxAttempts) && maxAttempts >= 1, 'retry.maxAttempts must be >= 1');
    check(Number.isInteger(maxAttempts), 'retry.maxAttempts must be an integer');
  }
  check(isPositive(baseDelayMs), 'retry.baseDelayMs must be > 0');
  check(isPositive(maxDelayMs), 'retry.maxDelayMs must be > 0');
  const base = baseDelayMs ?? defaults.baseDelayMs;
  const max = maxDelayMs ?? defaults.maxDelayMs;
  const isOrdered = base === undefined || max === undefined || base <= max;
  check(isOrdered, 'retry.baseDelayMs must be <= retry.maxDelayMs');
}

/** Per task before per class before built in. */
export function resolveRetry(options: RetryOptions = {}, defaults: RetryOptions = {}): RetryPolicy {
  return {
    maxAttempts: options.maxAttempts ?? defaults.maxAttempts ?? BUILT_IN.maxAttempts,
    baseDelayMs: options.baseDelayMs ?? defaults.baseDelayMs ?? BUILT_IN.baseDelayMs,
    maxDelayMs: options.maxDelayMs ?? defaults.maxDelayMs ?? BUILT_IN.maxDelayMs,
  };
}

/** @public ms to wait after failed attempt `attempt` (from 1): full jitter, see I1. */
export function retryDelayMs(attempt: number, options: RetryOptions, random: () => number): number {
  const { baseDelayMs, maxDelayMs } = resolveRetry(options);
  return fullJitterMs(attempt, baseDelayMs, maxDelayMs, random);
}

/** The wait of I1 after `error`, ms. */
export function backoffMs(
  attempt: number,
  policy: RetryPolicy,
  error: unknown,
  nowMs: number,
  random: () => number,
): number {
  return Math.max(retryDelayMs(attempt, policy, random), retryAfterMs(error, nowMs) ?? 0);
}

/**
 * Calls `fn` until it succeeds. It gets the number of the attempt, from 1, and a signal that ends with
 * the options' signal or deadline.
 * @throws BridgeError BRG_RETRY for bad options; else see I2
 */
export async function retry<T>(
  fn: (attempt: number, signal: AbortSignal) => T | Promise<T>,
  options: CallRetryOptions,
  environment: RetryEnvironment,
): Promise<T> {
  const { clock, random } = environment;
  const defaults = resolveRetry(environment.defaults);
  validateRetryOptions(options, defaults);
  check(isPositive(options.totalDeadlineMs), 'retry.totalDeadlineMs must be > 0');
  const policy = resolveRetry(options, defaults);
  const endMs = clock.now() + (options.totalDeadlineMs ?? Infinity);
  const life = new Lifetime(options, clock);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await life.during(async () => fn(attempt, life.signal));
      } catch (error) {
        life.signal.throwIfAborted();
        life.lastError = error;
        if (attempt >= policy.maxAttempts) throw error;
        if (options.shouldRetry !== undefined && !options.shouldRetry(error, attempt + 1)) throw error;
        const delayMs = backoffMs(attempt, policy, error, clock.now(), random);
        if (clock.now() + delayMs >= endMs) throw error; // nothing could be tried after this wait
        await life.wait(delayMs);
      }
    }
  } finally {
    life.end();
  }
}

/** One signal for the caller's and the deadline. */
class Lifetime {
  lastError: unknown = undefined;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #aborted: Promise<never>;
  readonly #release: (() => void)[] = [];

  constructor(options: CallRetryOptions, clock: Clock) {
    this.#clock = clock;
    const { signal, totalDeadlineMs } = options;
    this.#aborted = new Promise((_, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error), { once: true }); // any value may be a reason
    });
    this.#aborted.catch(() => {}); // `during` and `wait` listen when it matters
    if (signal !== undefined) this.#follow(signal);
    if (totalDeadlineMs !== undefined) {
      const late = () =>
        new BridgeError('BRG_TIMEOUT', `no success within ${totalDeadlineMs} ms`, { cause: this.lastError });
      this.#release.push(clock.after(totalDeadlineMs, () => this.#controller.abort(late())));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The outcome of `work`, or the reason of the abort if that comes first. */
  during<T>(work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    return Promise.race([work(), this.#aborted]);
  }

  async wait(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(delayMs, resolve);
    try {
      await Promise.race([promise, this.#aborted]);
    } finally {
      cancel();
    }
  }

  end(): void {
    for (const release of this.#release) release();
  }

  #follow(signal: AbortSignal): void {
    const abort = (): void => this.#controller.abort(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    this.#release.push(() => signal.removeEventListener('abort', abort));
  }
}

function isPositive(value: number | undefined): boolean {
  return value === undefined || (Number.isFinite(value) && value > 0);
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new BridgeError('BRG_RETRY', message);
}
