/** Files that may not grow any further stand for a disk that is full. */
import { expect, test } from 'vitest';
import type { MqttClient } from 'mqtt';
import { writeLayout } from '../../src/store/index.ts';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

/** Publishes with boot and seq until no more PUBACKs come; each acknowledged one is in the list. */
function flood(device: MqttClient, path: string, note: string): { acknowledged: number[]; stop(): void } {
  const acknowledged: number[] = [];
  let next = 0;
  let isStopped = false;
  const say = async (): Promise<void> => {
    while (!isStopped) {
      const seq = next++;
      const message = JSON.stringify({ x: seq, note, boot: 'b', seq });
      await device.publishAsync(`devices/${path}/telemetry`, message, { qos: 1 });
      acknowledged.push(seq);
    }
  };
  for (let i = 0; i < 20; i++) void say().catch(() => undefined); // ends with the connection
  return { acknowledged, stop: () => (isStopped = true) };
}

async function untilFull(bridge: TestBridge): Promise<void> {
  await until(async () => {
    const { status, body } = await bridge.fetch('/readyz');
    return status === 503 && body['status'] === 'disk-full';
  }, 'readyz to say disk-full');
}

test('when shard.db is full no more PUBACKs leave, readiness fails, and a start with room applies all that was acknowledged', async () => {
  const dataDir = temporaryDir();
  const small = await startBridge({ devices: labDevices, dataDir }, { shard: { storePagesMax: 60 } });
  const device = await small.mqtt();
  const { acknowledged, stop } = flood(device, 'plain/a', 'x'.repeat(60));
  await untilFull(small);
  const before = acknowledged.length;
  expect(before).toBeGreaterThan(0);
  expect((await small.fetch('/healthz')).status).toBe(200);
  const other = await small.mqtt();
  let isTaken = false;
  other.publish(
    'devices/plain/b/telemetry',
    '{"x":1}',
    { qos: 1 },
    (error) => (isTaken = error === undefined),
  );
  // Two tries of the shard later nothing has changed.
  const sinceMs = performance.now();
  await until(() => performance.now() - sinceMs > 1200);
  expect([isTaken, acknowledged.length - before <= 40]).toEqual([false, true]);
  stop();
  device.end(true);
  other.end(true);
  await small.stop();
  const roomy = await startBridge({ devices: labDevices, dataDir });
  const count = await roomy.agent('plain/a/telemetry/count');
  expect(count['applied']).toBeGreaterThanOrEqual(acknowledged.length);
  expect(count).toMatchObject({ applied: count['accepted'], duplicates: 0 });
  expect(await roomy.agent('plain/a')).toMatchObject({ messages: count['accepted'] });
});

test.each([1, 3])(
  'a journal of %i shards at its bound is trimmed of what is applied, and goes on',
  async (shards) => {
    const dataDir = temporaryDir();
    if (shards > 1) writeLayout(dataDir, shards);
    const bridge = await startBridge({ devices: labDevices, dataDir }, { shard: { journalPagesMax: 24 } });
    const device = await bridge.mqtt();
    const { acknowledged, stop } = flood(device, 'plain/a', 'x'.repeat(60));
    await untilFull(bridge);
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 100, 'PUBACKs to go on');
    stop();
    await until(async () => (await bridge.fetch('/readyz')).status === 200, 'readyz to be well again');
    const count = await bridge.agent('plain/a/telemetry/count');
    expect(count['applied']).toBeGreaterThanOrEqual(acknowledged.length);
    expect(count).toMatchObject({ applied: count['accepted'], duplicates: 0 });
  },
);
