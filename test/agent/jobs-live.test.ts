/** Schedules, queue and retry of agents on a real bridge, through sleep, restarts and crashes. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeadJob, QueueItem, Schedule } from '../../src/agent/index.ts';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { heardBy } from '../support/parity-devices.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/job-devices.ts', import.meta.url));
let jobsDir = '';

beforeEach(() => {
  process.env['JOBS_DIR'] = jobsDir = temporaryDir();
  writeFileSync(join(jobsDir, 'trace'), '');
});
afterAll(() => {
  Reflect.deleteProperty(process.env, 'JOBS_DIR');
});

const flag = (name: string): void => writeFileSync(join(jobsDir, name), '');
const unflag = (name: string): void => rmSync(join(jobsDir, name));

/** What the agents' jobs did, oldest first. */
function traces(): string[] {
  return readFileSync(join(jobsDir, 'trace'), 'utf8').split('\n').slice(0, -1);
}

const traced = (count: number): Promise<unknown> => until(() => traces().length >= count, `${count} runs`);
const passed = (timeMs: number): Promise<unknown> => until(() => Date.now() > timeMs);

function start(dataDir = temporaryDir(), shards = 1, idleTimeoutMs?: number): Promise<TestBridge> {
  const options = idleTimeoutMs === undefined ? {} : { shard: { idleTimeoutMs } };
  return startBridge({ devices, dataDir, shards }, options);
}

/** Calls a callable; connects first, so that the agent exists. */
async function call<T>(bridge: TestBridge, id: string, method: string, ...args: unknown[]): Promise<T> {
  const path = `/api/agents/keeper/${id}`;
  if ((await bridge.fetch(path)).status === 404) {
    const socket = await bridge.socket(`keeper/${id}`);
    await socket.frame('cf_agent_identity');
    socket.socket.close();
  }
  const { status, body } = await bridge.fetch(`${path}/call/${method}`, { method: 'POST', body: { args } });
  if (status !== 200) throw new Error(`${method}: ${status} ${JSON.stringify(body)}`);
  return body['value'] as T; // what the method returns
}

async function metric(bridge: TestBridge, name: string): Promise<number> {
  const { text } = (await bridge.fetch('/metrics')).body;
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(String(text))?.[1]);
}

const asleep = (bridge: TestBridge): Promise<unknown> =>
  until(async () => (await metric(bridge, 'mooring_agents_awake')) === 0, 'every agent to sleep');

describe.each([0, 1])('with %i shard threads', (shards) => {
  test('jobs run: after a delay, at a date, by cron, at an interval, from the queue', async () => {
    const bridge = await start(temporaryDir(), shards);
    const began = Date.now();
    await call(bridge, 'k', 'after', 0.1, 'run', { delay: true });
    await call(bridge, 'k', 'at', began + 150, 'arrow', 'date');
    const cron = await call<Schedule>(bridge, 'k', 'cron', '* * * * * *', 'run', 'cron');
    const every = await call<Schedule>(bridge, 'k', 'every', 0.05, 'run', 'every');
    await call(bridge, 'k', 'enqueue', 'runSlowly', [1, 2, 3]);
    expect(cron).toMatchObject({ type: 'cron', cron: '* * * * * *', payload: 'cron' });
    const times = (run: string): number => traces().filter((line) => line === `k run ${run}`).length;
    await until(() => times('"cron"') >= 2 && times('"every"') >= 4 && times('3') === 1, 'all to run');
    for (const once of ['{"delay":true}', '"date"', '1', '2', '3']) expect(times(once), once).toBe(1);
    expect(traces().filter((line) => /run \d$/.test(line))).toEqual(['k run 1', 'k run 2', 'k run 3']);
    expect(await call(bridge, 'k', 'schedules')).toMatchObject([{ type: 'interval' }, { type: 'cron' }]);
    for (const { id } of [cron, every]) expect(await call(bridge, 'k', 'cancel', id)).toBe(true);
    expect(await call(bridge, 'k', 'cancel', cron.id)).toBe(false);
    expect(await call(bridge, 'k', 'retried')).toBe(3);
  });
});

test('a failing job is tried again, then it is a dead letter, and retryDead runs it', async () => {
  const bridge = await start();
  await call(bridge, 'k', 'after', 0, 'fail', 'schedule');
  await call(bridge, 'k', 'enqueue', 'fail', ['queue'], { maxAttempts: 1 });
  await call(bridge, 'k', 'enqueue', 'failTwice', ['third'], { maxAttempts: 3, baseDelayMs: 1 });
  await traced(6);
  const dead = await until(async () => {
    const letters = await call<DeadJob[]>(bridge, 'k', 'dead');
    return letters.length === 2 ? letters : null;
  });
  expect(dead.sort((a, b) => a.source.localeCompare(b.source))).toMatchObject([
    { source: 'queue', callback: 'fail', payload: 'queue', reason: 'failed', error: 'no luck', attempts: 1 },
    { source: 'schedule', callback: 'fail', payload: 'schedule', reason: 'failed', attempts: 2 },
  ]);
  expect(traces().filter((line) => line.includes('third'))).toEqual(
    [1, 2, 3].map((n) => `k try ${n} "third"`),
  );
  flag('lucky');
  expect(await call(bridge, 'k', 'revive')).toBe(2);
  await traced(8);
  expect(traces().slice(-2).sort()).toEqual(['k try 1 "queue"', 'k try 1 "schedule"']);
  expect(await call(bridge, 'k', 'dead')).toEqual([]);
});

test('a job that waits for its next attempt holds up none behind it', async () => {
  const bridge = await start();
  await call(bridge, 'k', 'enqueue', 'fail', ['slow'], { maxAttempts: 2, baseDelayMs: 9e5, maxDelayMs: 1e6 });
  await call(bridge, 'k', 'enqueue', 'run', ['fast']);
  await traced(2);
  expect(traces()).toEqual(['k try 1 "slow"', 'k run "fast"']);
});

test('what a job did synchronously before it threw is taken back', async () => {
  const bridge = await start();
  await call(bridge, 'k', 'enqueue', 'setAndFail', [null], { maxAttempts: 1 });
  await until(async () => (await call<DeadJob[]>(bridge, 'k', 'dead')).length === 1);
  expect((await bridge.agent('keeper/k'))['state']).not.toMatchObject({ x: 99 });
  await call(bridge, 'k', 'enqueue', 'run', ['after']);
  await traced(1);
  expect(traces()).toEqual(['k run "after"']);
});

test('a turn that throws after schedule() and queue() leaves no job, and no alarm', async () => {
  const bridge = await start(temporaryDir(), 1, 1);
  await expect(call(bridge, 'k', 'scheduleThenThrow')).rejects.toThrow('taken back');
  expect(await call(bridge, 'k', 'schedules')).toEqual([]);
  await asleep(bridge);
  const wakes = await metric(bridge, 'mooring_agent_wakes_total');
  await passed(Date.now() + 300);
  expect(await metric(bridge, 'mooring_agent_wakes_total')).toBe(wakes);
  expect(traces()).toEqual([]);
});

test('a sleeping agent is woken for its job, and for nothing after its only one was cancelled', async () => {
  const bridge = await start(temporaryDir(), 1, 1);
  const { time } = await call<Schedule>(bridge, 'sleeper', 'after', 3, 'run', 'woke');
  const cancelled = await call<Schedule>(bridge, 'quiet', 'after', 2.5, 'run', 'never');
  await call(bridge, 'quiet', 'cancel', cancelled.id);
  await asleep(bridge);
  expect(Date.now()).toBeLessThan(time);
  const wakes = await metric(bridge, 'mooring_agent_wakes_total');
  await traced(1);
  expect(Date.now()).toBeGreaterThanOrEqual(time);
  await asleep(bridge);
  await passed(cancelled.time + 200);
  expect(await metric(bridge, 'mooring_agent_wakes_total')).toBe(wakes + 1);
  expect(traces()).toEqual(['sleeper run "woke"']);
});

test('after a restart jobs run at their time, and those that became due meanwhile run once', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir);
  const began = Date.now();
  await call(first, 'late', 'at', began + 300, 'run', 'overdue');
  await call(first, 'late', 'every', 0.2, 'run', 'every', { mode: 'fixed-rate' });
  await call(first, 'early', 'at', began + 2500, 'run', 'future');
  await first.stop();
  const before = traces().length;
  await passed(began + 1500);
  const second = await start(dataDir);
  await until(() => traces().includes('early run "future"'));
  const runs = (): number =>
    traces()
      .slice(before)
      .filter((line) => line === 'late run "every"').length;
  await until(() => runs() > 2, 'the interval to go on');
  expect(traces().filter((line) => line === 'late run "overdue"')).toHaveLength(1);
  expect(await call(second, 'late', 'schedules')).toMatchObject([{ type: 'interval' }]);
});

test('the queue is flushed at boot: nobody has to call queue() or the agent', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir);
  flag('hang');
  await call(first, 'k', 'enqueue', 'hang', ['interrupted']);
  await call(first, 'k', 'enqueue', 'run', [1, 2]);
  await traced(1);
  await first.stop();
  expect(traces()).toEqual(['k begin "interrupted"']);
  unflag('hang');
  const second = await start(dataDir);
  await traced(5);
  expect(traces().slice(1)).toEqual(['k begin "interrupted"', 'k run "interrupted"', 'k run 1', 'k run 2']);
  await until(async () => (await call<QueueItem[]>(second, 'k', 'queued', 'length', undefined)).length === 0);
});

test('a job whose method is gone is a dead letter, and runs when the method is back', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir);
  const { time } = await call<Schedule>(first, 'k', 'after', 0.3, 'run', 'orphan');
  await first.stop();
  await passed(time);
  flag('forget');
  const second = await start(dataDir);
  const [dead] = await until(async () => {
    const letters = await call<DeadJob[]>(second, 'k', 'dead');
    return letters.length > 0 ? letters : null;
  });
  expect(dead).toMatchObject({
    callback: 'run',
    reason: 'missing-handler',
    error: 'this.run is not a function',
  });
  expect(await call(second, 'k', 'schedules')).toEqual([]);
  await second.stop();
  unflag('forget');
  const third = await start(dataDir);
  expect(await call(third, 'k', 'revive', dead?.id)).toBe(1);
  await traced(1);
  expect(traces()).toEqual(['k run "orphan"']);
});

test('a schedule survives the death of its shard, and runs once', async () => {
  const bridge = await start();
  await call(bridge, 'k', 'after', 1, 'run', 'survivor');
  await call(bridge, 'other', 'die');
  await until(async () => (await bridge.fetch('/readyz')).status === 503, 'the shard to be gone');
  await traced(1);
  await until(async () => (await call<Schedule[]>(bridge, 'k', 'schedules')).length === 0);
  expect(traces()).toEqual(['k run "survivor"']);
});

test('a job that ends the process is set aside after 3 runs; those behind it run', async () => {
  const bridge = await start();
  // The run may end the thread before the answer has left.
  await call(bridge, 'k', 'poison').catch(() => undefined);
  const look = () => bridge.fetch('/api/agents/keeper/k'); // wakes it; the alarm would later
  await until(async () => (await look()).status === 200 && traces().length >= 3);
  const dead = await until(async () => {
    const letters = await call<DeadJob[]>(bridge, 'k', 'dead').catch(() => []);
    return letters.length === 1 ? letters : null;
  });
  expect(dead).toMatchObject([{ callback: 'crash', payload: 'poison', reason: 'interrupted' }]);
  await until(() => traces().includes('k run "behind"'));
  expect(traces().filter((line) => line === 'k crash "poison"')).toHaveLength(3);
  flag('survive');
  expect(await call(bridge, 'k', 'revive')).toBe(1);
  await until(() => traces().filter((line) => line === 'k crash "poison"').length === 4);
});

test('2,000 schedules of 200 sleeping agents, due at the same moment, run once each', async () => {
  const bridge = await start(temporaryDir(), 1, 1);
  const ids = Array.from({ length: 200 }, (_, n) => `a${n}`);
  const due = Date.now() + 6000;
  for (let at = 0; at < ids.length; at += 20) {
    await Promise.all(ids.slice(at, at + 20).map((id) => call(bridge, id, 'many', due, 10)));
  }
  await asleep(bridge);
  expect(Date.now()).toBeLessThan(due);
  await traced(2000);
  const expected = ids.flatMap((id) => Array.from({ length: 10 }, (_, n) => `${id} run ${n}`));
  expect(traces().sort()).toEqual(expected.sort());
  await asleep(bridge);
  expect(traces()).toHaveLength(2000);
});

test.each([
  [{ maxAttempts: 0 }, 'retry.maxAttempts must be >= 1'],
  [{ maxAttempts: 1.5 }, 'retry.maxAttempts must be an integer'],
  [{ baseDelayMs: 0 }, 'retry.baseDelayMs must be > 0'],
  [{ maxDelayMs: 0 }, 'retry.maxDelayMs must be > 0'],
  // Against the class, whose delays are at most 5 ms.
  [{ baseDelayMs: 6 }, 'retry.baseDelayMs must be <= retry.maxDelayMs'],
])(
  'retry options %j are refused at once by schedule, scheduleEvery, queue and retry',
  async (retry, text) => {
    const bridge = await start(temporaryDir(), 0);
    for (const [method, ...args] of [
      ['after', 0, 'run', 'never', { retry }],
      ['every', 0.01, 'run', 'never', { retry }],
      ['enqueue', 'run', ['never'], retry],
      ['retried', retry],
    ]) {
      const refused = call(bridge, 'k', String(method), ...args);
      await expect(refused, String(method)).rejects.toThrow(`"code":"BRG_RETRY"`);
      await expect(refused).rejects.toThrow(`"detail":${JSON.stringify(text)}`);
    }
    expect([await call(bridge, 'k', 'schedules'), await call(bridge, 'k', 'queued', 'length')]).toEqual([
      [],
      [],
    ]);
    expect(traces()).toEqual([]);
  },
);

test('a job that never ends is given up at its time; the jobs and streams behind it run', async () => {
  const path = fileURLToPath(new URL('../support/parity-devices.ts', import.meta.url));
  const bridge = await startBridge({ devices: path });
  const post = (method: string) => bridge.fetch(`/api/agents/stuck/s/call/${method}`, { body: { args: [] } });
  expect(await post('begin')).toMatchObject({ status: 200 });
  expect((await post('flow')).body).toEqual({ value: 'flows' });
  await until(async () => JSON.stringify((await post('dead')).body).includes('hang'));
  expect((await post('dead')).body).toEqual({ value: ['hang: failed, job hang did not answer in time'] });
  expect(heardBy('s').toSorted()).toEqual(['hang', 'hang', 'next']);
});
