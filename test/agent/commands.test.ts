/** Commands to real devices, awake and asleep. */
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { decodeCbor } from '../../src/wire/index.ts';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

interface Delivered {
  readonly topic: string;
  readonly name: string;
  readonly cid: string;
  readonly payload: Buffer;
}

/** A device that listens for its commands; what it answers is up to the test. */
async function listen(client: MqttClient, path: string): Promise<Delivered[]> {
  const delivered: Delivered[] = [];
  client.on('message', (topic, payload) => {
    const [, , , , name = '', cid = ''] = topic.split('/');
    delivered.push({ topic, name, cid, payload });
  });
  await client.subscribeAsync(`devices/${path}/command/#`, { qos: 1 });
  return delivered;
}

function answer(client: MqttClient, path: string, cid: string, result: unknown): Promise<unknown> {
  return client.publishAsync(`devices/${path}/result/${cid}`, JSON.stringify(result), { qos: 1 });
}

function send(bridge: TestBridge, path: string, name: string, args: unknown, query = 'timeout=5000') {
  return bridge.fetch(`/api/agents/${path}/commands/${name}?${query}`, { body: args });
}

interface Listed {
  readonly cid: string;
  readonly status: string;
  readonly value?: unknown;
}

async function list(bridge: TestBridge, path: string): Promise<readonly Listed[]> {
  return ((await bridge.agent(`${path}/commands`)) as unknown as { items: Listed[] }).items; // the route's schema
}

async function known(bridge: TestBridge, path: string): Promise<void> {
  const client = await bridge.mqtt();
  await client.publishAsync(`devices/${path}/telemetry`, '{"x":1}', { qos: 1 });
  await client.endAsync();
  await bridge.describedAs(path, ({ presence }) => presence === 'offline');
}

test('the caller gets what the device answered: done with a value, failed with the reason', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const delivered = await listen(device, 'lab/a');
  const done = send(bridge, 'lab/a', 'set', 42);
  const first = await until(() => delivered[0]);
  expect([first.name, first.payload.toString()]).toEqual(['set', '42']);
  await answer(device, 'lab/a', first.cid, { ok: true, value: { was: 41 } });
  expect(await done).toEqual({ status: 200, body: { cid: first.cid, status: 'done', value: { was: 41 } } });
  const failed = send(bridge, 'lab/a', 'ping', null);
  const second = await until(() => delivered[1]);
  await answer(device, 'lab/a', second.cid, { ok: false, error: 'stuck' });
  expect((await failed).body).toEqual({ cid: second.cid, status: 'failed', error: 'stuck' });
  expect((await list(bridge, 'lab/a')).map(({ status }) => status).sort()).toEqual(['done', 'failed']);
});

test('arguments reach a CBOR connection in CBOR', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt({ username: 'a?codec=cbor' });
  const delivered = await listen(device, 'lab/a');
  await send(bridge, 'lab/a', 'set', 12.5, 'timeout=0');
  const { payload } = await until(() => delivered[0]);
  expect(decodeCbor(payload)).toBe(12.5);
});

test('an answer that does not come in time leaves the command pending; it is taken when it comes', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const delivered = await listen(device, 'lab/a');
  const { body } = await send(bridge, 'lab/a', 'ping', null, 'timeout=100');
  expect(body).toEqual({ cid: delivered[0]?.cid, status: 'pending' });
  await answer(device, 'lab/a', String(body['cid']), { ok: true });
  await until(async () => (await list(bridge, 'lab/a'))[0]?.status === 'done');
});

test('a device that was asleep gets what waits for it, once, and its answer ends it', async () => {
  const bridge = await startBridge({ devices: labDevices });
  await known(bridge, 'lab/a');
  const { body } = await send(bridge, 'lab/a', 'ping', null, 'timeout=0');
  expect((await list(bridge, 'lab/a'))[0]?.status).toBe('queued');
  const device = await bridge.mqtt();
  const delivered = await listen(device, 'lab/a');
  const { cid } = await until(() => delivered[0]);
  expect(cid).toBe(body['cid']);
  await answer(device, 'lab/a', cid, { ok: true });
  await until(async () => (await list(bridge, 'lab/a'))[0]?.status === 'done');
  await device.endAsync();
  const again = await listen(await bridge.mqtt(), 'lab/a');
  await known(bridge, 'lab/b'); // a round trip through the shard
  expect([delivered.length, again.length]).toEqual([1, 0]);
});

test('an unanswered command is delivered again after a restart, with the same cid', async () => {
  const dataDir = temporaryDir();
  const first = await startBridge({ devices: labDevices, dataDir });
  const before = await listen(await first.mqtt(), 'lab/a');
  const { body } = await send(first, 'lab/a', 'set', 7, 'timeout=0');
  await until(() => before[0]);
  await first.stop();
  const second = await startBridge({ devices: labDevices, dataDir });
  const device = await second.mqtt();
  const after = await listen(device, 'lab/a');
  const { cid, payload } = await until(() => after[0]);
  expect([cid, payload.toString()]).toEqual([body['cid'], '7']);
  await answer(device, 'lab/a', cid, { ok: true });
  await until(async () => (await list(second, 'lab/a'))[0]?.status === 'done');
});

test('an expired command is not delivered, and its caller hears of it', async () => {
  const bridge = await startBridge({ devices: labDevices });
  await known(bridge, 'lab/a');
  const { body } = await send(bridge, 'lab/a', 'ping', null, 'timeout=8000&ttl=1000');
  expect(body).toMatchObject({ status: 'expired' });
  const device = await bridge.mqtt();
  const delivered = await listen(device, 'lab/a');
  await answer(device, 'lab/a', String(body['cid']), { ok: true });
  await bridge.describedAs('lab/a', ({ messages }) => messages === 2);
  expect((await list(bridge, 'lab/a'))[0]?.status).toBe('expired'); // late answers are ignored
  expect(await bridge.agent('lab/a')).toMatchObject({ rejected: 0, commandsPending: 0 });
  expect(delivered).toEqual([]);
});

test('a second answer changes nothing; an answer to nothing is a dead letter', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const delivered = await listen(device, 'lab/a');
  await send(bridge, 'lab/a', 'ping', null, 'timeout=0');
  const { cid } = await until(() => delivered[0]);
  await answer(device, 'lab/a', cid, { ok: true, value: 1 });
  await answer(device, 'lab/a', cid, { ok: false, error: 'late' });
  await answer(device, 'lab/a', 'made-up', { ok: true });
  await answer(device, 'lab/a', cid, 'no result');
  await bridge.describedAs('lab/a', ({ messages }) => messages === 4);
  expect(await list(bridge, 'lab/a')).toMatchObject([{ cid, status: 'done', value: 1 }]);
  const { items } = (await bridge.agent('lab/a/rejected')) as { items: { channel: string }[] };
  expect(items.map(({ channel }) => channel)).toEqual(['result', 'result']);
  expect(device.connected).toBe(true);
});

test('bad commands are refused and nothing is kept of them', async () => {
  const bridge = await startBridge({ devices: labDevices });
  await known(bridge, 'lab/a');
  const refused = async (name: string, args: unknown) =>
    (await send(bridge, 'lab/a', name, args)).body['code'];
  expect(await refused('explode', null)).toBe('BRG_UNKNOWN_COMMAND');
  expect(await refused('set', 101)).toBe('BRG_COMMAND_ARGUMENT');
  expect(await refused('set', 'high')).toBe('BRG_COMMAND_ARGUMENT');
  expect((await send(bridge, 'lab/nobody', 'ping', null)).body['code']).toBe('BRG_UNKNOWN_AGENT');
  expect(await list(bridge, 'lab/a')).toEqual([]);
});

test(`at most ${limits.commandsPendingMax} commands wait for a device`, async () => {
  const bridge = await startBridge({ devices: labDevices });
  await known(bridge, 'lab/a');
  for (let i = 0; i < limits.commandsPendingMax; i++) {
    expect((await send(bridge, 'lab/a', 'ping', null, 'timeout=0')).status).toBe(200);
  }
  const { status, body } = await send(bridge, 'lab/a', 'ping', null, 'timeout=0');
  expect([status, body['code']]).toEqual([429, 'BRG_COMMANDS_FULL']);
  const delivered = await listen(await bridge.mqtt(), 'lab/a');
  await until(() => delivered.length === limits.commandsPendingMax);
  expect(new Set(delivered.map(({ cid }) => cid)).size).toBe(limits.commandsPendingMax);
});

test('a call to a method is answered: there is none', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const replies: string[] = [];
  device.on('message', (topic, payload) => void replies.push(`${topic} ${payload.toString()}`));
  await device.subscribeAsync('devices/lab/a/reply/+', { qos: 1 });
  await device.publishAsync('devices/lab/a/call/water/c1', '[]', { qos: 1 });
  expect(await until(() => replies[0])).toBe(
    'devices/lab/a/reply/c1 {"ok":false,"error":"Method water does not exist"}',
  );
});
