/** Agents in a whole bridge: they sleep, wake, ring, are forgotten and come back. */
import { expect, test } from 'vitest';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { calls } from '../support/lab-devices.ts';
import { until } from '../support/until.ts';

const quick = { shard: { idleTimeoutMs: 20 } };

function asleep(bridge: TestBridge): Promise<unknown> {
  return until(
    async () => (await bridge.fetch('/api/stats')).body['awake'] === 0,
    'every agent to be asleep',
  );
}

test('an idle agent leaves memory and wakes with its state, its counts and its sequence numbers', async () => {
  const bridge = await startBridge({ devices: labDevices }, quick);
  const device = await bridge.mqtt();
  const say = (message: object) =>
    device.publishAsync('devices/plain/a/telemetry', JSON.stringify(message), { qos: 1 });
  await say({ x: 1, note: 'kept', boot: 'b', seq: 1 });
  await say({ x: 2, boot: 'b', seq: 2 });
  await asleep(bridge);
  expect(await bridge.agent('plain/a')).toMatchObject({
    awake: false,
    state: { x: 2, note: 'kept' },
    messages: 2,
  });
  await asleep(bridge);
  await say({ x: 9, boot: 'b', seq: 1 });
  await say({ x: 3, boot: 'b', seq: 3 });
  expect(await bridge.agent('plain/a/telemetry/count')).toMatchObject({
    accepted: 4,
    applied: 3,
    duplicates: 1,
  });
  expect(await bridge.agent('plain/a')).toMatchObject({ state: { x: 3, note: 'kept' }, presence: 'online' });
});

test('a connection outlives the sleep of its agent: same mask, same state, frames on the next message', async () => {
  const bridge = await startBridge({ devices: labDevices }, quick);
  const viewer = await bridge.socket('lab/a?mode=only-telemetry');
  await bridge.describedAs('lab/a', ({ connections }) => connections === 1);
  await asleep(bridge);
  const device = await bridge.mqtt();
  await device.publishAsync('devices/lab/a/telemetry', '{"x":5}', { qos: 1 });
  expect(await viewer.frame('mooring_telemetry')).toMatchObject({ values: { x: 5 } });
  expect(viewer.ofType('cf_agent_state')).toEqual([]);
  await asleep(bridge);
  viewer.clear();
  viewer.send({ do: 'connection-state' });
  const answer = await until(() => viewer.received[0]);
  expect(JSON.parse(answer.data.toString())).toMatchObject({ state: { greeted: true } });
});

test('an alarm rings while its agent is asleep', async () => {
  const bridge = await startBridge({ devices: labDevices }, quick);
  const device = await bridge.mqtt();
  await device.publishAsync('devices/plain/a/telemetry', '{"x":1}', { qos: 1 });
  const { body } = await bridge.fetch('/api/agents/plain/a/commands/ping?timeout=0&ttl=1500', { body: null });
  expect(body['status']).toBe('pending');
  await asleep(bridge);
  await until(async () => {
    const { items } = (await bridge.agent('plain/a/commands')) as { items: { status: string }[] };
    return items[0]?.status === 'expired';
  }, 'the command to expire');
});

test('an alarm that became due while the bridge was down rings at the start', async () => {
  const dataDir = temporaryDir();
  const first = await startBridge({ devices: labDevices, dataDir });
  const device = await first.mqtt();
  await device.publishAsync('devices/plain/a/telemetry', '{"x":1}', { qos: 1 });
  await first.fetch('/api/agents/plain/a/commands/ping?timeout=0&ttl=1000', { body: null });
  const expiresAtMs = Date.now() + 1000;
  await first.stop();
  await until(() => Date.now() > expiresAtMs);
  const second = await startBridge({ devices: labDevices, dataDir });
  await until(async () => {
    const { items } = (await second.fetch('/api/attention')).body as { items: { reason: string }[] }; // the route's schema
    return items.some(({ reason }) => reason === 'command-expired');
  }, 'the expired command to be reported');
});

test('a forgotten agent that is spoken to at the same moment is a new one, and nothing of the old is left', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const say = (message: object) =>
    device.publishAsync('devices/lab/f/telemetry', JSON.stringify(message), { qos: 1 });
  for (let round = 1; round <= 5; round++) {
    await Promise.all([say({ x: round, note: 'old' }), say({ x: round, note: 'slow' })]);
    const forgotten = bridge.fetch('/api/agents/lab/f', { method: 'DELETE' });
    await Promise.all([say({ x: 100 }), forgotten, say({ x: 101 }), say({ x: 102 })]);
    expect((await forgotten).status).toBeLessThan(300);
    await say({ x: 103 });
    const after = await bridge.agent('lab/f');
    expect(after).toMatchObject({ state: { x: 103 }, presence: 'online' });
    // Those before the deletion have gone with it; note is of the old agent.
    expect(after['state']).not.toHaveProperty('note');
    expect(after['messages']).toBeLessThanOrEqual(4);
    const { applied } = await bridge.agent('lab/f/telemetry/count');
    expect(applied).toBe(after['messages']);
  }
});

test('a forgotten agent is gone from the list, also after a restart', async () => {
  const dataDir = temporaryDir();
  const first = await startBridge({ devices: labDevices, dataDir });
  const device = await first.mqtt();
  await device.publishAsync('devices/plain/a/telemetry', '{"x":1}', { qos: 1 });
  await device.publishAsync('devices/plain/b/telemetry', '{"x":1}', { qos: 1 });
  await first.fetch('/api/agents/plain/a', { method: 'DELETE' });
  expect((await first.fetch('/api/agents/plain/a')).status).toBe(404);
  await first.stop();
  const second = await startBridge({ devices: labDevices, dataDir });
  const { agents } = (await second.fetch('/api/agents')).body as { agents: { id: string }[] }; // the route's schema
  expect(agents.map(({ id }) => id)).toEqual(['b']);
});

test('messages behind an asynchronous turn wait for it and are applied in order', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const said = [1, 2, 3, 4].map((x) =>
    device.publishAsync('devices/lab/slow/telemetry', JSON.stringify({ x, note: 'slow' }), { qos: 1 }),
  );
  await Promise.all(said); // PUBACKs do not wait for turns
  await bridge.describedAs('lab/slow', ({ messages }) => messages === 4);
  const seen = calls.filter((call) => call.startsWith('slow onTelemetry'));
  expect(seen.map((call) => (JSON.parse(call.slice('slow onTelemetry '.length)) as { x: number }).x)).toEqual(
    [1, 2, 3, 4],
  );
});

test('an agent whose constructor throws keeps the data of its device, and the others work', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/broken/a/telemetry', '{"x":1}', { qos: 1 });
  await device.publishAsync('devices/plain/a/telemetry', '{"x":2}', { qos: 1 });
  expect(await bridge.agent('broken/a')).toMatchObject({ state: { x: 1 } });
  expect(await bridge.agent('plain/a')).toMatchObject({ state: { x: 2 } });
});
