/** A shard's thread dies: it comes back, and nobody outside notices more than a pause. */
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

const marker = 'LAB_CRASH_MARKER';

beforeEach(() => {
  process.env[marker] = join(temporaryDir(), 'crashed');
});
afterAll(() => {
  Reflect.deleteProperty(process.env, marker);
});

function startWithThread(): Promise<TestBridge> {
  return startBridge({ devices: labDevices, shards: 1 });
}

async function historyCount(bridge: TestBridge, path: string): Promise<number> {
  const { series } = (await bridge.agent(
    `${path}/telemetry?metric=x&from=0&to=${Date.now() + 1e6}&points=10`,
  )) as { series: { points: { count: number }[] }[] }; // the route's schema
  return (series[0]?.points ?? []).reduce((total, { count }) => total + count, 0);
}

/** A request that is open when the shard crashes, now or a moment later, is refused: ask again. */
function retried<T>(ask: () => Promise<T>): Promise<T> {
  return until(() => ask().catch(() => undefined)) as Promise<T>; // `until` waits for something
}

for (const note of ['crash-exit', 'crash-async']) {
  // The second is a rejection nobody waits for: no reason to end the thread.
  test(`after ${note} every PUBACKed message is applied exactly once, in order`, async () => {
    const bridge = await startWithThread();
    const device = await bridge.mqtt();
    const total = 400;
    const acknowledged: number[] = [];
    const said = Array.from({ length: total }, async (_, i) => {
      const message = { x: i, ...(i === 150 ? { note } : {}) };
      await device.publishAsync('devices/lab/a/telemetry', JSON.stringify(message), { qos: 1 });
      acknowledged.push(i);
    });
    await Promise.all(said);
    expect(acknowledged).toEqual(Array.from({ length: total }, (_, i) => i));
    await bridge.describedAs('lab/a', ({ messages }) => messages === total);
    expect(await retried(() => bridge.agent('lab/a'))).toMatchObject({
      state: { x: total - 1 },
      presence: 'online',
    });
    const count = await retried(() => bridge.agent('lab/a/telemetry/count'));
    expect(count).toMatchObject({ accepted: total, applied: total });
    expect(await retried(() => historyCount(bridge, 'lab/a'))).toBe(total);
  });
}

test('connections, presence, the fleet feed and unanswered commands come back', async () => {
  const bridge = await startWithThread();
  const device = await bridge.mqtt({ clientId: 'device' });
  const delivered: string[] = [];
  device.on('message', (topic) => void delivered.push(topic));
  await device.subscribeAsync('devices/lab/a/command/#', { qos: 1 });
  const viewer = await bridge.socket('lab/a', ['mooring.v1.cbor']);
  const fleet = await bridge.socket('fleet/all', ['mooring.v1.cbor']);
  await viewer.frame('mooring_presence');
  await fleet.frame('mooring_fleet');
  await bridge.fetch('/api/agents/lab/a/commands/ping?timeout=0', { body: null });
  await until(() => delivered.length === 1);
  await device.publishAsync('devices/lab/a/telemetry', '{"x":1,"note":"crash-exit"}', { qos: 1 });
  await until(() => delivered.length === 2, 'the command to be delivered again');
  expect(delivered[1]).toBe(delivered[0]);
  await viewer.frame('cf_agent_identity', 2);
  viewer.clear();
  fleet.clear();
  await device.publishAsync('devices/lab/a/telemetry', '{"x":2}', { qos: 1 });
  await viewer.frame('mooring_telemetry');
  await until(() => fleet.ofType('mooring_fleet').some(({ rows }) => JSON.stringify(rows).includes('"x":2')));
  expect(viewer.ofType('mooring_telemetry').map(({ values }) => values)).toEqual([{ x: 2 }]);
  expect(await bridge.agent('lab/a')).toMatchObject({ presence: 'online', connections: 1 });
  const device2 = await bridge.mqtt({ clientId: 'device' });
  await device2.endAsync();
  await bridge.describedAs('lab/a', ({ presence }) => presence === 'offline');
});

test('what is asked while the shard restarts is answered when it is back, and done once', async () => {
  const bridge = await startWithThread();
  const device = await bridge.mqtt();
  const delivered: string[] = [];
  device.on('message', (topic) => void delivered.push(topic));
  await device.subscribeAsync('devices/lab/a/command/#', { qos: 1 });
  await device.publishAsync('devices/lab/a/telemetry', '{"x":1,"note":"crash-exit"}', { qos: 1 });
  await until(async () => (await bridge.fetch('/readyz')).status === 503, 'the shard to be gone');
  const [agent, command] = await Promise.all([
    bridge.agent('lab/a'),
    bridge.fetch('/api/agents/lab/a/commands/ping?timeout=0', { body: null }),
  ]);
  expect(agent).toMatchObject({ state: { x: 1 }, presence: 'online' });
  expect(command.body).toMatchObject({ status: 'pending' });
  await until(() => delivered.length > 0);
  expect(await bridge.agent('lab/a')).toMatchObject({ commandsPending: 1 });
  expect(new Set(delivered).size).toBe(1);
});

test('a message that always ends the thread is set aside after 3 deaths', async () => {
  const bridge = await startWithThread();
  const device = await bridge.mqtt();
  await device.publishAsync('devices/lab/a/telemetry', '{"x":1,"note":"crash-always"}', { qos: 1 });
  await bridge.describedAs('lab/a', ({ messages }) => messages === 1);
  expect(await retried(() => bridge.agent('lab/a'))).toMatchObject({ state: { x: 1 }, rejected: 1 });
  expect((await bridge.fetch('/readyz')).status).toBe(200);
});
