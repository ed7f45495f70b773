import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { jitterOffsetMs } from '../../../src/agent/jobs/schedule.ts';
import { Harness } from './harness.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * 3_600_000;

let agent: Harness;
let startMs: number;

beforeEach(() => {
  agent = Harness.awake();
  startMs = agent.startMs;
});

describe('scheduleEvery', () => {
  it('runs first after one interval, then an interval after the end of each run: fixed-delay', async () => {
    agent.handle('tick', () => void (agent.nowMs += 400));
    agent.every(1, 'tick');
    await agent.advance(5 * SECOND);
    expect(agent.callTimes).toEqual([1000, 2400, 3800]);
  });

  it('keeps to the grid however long the runs take: fixed-rate', async () => {
    agent.handle('tick', () => void (agent.nowMs += 400));
    agent.every(1, 'tick', null, { mode: 'fixed-rate' });
    await agent.advance(4.5 * SECOND);
    expect(agent.callTimes).toEqual([1000, 2000, 3000, 4000]);
  });

  it('never overlaps itself: what passes during a run is left out', async () => {
    agent.handle('tick', () => void (agent.nowMs += 2500));
    agent.every(1, 'tick', null, { mode: 'fixed-rate' });
    await agent.advance(8 * SECOND);
    expect(agent.callTimes).toEqual([1000, 4000, 7000]);
  });

  it('returns the existing one for the same callback, interval and payload', () => {
    const first = agent.every(5, 'tick', { a: 1 });
    agent.nowMs += SECOND;
    agent.restart();
    expect(agent.every(5, 'tick', { a: 1 })).toEqual(first);
    expect(agent.every(5, 'tick', { a: 2 }).id).not.toBe(first.id);
    expect(agent.every(6, 'tick', { a: 1 }).id).not.toBe(first.id);
    expect(agent.every(5, 'tick', { a: 1 }, { idempotencyKey: null }).id).not.toBe(first.id);
  });

  it('goes on after a failure', async () => {
    agent.handle('tick', (_, info) => {
      if (info['attempt'] === 1) throw new Error('once');
    });
    agent.every(1, 'tick');
    await agent.advance(2500);
    expect(agent.callTimes).toEqual([1000, 1100, 2100, 2200]);
  });
});

describe('idempotencyKey', () => {
  it('is made of callback, pattern, zone and payload for cron, and absent for single runs', () => {
    const cron = agent.schedule('@daily', 'tick', 1);
    expect(agent.schedule('@daily', 'tick', 1)).toEqual(cron);
    expect(agent.schedule('@daily', 'tick', 1, { timeZone: 'Asia/Tokyo' }).id).not.toBe(cron.id);
    expect(agent.schedule(5, 'tick').id).not.toBe(agent.schedule(5, 'tick').id);
  });

  it('returns the schedule that has it, until that has run or was cancelled', async () => {
    const first = agent.schedule(5, 'tick', 'first', { idempotencyKey: 'k' });
    expect(agent.schedule(9, 'tock', 'second', { idempotencyKey: 'k' })).toEqual(first);
    await agent.advance(5 * SECOND);
    const next = agent.schedule(9, 'tick', 'next', { idempotencyKey: 'k' });
    expect(next.payload).toBe('next');
    agent.turn(() => agent.schedules.cancelSchedule(next.id));
    expect(agent.schedule(9, 'tick', 'last', { idempotencyKey: 'k' }).payload).toBe('last');
  });

  it('lets a method schedule its own next run under its own key', async () => {
    agent.handle('tick', () => void agent.schedules.schedule(1, 'tick', null, { idempotencyKey: 'loop' }));
    agent.schedule(1, 'tick', null, { idempotencyKey: 'loop' });
    await agent.advance(3500);
    expect(agent.callTimes).toEqual([1000, 2000, 3000]);
    expect(agent.schedules.getSchedules()).toHaveLength(1);
  });
});

describe('overdue', () => {
  async function sleepThrough(ms: number): Promise<number[]> {
    agent.calls.length = 0;
    agent.crash();
    agent.nowMs += ms;
    startMs = agent.nowMs;
    await agent.settle();
    return agent.calls.map(({ info }) => Number(info['time']) - startMs);
  }

  it('run-once: one run for all that were missed, then the next on the grid', async () => {
    agent.schedule('*/10 * * * *', 'tick');
    expect(await sleepThrough(65 * MINUTE)).toEqual([-55 * MINUTE]);
    expect(agent.schedules.getSchedules()[0]?.time).toBe(startMs + 5 * MINUTE);
  });

  it('skip: nothing that is more than a minute late, neither recurring nor single', async () => {
    agent.schedule('*/10 * * * *', 'tick', null, { overdue: 'skip' });
    agent.every(600, 'tick', null, { overdue: 'skip', mode: 'fixed-rate' });
    agent.every(700, 'tick', null, { overdue: 'skip' });
    const { id } = agent.schedule(60, 'tock', null, { overdue: 'skip' });
    expect(await sleepThrough(65 * MINUTE)).toEqual([]);
    const times = agent.schedules.getSchedules().map(({ time }) => time - startMs);
    expect(times).toEqual([5 * MINUTE, 5 * MINUTE, 700 * SECOND]);
    expect(agent.dead.list()).toMatchObject([
      { id, reason: 'overdue', error: 'tock was due 3840000 ms ago and is to be skipped when late' },
    ]);
    agent.turn(() => agent.dead.retryDead(id));
    await agent.settle();
    expect(agent.order).toEqual(['tock']);
  });

  it('skip: what is only as late as a restart takes still runs', async () => {
    agent.schedule(60, 'tick', null, { overdue: 'skip' });
    expect(await sleepThrough(2 * MINUTE)).toEqual([-MINUTE]);
  });

  it('skip: a retry of a run that had begun in time is no missed run', async () => {
    agent.handle('tick', (_, info) => {
      if (info['attempt'] === 1) throw new Error('once');
    });
    agent.schedule(1, 'tick', null, { overdue: 'skip' });
    await agent.advance(SECOND);
    expect(await sleepThrough(HOUR)).toHaveLength(1);
    expect(agent.dead.list()).toEqual([]);
  });

  it('catch-up: each missed one runs once, in order, with its own time', async () => {
    agent.schedule('*/10 * * * *', 'tick', null, { overdue: 'catch-up' });
    const missed = [-55, -45, -35, -25, -15, -5].map((minutes) => minutes * MINUTE);
    expect(await sleepThrough(65 * MINUTE)).toEqual(missed);
    expect(agent.schedules.getSchedules()[0]?.time).toBe(startMs + 5 * MINUTE);
    agent.turn(() => agent.schedules.cancelSchedule(agent.schedules.getSchedules()[0]?.id ?? ''));
    agent.every(600, 'tick', null, { overdue: 'catch-up', mode: 'fixed-rate' });
    expect(await sleepThrough(65 * MINUTE)).toEqual(missed);
  });

  it.each(['cron', 'interval'])('catch-up: only the last %s occurrences up to the limit', async (type) => {
    if (type === 'cron') agent.schedule('* * * * *', 'tick', null, { overdue: 'catch-up' });
    else agent.every(60, 'tick', null, { overdue: 'catch-up', mode: 'fixed-rate' });
    const times = await sleepThrough(3 * DAY + 30 * SECOND);
    expect(times).toHaveLength(limits.scheduleCatchUpMax);
    expect([times[0], times.at(-1)]).toEqual([
      -(limits.scheduleCatchUpMax - 1) * MINUTE - 30 * SECOND,
      -30 * SECOND,
    ]);
  });

  it('does not repeat an occurrence when the clock is set back during it', async () => {
    agent.schedule('* * * * *', 'tick');
    agent.handle('tick', () => void (agent.nowMs -= 5 * SECOND));
    await agent.advance(2 * MINUTE - SECOND);
    expect(agent.calls).toHaveLength(1);
  });
});

describe('time zones', () => {
  it('run at 7:00 local time before and after daylight saving begins', async () => {
    agent.nowMs = Date.UTC(2026, 2, 28);
    agent.schedule('0 7 * * *', 'tick', null, { timeZone: 'Europe/Berlin' });
    await agent.advance(2 * DAY);
    expect(agent.calls.map(({ atMs }) => new Date(atMs).toISOString())).toEqual([
      '2026-03-28T06:00:00.000Z',
      '2026-03-29T05:00:00.000Z',
    ]);
  });
});

describe('jitter', () => {
  it('spreads a fleet evenly and stays the same for one schedule', async () => {
    const counts = Array<number>(10).fill(0);
    for (let n = 0; n < 10_000; n++) {
      const offset = jitterOffsetMs(`7.${n}`, MINUTE);
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThan(MINUTE);
      const part = Math.floor(offset / (MINUTE / 10));
      counts[part] = (counts[part] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);

    const { id, time } = agent.schedule('@hourly', 'tick', null, { jitterMs: MINUTE });
    const offset = jitterOffsetMs(id, MINUTE);
    expect(time).toBe(startMs + offset); // of the hour that has just begun
    await agent.advance(3 * HOUR);
    expect(agent.callTimes).toEqual([offset, HOUR + offset, 2 * HOUR + offset]);
  });

  it('moves intervals and single runs by the same offset for good', async () => {
    const fixed = agent.every(3600, 'tick', null, { jitterMs: MINUTE, mode: 'fixed-rate' });
    const offset = jitterOffsetMs(fixed.id, MINUTE);
    expect(fixed.time).toBe(startMs + HOUR + offset);
    await agent.advance(2 * HOUR + MINUTE);
    expect(agent.callTimes).toEqual([HOUR + offset, 2 * HOUR + offset]);
    const once = agent.schedule(5, 'tock', null, { jitterMs: 1000 });
    expect(once.time).toBe(agent.nowMs + 5000 + jitterOffsetMs(once.id, 1000));
  });
});
