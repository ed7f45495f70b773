import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

const SECOND = 1000;
const MINUTE = 60_000;

let agent: Harness;
let startMs: number;

beforeEach(() => {
  agent = Harness.awake();
  startMs = agent.startMs;
});

describe('schedule', () => {
  it('calls a method at a Date, after seconds and by cron, to the millisecond', async () => {
    agent.schedule(new Date(startMs + 1500), 'tick', { a: 1 });
    agent.schedule(2.25, 'tock', 'x');
    agent.schedule('* * * * *', 'tick', null);
    await agent.advance(MINUTE);
    expect(agent.calls.map(({ callback, payload, atMs }) => [callback, payload, atMs - startMs])).toEqual([
      ['tick', { a: 1 }, 1500],
      ['tock', 'x', 2250],
      ['tick', null, MINUTE],
    ]);
    expect(agent.schedules.getSchedules().map(({ type }) => type)).toEqual(['cron']);
  });

  it('returns what the Agents SDK returns, in ms and without internals', () => {
    const date = agent.schedule(new Date(startMs + 1), 'tick', { a: 1 }, { retry: { maxAttempts: 2 } });
    expect(date).toEqual({
      id: 'job0',
      callback: 'tick',
      payload: { a: 1 },
      retry: { maxAttempts: 2 },
      time: startMs + 1,
      type: 'scheduled',
    });
    const delayed = agent.schedule(5, 'tick');
    expect(Object.keys(delayed).sort()).toEqual([
      'callback',
      'delayInSeconds',
      'id',
      'payload',
      'time',
      'type',
    ]);
    expect(delayed.payload).toBeNull();
    expect(agent.schedule('@hourly', 'tick', null, { timeZone: 'Asia/Kolkata' })).toMatchObject({
      type: 'cron',
      cron: '@hourly',
      timeZone: 'Asia/Kolkata',
      time: startMs + 30 * MINUTE,
    });
    expect(agent.every(3, 'tick')).toMatchObject({
      type: 'interval',
      intervalSeconds: 3,
      mode: 'fixed-delay',
    });
    for (const found of agent.schedules.getSchedules())
      expect(agent.schedules.getSchedule(found.id)).toEqual(found);
    agent.restart();
    expect(agent.schedules.getSchedule(date.id)).toEqual(date);
  });

  it('passes the schedule and the number of the attempt as second argument', async () => {
    const { id } = agent.schedule(1, 'tick', 7);
    await agent.advance(SECOND);
    expect(agent.calls[0]?.info).toEqual({
      id,
      callback: 'tick',
      payload: 7,
      type: 'delayed',
      delayInSeconds: 1,
      time: startMs + SECOND,
      attempt: 1,
    });
  });

  it('keeps its own copy of the payload', async () => {
    const payload = { list: [1] };
    const { id } = agent.schedule(1, 'tick', payload);
    payload.list.push(2);
    const read = agent.schedules.getSchedule(id)?.payload as typeof payload; // what was put in
    read.list.push(3);
    agent.handle('tick', (given) => {
      expect(given).toEqual({ list: [1] });
      (given as typeof payload).list.push(4);
      throw new Error('again');
    });
    await agent.advance(MINUTE);
    expect(agent.errors).toEqual([new Error('again')]);
    expect(agent.dead.list()[0]).toMatchObject({ payload: { list: [1] }, attempts: 3 });
  });

  it.each<[string, () => unknown]>([
    ['Callback must be a string', () => agent.schedule(1, 5 as unknown as string)],
    ['this.nope is not a function', () => agent.schedule(1, 'nope')],
    ['this.nope is not a function', () => agent.every(1, 'nope')],
    [
      'Invalid schedule type: {"a":1}(object) trying to schedule tick',
      () => agent.schedule({ a: 1 } as unknown as Date, 'tick'),
    ],
    [
      'Invalid schedule type: undefined(undefined) trying to schedule tick',
      () => agent.schedule(undefined as unknown as Date, 'tick'),
    ],
    ['intervalSeconds must be a positive number', () => agent.every(0, 'tick')],
    ['intervalSeconds must be a positive number', () => agent.every(NaN, 'tick')],
    ['intervalSeconds cannot exceed 2592000 seconds (30 days)', () => agent.every(2_592_001, 'tick')],
    ['retry.maxAttempts must be >= 1', () => agent.schedule(1, 'tick', null, { retry: { maxAttempts: 0 } })],
    [
      'retry.baseDelayMs must be <= retry.maxDelayMs',
      () => agent.every(1, 'tick', null, { retry: { baseDelayMs: 9999 } }),
    ],
    ['the date is not valid', () => agent.schedule(new Date(NaN), 'tick')],
    ['the delay must be a finite number of seconds', () => agent.schedule(Infinity, 'tick')],
    ['the delay is too long', () => agent.schedule(1e300, 'tick')],
    ['timeZone is for cron patterns only', () => agent.schedule(1, 'tick', null, { timeZone: 'UTC' })],
    ['cron pattern "0 0 30 2 *" never comes true', () => agent.schedule('0 0 30 2 *', 'tick')],
    [
      "overdue must be 'run-once', 'skip' or 'catch-up'",
      () => agent.schedule(1, 'tick', 0, { overdue: 'never' as 'skip' }),
    ],
    ["overdue 'catch-up' needs mode 'fixed-rate'", () => agent.every(1, 'tick', 0, { overdue: 'catch-up' })],
    [
      "mode must be 'fixed-rate' or 'fixed-delay'",
      () => agent.every(1, 'tick', 0, { mode: 'x' as 'fixed-rate' }),
    ],
    ['jitterMs must be a number from 0 to 86400000', () => agent.schedule(1, 'tick', 0, { jitterMs: -1 })],
    [
      'idempotencyKey must be a string of 1 to 256 characters',
      () => agent.schedule(1, 'tick', 0, { idempotencyKey: '' }),
    ],
    [
      'the payload of the job is no JSON value: Do not know how to serialize a BigInt',
      () => agent.schedule(1, 'tick', 1n),
    ],
    [
      'the payload of the job is 65537 bytes, the limit is 65536; store it and pass its key',
      () => agent.schedule(1, 'tick', 'x'.repeat(65_535)),
    ],
  ])('refuses with "%s" and schedules nothing', (message, call) => {
    expect(call).toThrow(expect.objectContaining({ message }));
    expect(agent.schedules.getSchedules()).toEqual([]);
    expect(agent.disk.size).toBe(0);
    expect(agent.diskAlarmMs).toBeNull();
  });

  it('refuses more than the limit with BRG_JOBS_FULL', () => {
    agent.turn(() => {
      for (let n = 0; n < limits.jobsPerAgentMax; n++) agent.schedules.schedule(60, 'tick', n);
    });
    expect(() => agent.schedule(1, 'tick')).toThrow(expect.objectContaining({ code: 'BRG_JOBS_FULL' }));
  });

  it('clears the alarm when the only schedule is cancelled', () => {
    const { id } = agent.schedule(60, 'tick');
    expect(agent.diskAlarmMs).toBe(startMs + MINUTE);
    expect(agent.turn(() => agent.schedules.cancelSchedule(id))).toBe(true);
    expect(agent.diskAlarmMs).toBeNull();
    expect(agent.schedules.cancelSchedule(id)).toBe(false);
    expect(agent.schedules.getSchedule(id)).toBeUndefined();
  });

  it('finds schedules by id, type and time range', () => {
    const ids = [agent.schedule(1, 'tick'), agent.schedule(2, 'tick'), agent.schedule('@daily', 'tick')].map(
      ({ id }) => id,
    );
    const found = (criteria: Parameters<Harness['schedules']['getSchedules']>[0]): string[] =>
      agent.schedules.getSchedules(criteria).map(({ id }) => id);
    expect(found({})).toEqual(ids);
    expect(found({ id: ids[1] })).toEqual([ids[1]]);
    expect(found({ type: 'cron' })).toEqual([ids[2]]);
    expect(found({ timeRange: { start: new Date(startMs + 2000) } })).toEqual([ids[1], ids[2]]);
    expect(found({ timeRange: { end: new Date(startMs + 2000) }, type: 'delayed' })).toEqual([
      ids[0],
      ids[1],
    ]);
  });

  it('forgets nothing and invents nothing when the turn is taken back', async () => {
    const { id } = agent.schedule(5, 'tick', 'kept');
    const failing = (): never => {
      agent.schedules.schedule(1, 'tock', 'taken back');
      agent.schedules.cancelSchedule(id);
      throw new Error('no');
    };
    expect(() => agent.turn(failing)).toThrow('no');
    expect(agent.schedules.getSchedules().map(({ payload }) => payload)).toEqual(['kept']);
    agent.turn(() => {}); // commits the alarm
    await agent.advance(MINUTE);
    expect(agent.order).toEqual(['tick']);
  });

  it('runs what is due at the same time in the order of its creation', async () => {
    for (let n = 0; n < 50; n++) agent.schedule(1, 'tick', n);
    await agent.advance(SECOND);
    expect(agent.calls.map(({ payload }) => payload)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });
});
