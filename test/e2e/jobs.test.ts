/** Jobs survive the process that took them: killed without a word, in the middle of everything. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { Schedule } from '../../src/agent/index.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';

const devices = fileURLToPath(new URL('../support/job-devices.ts', import.meta.url));

function start(dataDir: string): Promise<BridgeProcess> {
  return startBridge(dataDir, ['--devices', devices]);
}

async function call<T>(bridge: BridgeProcess, id: string, method: string, ...args: unknown[]): Promise<T> {
  const answer = await bridge.request('POST', `/api/agents/keeper/${id}/call/${method}`, { args });
  if (answer.status !== 200) throw new Error(`${method}: ${JSON.stringify(answer)}`);
  return (answer.body as { value: T }).value; // what the method returns
}

it('an overdue schedule runs, once, and the queue is flushed at boot after kill -9; nobody speaks to the agents', async () => {
  const dataDir = await testDataDir();
  const trace = join((process.env['JOBS_DIR'] = await testDataDir()), 'trace');
  onTestFinished(() => void Reflect.deleteProperty(process.env, 'JOBS_DIR'));
  const traces = (): string[] => readFileSync(trace, 'utf8').split('\n').slice(0, -1);
  writeFileSync(trace, '');
  writeFileSync(join(trace, '../hang'), '');
  const first = await start(dataDir);
  const device = await first.mqtt();
  for (const id of ['late', 'queue']) {
    await device.publishAsync(`devices/keeper/${id}/telemetry`, '{"x":1}', { qos: 1 });
  }
  const { time } = await call<Schedule>(first, 'late', 'after', 1.5, 'run', 'overdue');
  await call(first, 'queue', 'enqueue', 'hang', ['interrupted']);
  await call(first, 'queue', 'enqueue', 'run', [1, 2, 3]);
  await until(() => traces().includes('queue begin "interrupted"'));
  expect(await first.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(Date.now(), 'the kill came before the schedule').toBeLessThan(time);
  await until(() => Date.now() > time + 200);
  expect(traces()).toEqual(['queue begin "interrupted"']);

  rmSync(join(trace, '../hang'));
  await start(dataDir);
  await until(() => traces().includes('late run "overdue"'), 'the overdue schedule');
  await until(() => traces().includes('queue run 3'), 'the queue');
  expect(traces().filter((line) => line.startsWith('late'))).toEqual(['late run "overdue"']);
  expect(traces().filter((line) => line.startsWith('queue'))).toEqual([
    'queue begin "interrupted"',
    'queue begin "interrupted"',
    'queue run "interrupted"',
    ...[1, 2, 3].map((n) => `queue run ${n}`),
  ]);
}, 60_000);
