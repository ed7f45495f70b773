/** Several shards in the process as its users run it: killed, and moved to another number of shards. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startBridge, testDataDir } from './bridge-process.ts';
import { TelemetryStream } from './telemetry-stream.ts';

const ROOT = resolve(import.meta.dirname, '../..');

function reshard(dataDir: string, shards: number): { status: number | null; json: unknown; error: string } {
  const program = ['src/main.ts', 'reshard', String(shards), '--data-dir', dataDir, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: ROOT, encoding: 'utf8' });
  return { status, json: status === 0 ? JSON.parse(stdout) : null, error: stderr };
}

it('a kill -9 of two shards loses nothing and applies nothing twice; three shards go on where they were', async () => {
  const dataDir = await testDataDir();
  let acks = 0;
  const devices = ['k1', 'k2', 'k3', 'k4', 'k5'].map(
    (id) => new TelemetryStream(id, { boot: 'b', onAck: () => acks++ }),
  );
  let bridge = await startBridge(dataDir, ['--shards', '2']);
  await Promise.all(devices.map((device) => device.connect(bridge)));
  for (const device of devices) device.stream();
  await until(() => acks > 800, 'PUBACKs');
  await bridge.end('SIGKILL');
  bridge = await startBridge(dataDir);
  const streams = devices.map(async (device) => {
    await device.connect(bridge);
    await device.resend(device.unacked);
  });
  await Promise.all(streams);
  await bridge.end('SIGTERM');
  expect(reshard(dataDir, 3)).toMatchObject({ status: 0, json: { from: 2, to: 3, agents: 5 } });

  bridge = await startBridge(dataDir, ['--shards', '3']);
  await Promise.all(devices.map((device) => device.connect(bridge)));
  acks = 0;
  for (const device of devices) device.stream();
  await until(() => acks > 200, 'PUBACKs');
  for (const device of devices) {
    await device.drained();
    const applied = await until(async () => {
      const seen = await device.applied(bridge);
      return seen.applied >= device.sent ? seen : null;
    }, `${device.id} to have all applied`);
    expect(applied).toMatchObject({
      applied: device.sent,
      historyCount: device.sent,
      last: device.sent - 1,
      isInOrder: true,
      rejected: 0,
    });
  }
}, 60_000);
