import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { retryAfterMs } from '../../../src/base/backoff.ts';
import {
  resolveRetry,
  retry,
  retryDelayMs,
  validateRetryOptions,
  type CallRetryOptions,
} from '../../../src/agent/jobs/retry.ts';

/** Time passes only by waiting: the earliest timer rings as soon as nothing else is to be done. */
class FakeClock implements Clock {
  nowMs = 1_000_000;
  readonly waits: number[] = [];
  #timers: { atMs: number; callback: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.push(timer);
    this.waits.push(delayMs);
    setImmediate(() => this.#ring());
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  get timers(): number {
    return this.#timers.length;
  }

  #ring(): void {
    const [first] = this.#timers.sort((a, b) => a.atMs - b.atMs);
    if (first === undefined) return;
    this.#timers.shift();
    this.nowMs = Math.max(this.nowMs, first.atMs);
    first.callback();
    if (this.#timers.length > 0) setImmediate(() => this.#ring());
  }
}

function setUp(random = 0.5) {
  const clock = new FakeClock();
  const attempts: number[] = [];
  const run = (options: CallRetryOptions, errorOf: (attempt: number) => unknown): Promise<string> =>
    retry(
      (attempt) => {
        attempts.push(attempt);
        const error = errorOf(attempt);
        if (error !== undefined) throw error;
        return 'done';
      },
      options,
      { clock, random: () => random },
    );
  return { clock, attempts, run };
}

describe('retryDelayMs', () => {
  it('is floor(random * min(2^attempt * base, max)), attempt from 1', () => {
    const most = 1 - 2 ** -53;
    expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelayMs(attempt, {}, () => most))).toEqual([
      199, 399, 799, 1599, 2999, 2999,
    ]);
    expect(retryDelayMs(1, { baseDelayMs: 1000, maxDelayMs: 1500 }, () => 0.5)).toBe(750);
    expect(retryDelayMs(2, { baseDelayMs: 7.9, maxDelayMs: 27.9 }, () => most)).toBe(26);
    expect(retryDelayMs(3, {}, () => 0)).toBe(0);
  });

  it('is always below the cap, also after thousands of attempts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const ms = retryDelayMs(attempt, {}, () => random);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThan(Math.min(2 ** attempt * 100, 3000));
        },
      ),
    );
  });
});

describe('validateRetryOptions', () => {
  it.each([
    [{ maxAttempts: 0 }, 'retry.maxAttempts must be >= 1'],
    [{ maxAttempts: NaN }, 'retry.maxAttempts must be >= 1'],
    [{ maxAttempts: Infinity }, 'retry.maxAttempts must be >= 1'],
    [{ maxAttempts: 1.5 }, 'retry.maxAttempts must be an integer'],
    [{ baseDelayMs: 0 }, 'retry.baseDelayMs must be > 0'],
    [{ baseDelayMs: NaN }, 'retry.baseDelayMs must be > 0'],
    [{ maxDelayMs: -1 }, 'retry.maxDelayMs must be > 0'],
    [{ maxDelayMs: Infinity }, 'retry.maxDelayMs must be > 0'],
    [{ baseDelayMs: 2, maxDelayMs: 1 }, 'retry.baseDelayMs must be <= retry.maxDelayMs'],
    [{ baseDelayMs: 5000 }, 'retry.baseDelayMs must be <= retry.maxDelayMs'],
    [{ maxDelayMs: 50 }, 'retry.baseDelayMs must be <= retry.maxDelayMs'],
  ])('refuses %o', (options, message) => {
    expect(() => validateRetryOptions(options, resolveRetry())).toThrow(expect.objectContaining({ message }));
  });

  it('checks delays against the defaults of the class, not the built-in ones', () => {
    expect(() => validateRetryOptions({ baseDelayMs: 5000 }, { maxDelayMs: 10_000 })).not.toThrow();
    expect(() => validateRetryOptions({ baseDelayMs: 5000 })).not.toThrow();
    expect(() => validateRetryOptions({})).not.toThrow();
  });

  it('resolves per task before per class before built in', () => {
    expect(resolveRetry({ maxAttempts: 9 }, { maxAttempts: 5, baseDelayMs: 20 })).toEqual({
      maxAttempts: 9,
      baseDelayMs: 20,
      maxDelayMs: 3000,
    });
  });
});

describe('retry', () => {
  it('returns the first success and waits by the formula before it', async () => {
    const { clock, attempts, run } = setUp();
    expect(await run({}, (attempt) => (attempt < 3 ? new Error('no') : undefined))).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
    expect(clock.waits).toEqual([100, 200]);
  });

  it('throws the last error itself after three attempts by default', async () => {
    const { attempts, run } = setUp();
    const errors = [new Error('1'), new Error('2'), new Error('3')];
    await expect(run({}, (attempt) => errors[attempt - 1])).rejects.toBe(errors[2]);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('asks shouldRetry with the number of the next attempt, and stops on anything falsy', async () => {
    const { attempts, run } = setUp();
    const asked: number[] = [];
    const shouldRetry = (_: unknown, next: number): boolean => asked.push(next) < 2;
    await expect(run({ maxAttempts: 9, shouldRetry }, () => new Error('no'))).rejects.toThrow('no');
    expect([attempts, asked]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it('refuses bad options before the first attempt', async () => {
    const { attempts, run } = setUp();
    await expect(run({ maxAttempts: -1 }, () => undefined)).rejects.toThrow('retry.maxAttempts must be >= 1');
    await expect(run({ totalDeadlineMs: 0 }, () => undefined)).rejects.toThrow(
      'retry.totalDeadlineMs must be > 0',
    );
    expect(attempts).toEqual([]);
  });

  it('ends with the reason of the signal: before, during an attempt, and in a wait', async () => {
    const { clock, attempts, run } = setUp();
    const reason = new Error('enough');
    await expect(run({ signal: AbortSignal.abort(reason) }, () => undefined)).rejects.toBe(reason);
    expect(attempts).toEqual([]);

    const during = new AbortController();
    const hanging = retry(
      () => new Promise<never>(() => {}),
      { signal: during.signal },
      { clock, random: () => 0 },
    );
    during.abort(reason);
    await expect(hanging).rejects.toBe(reason);

    const waiting = new AbortController();
    const failing = run({ signal: waiting.signal, baseDelayMs: 3000 }, () => {
      queueMicrotask(() => waiting.abort(reason));
      return new Error('no');
    });
    await expect(failing).rejects.toBe(reason);
    expect(attempts).toEqual([1]);
    expect(clock.timers).toBe(0);
  });

  it('aborts the signal of the running attempt at the total deadline', async () => {
    const clock = new FakeClock();
    let seen: AbortSignal | undefined;
    const hang = (_: number, signal: AbortSignal): Promise<never> => {
      seen = signal;
      return new Promise(() => {});
    };
    const failing = retry(hang, { totalDeadlineMs: 5000 }, { clock, random: () => 0 });
    await expect(failing).rejects.toMatchObject({
      code: 'BRG_TIMEOUT',
      message: 'no success within 5000 ms',
    });
    expect(seen?.aborted).toBe(true);
  });

  it('throws the last error at once when the wait would end after the deadline', async () => {
    const { clock, attempts, run } = setUp();
    const error = new Error('no');
    await expect(run({ totalDeadlineMs: 250, maxAttempts: 99 }, () => error)).rejects.toBe(error);
    expect(attempts).toEqual([1, 2]); // 100 ms, then 200 ms more would be 300 ms
    expect(clock.timers).toBe(0);
  });

  it('waits as long as Retry-After says when that is longer than the backoff', async () => {
    const { clock, run } = setUp();
    const errors = [{ retryAfterMs: 7000 }, { headers: { 'retry-after': '0' } }];
    expect(await run({}, (attempt) => errors[attempt - 1])).toBe('done');
    expect(clock.waits).toEqual([7000, 200]);
  });
});

describe('retryAfterMs', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  it.each([
    [{ retryAfterMs: 1500.2 }, 1501],
    [{ headers: new Headers({ 'Retry-After': '120' }) }, 120_000],
    [{ responseHeaders: { 'retry-after': '3' } }, 3000],
    [{ response: new Response('', { headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' } }) }, 10_000],
    [{ headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' } }, 0],
    [{ retryAfterMs: 1e12 }, limits.retryAfterMaxMs],
    [{ retryAfterMs: NaN }, undefined],
    [{ retryAfterMs: -5 }, undefined],
    [{ headers: { 'retry-after': 'soon' } }, undefined],
    [new Error('plain'), undefined],
    ['text', undefined],
    [null, undefined],
  ])('reads %o', (error, ms) => {
    expect(retryAfterMs(error, nowMs)).toBe(ms);
  });

  it('survives an error whose getter throws', () => {
    const hostile = {
      get headers(): never {
        throw new Error('trap');
      },
    };
    expect(retryAfterMs(hostile, nowMs)).toBeUndefined();
  });
});
