/** What a stash promises, proven by killing the process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { temporaryDir } from '../support/bridge.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir } from './bridge-process.ts';

const devices = fileURLToPath(new URL('../support/fiber-devices.ts', import.meta.url));

afterAll(() => {
  Reflect.deleteProperty(process.env, 'FIBERS_DIR');
});

it('goes on with a fiber from its stash after kill -9, twice', async () => {
  const dataDir = await testDataDir();
  const fibersDir = (process.env['FIBERS_DIR'] = temporaryDir());
  const trace = join(fibersDir, 'trace');
  writeFileSync(trace, '');
  const traced = (line: string, times = 1): Promise<unknown> =>
    until(
      () =>
        readFileSync(trace, 'utf8')
          .split('\n')
          .filter((found) => found === line).length >= times,
      line,
    );

  const first = await startBridge(dataDir, ['--devices', devices]);
  const device = await first.mqtt();
  await device.publishAsync('devices/weaver/w/telemetry', '{"x":1}', { qos: 1 });
  const { status } = await first.request('POST', '/api/agents/weaver/w/call/begin', { args: [] });
  expect(status).toBe(200);
  await traced('w step 1');
  expect(await first.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

  const second = await startBridge(dataDir, ['--devices', devices]);
  await second.get('/api/agents/weaver/w'); // its alarm would wake it later
  await traced('w recovered weave {"step":1} 1');
  await second.end('SIGKILL');

  const third = await startBridge(dataDir, ['--devices', devices]);
  await third.get('/api/agents/weaver/w');
  await until(
    () => readFileSync(trace, 'utf8').includes('w recovered weave {"step":1} 2'),
    'the second recovery',
  );
  writeFileSync(join(fibersDir, 'go'), '');
  await traced('w step 2');
  const lines = readFileSync(trace, 'utf8').split('\n');
  expect(lines.filter((line) => line === 'w step 1')).toHaveLength(1);
  expect(lines.filter((line) => line === 'w step 2')).toHaveLength(1);
}, 60_000);
