import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { publish } from './packets.ts';
import { start, until } from './start.ts';

const TELEMETRY = 'devices/greenhouse/g7/telemetry';

test('writes the PUBACK only when the runtime has accepted the message', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, '{"t":21.5}', 1, 7);
  await until(() => runtime.held.length === 1);
  expect(device.pubacks()).toEqual([]);
  runtime.release();
  await until(() => device.pubacks().length === 1);
  expect(device.pubacks()).toEqual([7]);
  expect(runtime.delivered[0]).toMatchObject({
    address: { model: 'greenhouse', id: 'g7' },
    channel: 'telemetry',
    subject: '',
    qos: 1,
  });
});

test('checklist 17: acknowledges 200 pipelined publishes in order of arrival, whatever the order of the outcomes', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  for (let id = 1; id <= 200; id++) device.publish(`devices/greenhouse/g${id % 7}/telemetry`, `${id}`, 1, id);
  await until(() => runtime.held.length === 200);
  runtime.held.reverse();
  runtime.release(199);
  expect(device.pubacks()).toEqual([]);
  runtime.release();
  await until(() => device.pubacks().length === 200);
  expect(device.pubacks()).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  expect(runtime.texts()).toEqual(Array.from({ length: 200 }, (_, index) => `${index + 1}`));
});

test('acknowledges in order of arrival what was read whole and what came in pieces', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  const bytes = Buffer.concat([1, 2, 3, 4].map((id) => publish(TELEMETRY, 2, id)));
  const cut = Math.floor((bytes.length / 4) * 1.5); // in the middle of the second
  device.socket.write(bytes.subarray(0, cut));
  await until(() => runtime.held.length === 1);
  device.socket.write(bytes.subarray(cut));
  await until(() => runtime.held.length === 4);
  runtime.release();
  await until(() => device.pubacks().length === 4);
  expect(device.pubacks()).toEqual([1, 2, 3, 4]);
});

test('does not let QoS 0 wait for its outcome, unless the runtime is congested', async () => {
  const { runtime, client, counts } = await start();
  const observer = await client();
  await observer.subscribeAsync('devices/#');
  const seen: string[] = [];
  observer.on('message', (_topic, payload) => seen.push(payload.toString()));
  runtime.mode = 'hold';
  const device = await client();
  await device.publishAsync(TELEMETRY, 'a', { qos: 0 });
  await until(() => seen.length === 1);
  expect(runtime.held).toHaveLength(1);
  runtime.isCongestedNow = true;
  await device.publishAsync(TELEMETRY, 'b', { qos: 0 });
  await until(() => runtime.held.length === 2);
  expect(seen).toEqual(['a']);
  runtime.release();
  await until(() => seen.length === 2);
  expect(counts.messages).toBe(2);
  expect(counts.bytes).toBe(2);
});

test('checklist 23: delivers a DUP once while the first copy is in flight, and acknowledges both', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, 'x', 1, 9);
  device.publish(TELEMETRY, 'x', 1, 9, true);
  device.publish(TELEMETRY, 'y', 1, 10);
  await until(() => runtime.held.length === 2);
  runtime.release();
  await until(() => device.pubacks().length === 3);
  expect(device.pubacks()).toEqual([9, 9, 10]);
  expect(runtime.texts()).toEqual(['x', 'y']);
  device.publish(TELEMETRY, 'x', 1, 9, true);
  await until(() => runtime.held.length === 1);
  expect(runtime.texts()).toEqual(['x', 'y', 'x']);
  runtime.release();
});

test('checklist 23: recognises a DUP on a new connection while the first copy is still in flight', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const first = await socket();
  await first.connect('g7', { isClean: false });
  first.publish(TELEMETRY, 'x', 1, 9);
  await until(() => runtime.held.length === 1);
  first.socket.destroy();
  await until(() => runtime.events.some((event) => event.startsWith('detach')));
  const second = await socket();
  await second.connect('g7', { isClean: false });
  second.publish(TELEMETRY, 'x', 1, 9, true);
  second.publish(TELEMETRY, 'y', 1, 10);
  await until(() => runtime.held.length === 2);
  runtime.release();
  await until(() => second.pubacks().length === 2);
  expect(second.pubacks()).toEqual([9, 10]);
  expect(runtime.texts()).toEqual(['x', 'y']);
});

test('delivers a QoS 2 DUP once while its packet id awaits PUBREL', async () => {
  const { runtime, socket } = await start();
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, 'x', 2, 5);
  await until(() => device.packets(5).length === 1);
  device.publish(TELEMETRY, 'x', 2, 5, true);
  device.publish(TELEMETRY, 'y', 1, 6);
  await until(() => device.packets(5).length === 2 && device.pubacks().length === 1);
  expect(runtime.texts()).toEqual(['x', 'y']);
});

test('retries in order when the runtime was busy, and takes nothing out of order meanwhile', async () => {
  const { runtime, socket, counts } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, '1', 1, 1);
  device.publish(TELEMETRY, '2', 1, 2);
  await until(() => runtime.held.length === 2);
  runtime.release(2, 'busy');
  expect(counts.denied).toEqual(['busy', 'busy']);
  await until(() => runtime.held.length === 1);
  runtime.mode = 'auto';
  runtime.release();
  device.publish(TELEMETRY, '3', 1, 3);
  await until(() => device.pubacks().length === 3);
  expect(device.pubacks()).toEqual([1, 2, 3]);
  expect(runtime.texts()).toEqual(['1', '2', '1', '2', '3']);
});

test('closes without PUBACK when the runtime is stopping', async () => {
  const { runtime, socket } = await start();
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, '1', 1, 1);
  await until(() => runtime.held.length === 1);
  runtime.release(1, 'stopping');
  await until(() => device.isClosed);
  expect(device.pubacks()).toEqual([]);
});

test('does not let an ordinary publish overtake device publishes that still wait', async () => {
  const { runtime, client, socket } = await start();
  const observer = await client();
  await observer.subscribeAsync('#', { qos: 1 });
  const seen: string[] = [];
  observer.on('message', (topic) => seen.push(topic));
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, '1', 1, 1);
  device.publish('notes/a', 'x', 1, 2);
  await until(() => runtime.held.length === 1);
  expect(device.pubacks()).toEqual([]);
  runtime.release();
  await until(() => seen.length === 2);
  expect(seen).toEqual([TELEMETRY, 'notes/a']);
  expect(device.pubacks()).toEqual([1, 2]);
});

test('forwards what was accepted after its publisher had gone', async () => {
  const { runtime, client, socket } = await start();
  const observer = await client();
  await observer.subscribeAsync('devices/#', { qos: 1 });
  const seen: string[] = [];
  observer.on('message', (_topic, payload) => seen.push(payload.toString()));
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, 'last words', 1, 1);
  await until(() => runtime.held.length === 1);
  device.socket.destroy();
  await until(() => runtime.events.some((event) => event.startsWith('detach')));
  runtime.release();
  await until(() => seen.length === 1);
  expect(seen).toEqual(['last words']);
});

test('counts a device topic of no model as unmapped and passes it on', async () => {
  const { runtime, client, counts } = await start();
  const observer = await client();
  await observer.subscribeAsync('devices/#');
  const seen: string[] = [];
  observer.on('message', (topic) => seen.push(topic));
  const device = await client();
  await device.publishAsync('devices/toaster/t1/telemetry', '{}', { qos: 1 });
  await until(() => seen.length === 1);
  expect(counts.unmapped).toBe(1);
  expect(runtime.delivered).toEqual([]);
});

test('checklist 15: ends the connection of a device whose payload is larger than the limit', async () => {
  const { runtime, client, counts } = await start({ packetBytesMax: 2 * limits.devicePayloadBytesMax });
  const device = await client();
  const closed = new Promise<void>((resolve) => device.once('close', resolve));
  device.publish(TELEMETRY, Buffer.alloc(limits.devicePayloadBytesMax + 1), { qos: 1 });
  await closed;
  expect(counts.denied).toEqual(['payload-too-large']);
  expect(runtime.delivered).toEqual([]);
});

test('samples the PUBACK latency of 1 in 16 publishes', async () => {
  const { client, counts } = await start();
  const device = await client();
  for (let n = 0; n < 32; n++) await device.publishAsync(TELEMETRY, '{}', { qos: 1 });
  expect(counts.latencies).toBe(2);
});
