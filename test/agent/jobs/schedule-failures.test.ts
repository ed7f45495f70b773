import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

let agent: Harness;
let startMs: number;

beforeEach(() => {
  agent = Harness.awake();
  startMs = agent.startMs;
});

describe('a schedule that fails', () => {
  it('is tried again after the formula of retry, the attempts and the time stored, then is a dead letter', async () => {
    agent.handle('tick', () => {
      throw new Error('broken');
    });
    const { id } = agent.schedule(1, 'tick', 'x', {
      retry: { maxAttempts: 3, baseDelayMs: 1000, maxDelayMs: 60_000 },
    });
    await agent.advance(SECOND);
    expect(agent.schedules.getSchedule(id)?.time).toBe(startMs + 2000);
    agent.restart(); // the count and the wait survive
    await agent.advance(MINUTE);
    expect(agent.callTimes).toEqual([1000, 2000, 4000]);
    expect(agent.calls.map(({ info }) => info['attempt'])).toEqual([1, 2, 3]);
    expect(agent.errors).toEqual([new Error('broken')]);
    expect(agent.dead.list()).toEqual([
      {
        id,
        source: 'schedule',
        callback: 'tick',
        payload: 'x',
        reason: 'failed',
        error: 'broken',
        attempts: 3,
        times: 1,
        diedAtMs: startMs + 4000,
      },
    ]);
    expect(agent.schedules.getSchedules()).toEqual([]);
    expect(agent.diskAlarmMs).toBeNull();
  });

  it('runs again by retryDead, from disk, with a fresh count', async () => {
    agent.handle('tick', () => {
      throw new Error('broken');
    });
    const { id } = agent.schedule(1, 'tick', 'x', { retry: { maxAttempts: 1 } });
    await agent.advance(MINUTE);
    agent.handle('tick');
    agent.restart();
    expect(agent.turn(() => agent.dead.retryDead('unknown'))).toBe(0);
    expect(agent.turn(() => agent.dead.retryDead(id))).toBe(1);
    await agent.settle();
    expect(agent.calls.map(({ payload, info }) => [payload, info['attempt']])).toEqual([
      ['x', 1],
      ['x', 1],
    ]);
    expect([agent.dead.list(), agent.schedules.getSchedules(), agent.disk.size]).toEqual([[], [], 0]);
  });

  it('waits as long as the error asks by Retry-After', async () => {
    agent.handle('tick', (_, info) => {
      if (info['attempt'] === 1) throw Object.assign(new Error('slow down'), { retryAfterMs: 90_000 });
    });
    agent.schedule(1, 'tick');
    await agent.advance(HOUR);
    expect(agent.callTimes).toEqual([1000, 91_000]);
  });

  it('uses the retry options of the class when it has none', async () => {
    agent.retryDefaults = { maxAttempts: 5, baseDelayMs: 10, maxDelayMs: 10 };
    agent.handle('tick', () => Promise.reject(new Error('async')));
    agent.schedule(1, 'tick');
    await agent.advance(MINUTE);
    expect(agent.callTimes).toEqual([1000, 1005, 1010, 1015, 1020]);
  });

  it('does not hold up the others while it waits', async () => {
    agent.handle('tick', () => {
      throw new Error('broken');
    });
    agent.schedule(1, 'tick', null, { retry: { baseDelayMs: 3000 } });
    agent.schedule(1, 'tock');
    await agent.advance(SECOND);
    expect(agent.order).toEqual(['tick', 'tock']);
  });

  it('is a dead letter at once when its method is gone, and the alarm is clear', async () => {
    const once = agent.schedule(1, 'tick', 1);
    const cron = agent.schedule('* * * * *', 'tock', 2);
    agent.handlers.clear();
    agent.restart();
    await agent.advance(HOUR);
    expect(agent.dead.list().map(({ id, reason, error, attempts }) => [id, reason, error, attempts])).toEqual(
      [
        [cron.id, 'missing-handler', 'this.tock is not a function', 0],
        [once.id, 'missing-handler', 'this.tick is not a function', 0],
      ],
    );
    expect([agent.schedules.getSchedules(), agent.diskAlarmMs]).toEqual([[], null]);
    agent.handle('tick');
    agent.handle('tock');
    expect(agent.turn(() => agent.dead.retryDead())).toBe(2);
    await agent.advance(MINUTE);
    expect(agent.order).toEqual(['tick', 'tock', 'tock']); // the whole cron schedule is back
  });

  it('counts a mistake inside the method as a failure, not as a missing method', async () => {
    agent.handle('tick', () => void agent.schedules.schedule(1, 'nope'));
    agent.schedule(1, 'tick');
    await agent.advance(MINUTE);
    expect(agent.dead.list()[0]).toMatchObject({
      reason: 'failed',
      attempts: 3,
      error: 'this.nope is not a function',
    });
  });

  it('goes on when it is recurring; its failures share one dead letter, the latest', async () => {
    agent.handle('tick', (_, info) => {
      throw new Error(`at ${(Number(info['time']) - startMs) / MINUTE}`);
    });
    const { id } = agent.schedule('* * * * *', 'tick', 'x', { retry: { maxAttempts: 2 } });
    await agent.advance(3 * MINUTE + SECOND);
    expect(agent.calls).toHaveLength(6);
    expect(agent.dead.list()).toMatchObject([{ id, times: 3, error: 'at 3', reason: 'failed' }]);
    agent.handle('tick');
    agent.turn(() => agent.dead.retryDead());
    await agent.settle();
    expect(agent.calls).toHaveLength(7);
    expect(agent.schedules.getSchedules()).toMatchObject([{ id, type: 'cron', time: startMs + 4 * MINUTE }]);
  });

  it('drops the oldest dead letter beyond the limit, and discardDead forgets', async () => {
    agent.handle('tick', () => {
      throw new Error('broken');
    });
    const count = limits.deadJobsPerAgentMax + 5;
    agent.turn(() => {
      for (let n = 0; n < count; n++)
        agent.schedules.schedule(n / 1000, 'tick', n, { retry: { maxAttempts: 1 } });
    });
    await agent.advance(MINUTE);
    const payloads = agent.dead.list().map(({ payload }) => payload);
    expect([payloads.length, payloads[0], payloads.at(-1)]).toEqual([
      limits.deadJobsPerAgentMax,
      count - 1,
      5,
    ]);
    expect(agent.turn(() => agent.dead.discardDead())).toBe(limits.deadJobsPerAgentMax);
    expect([agent.dead.list(), agent.disk.size]).toEqual([[], 0]);
  });
});

describe('after a crash', () => {
  it('an overdue schedule has an alarm and runs', async () => {
    agent.schedule(1, 'tick');
    agent.crash();
    agent.nowMs += HOUR;
    await agent.settle();
    expect(agent.order).toEqual(['tick']);
  });

  it('a run that was interrupted runs again, also when nothing else wakes the agent', async () => {
    agent.handle('tick', () => new Promise(() => {}));
    agent.schedule(1, 'tick');
    agent.nowMs += SECOND;
    agent.ring();
    void agent.step(); // never ends
    expect(agent.schedules.isBusy()).toBe(true);
    agent.crash();
    agent.handle('tick');
    await agent.advance(limits.jobWatchMs);
    expect(agent.order).toEqual(['tick', 'tick']);
    expect(agent.schedules.getSchedules()).toEqual([]);
  });

  it('a job that takes the process down is set aside after three times, and delays no other', async () => {
    agent.handle('tick', () => agent.crash());
    const { id } = agent.schedule(1, 'tick', 'poison');
    agent.schedule(1, 'tock');
    for (let crashes = 0; crashes < 10; crashes++) {
      await agent.advance(MINUTE);
    }
    expect(agent.order).toEqual(['tick', 'tock', 'tick', 'tick']);
    expect(agent.dead.list()).toMatchObject([
      { id, reason: 'interrupted', error: 'the process ended 3 times while tick ran', attempts: 0 },
    ]);
  });

  it('a watched run does not ring all the time', async () => {
    let end = (): void => {};
    agent.handle('tick', () => new Promise((resolve) => (end = resolve)));
    agent.schedule(1, 'tick');
    agent.schedule(2, 'tock');
    agent.nowMs += SECOND;
    agent.ring();
    const running = agent.step();
    agent.turn(() => {}); // what else happens meanwhile
    for (let beat = 1; beat <= 3; beat++) {
      expect(agent.diskAlarmMs).toBe(startMs + SECOND + beat * limits.jobWatchMs);
      agent.nowMs = agent.diskAlarmMs ?? 0;
      agent.ring();
    }
    end();
    await running;
    await agent.settle();
    expect(agent.order).toEqual(['tick', 'tock']);
    expect(agent.diskAlarmMs).toBeNull();
  });
});
