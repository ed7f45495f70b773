import { expect, test } from 'vitest';
import type { Publication } from '../../src/actor/port.ts';
import { start, until } from './start.ts';

function publication(topic: string, text: string, more: Partial<Publication> = {}): Publication {
  return { topic, payload: Buffer.from(text), qos: 0, retain: false, connection: 0, ...more };
}

test('opens a protocol connection for the frames topic and sends its frames to that client only', async () => {
  const { runtime, client } = await start();
  const topic = 'devices/greenhouse/g7/frames';
  const device = await client({ username: 'g7?codec=cbor' });
  const other = await client();
  const seen: string[] = [];
  device.on('message', (_topic, payload) => seen.push(`device ${payload.toString('hex')}`));
  other.on('message', (_topic, payload) => seen.push(`other ${payload.toString('hex')}`));
  await other.subscribeAsync('devices/greenhouse/+/frames');
  await device.subscribeAsync(topic);
  await until(() => runtime.opened.length === 1);
  const [connection] = runtime.opened;
  expect(connection?.details).toEqual({
    address: { model: 'greenhouse', id: 'g7' },
    transport: 'mqtt',
    codec: 'cbor',
    uri: topic,
    user: 'g7',
  });
  connection?.sink.send(Uint8Array.of(0xa1, 0, 1), false);
  await until(() => seen.length === 1);
  await device.unsubscribeAsync(topic);
  await until(() => connection?.closed.length === 1);
  await device.subscribeAsync(topic);
  await until(() => runtime.opened.length === 2);
  await device.endAsync();
  await until(() => runtime.opened[1]?.closed.length === 1);
  expect(connection?.closed).toEqual([{ code: 1000, reason: 'unsubscribed' }]);
  expect(seen).toEqual(['device a10001']);
});

test('ends a protocol connection the agent closes, and leaves the MQTT connection open', async () => {
  const { runtime, client, broker } = await start();
  const device = await client();
  await device.subscribeAsync('devices/greenhouse/g7/frames');
  await until(() => runtime.opened.length === 1);
  runtime.opened[0]?.sink.close(1008, 'no');
  await until(() => runtime.opened[0]?.closed.length === 1);
  expect(broker.connectionCount()).toBe(1);
});

test('routes a publication to all subscribers, or to one connection', async () => {
  const { runtime, client } = await start();
  const topic = 'devices/greenhouse/g7/desired';
  const device = await client();
  const observer = await client();
  const seen: string[] = [];
  device.on('message', (_topic, payload) => seen.push(`device ${payload.toString()}`));
  observer.on('message', (_topic, payload) => seen.push(`observer ${payload.toString()}`));
  await device.subscribeAsync(topic, { qos: 1 });
  await observer.subscribeAsync('devices/#', { qos: 1 });
  runtime.publish(publication(topic, 'all', { qos: 1 }));
  await until(() => seen.length === 2);
  runtime.publish(publication(topic, 'one', { qos: 1, connection: 1 }));
  runtime.publish(publication(topic, 'gone', { qos: 1, connection: 99 }));
  runtime.publish(publication(topic, 'end'));
  await until(() => seen.length === 5);
  expect(seen.filter((line) => line.startsWith('device'))).toEqual([
    'device all',
    'device one',
    'device end',
  ]);
  expect(seen.filter((line) => line.startsWith('observer'))).toEqual(['observer all', 'observer end']);
  expect(runtime.delivered).toEqual([]);
});

test('loses nothing when QoS 0, QoS 1, retained and direct packets are published in one tick', async () => {
  const { runtime, client } = await start();
  const device = await client();
  const seen: string[] = [];
  device.on('message', (_topic, payload) => seen.push(payload.toString()));
  await device.subscribeAsync('a/#', { qos: 1 });
  runtime.publish(publication('a/1', '1', { qos: 1, retain: true }));
  runtime.publish(publication('a/2', '2', { qos: 1 }));
  runtime.publish(publication('a/3', '3', { retain: true }));
  runtime.publish(publication('a/4', '4'));
  runtime.publish(publication('a/5', '5', { qos: 1, connection: 1 }));
  runtime.publish(publication('a/6', '6', { connection: 1 }));
  await until(() => seen.length === 6);
  expect(seen.toSorted()).toEqual(['1', '2', '3', '4', '5', '6']);
});

test('checklist 9: refuses subscriptions to $SYS with 128 and publishes to $SYS by closing', async () => {
  const { socket, counts } = await start();
  const client = await socket();
  await client.connect('curious');
  client.subscribe(1, ['$SYS/#', 'ok/#', '$SYS']);
  await until(() => client.packets(9).length === 1);
  expect([...(client.packets(9)[0] ?? [])]).toEqual([0, 1, 128, 1, 128]);
  client.publish('$SYS/x/new/clients', 'curious', 1, 2);
  await until(() => client.isClosed);
  expect(client.pubacks()).toEqual([]);
  expect(counts.denied).toEqual(['reserved-topic', 'reserved-topic', 'reserved-topic']);
});

test('checklist 14: does not stop others when one subscriber stops reading', async () => {
  const { broker, runtime, client, socket, counts } = await start();
  const frozen = await socket();
  await frozen.connect('frozen');
  frozen.subscribe(1, ['t/#']);
  await until(() => frozen.packets(9).length === 1);
  frozen.socket.pause();
  const observer = await client();
  await observer.subscribeAsync('u/#');
  const seen: string[] = [];
  observer.on('message', (topic) => seen.push(topic));
  const other = await client();
  await until(() => {
    runtime.publish({ ...publication('t/1', ''), payload: Buffer.alloc(512 * 1024) });
    return counts.denied.includes('slow-client'); // its buffer is full
  });
  await other.publishAsync('u/1', 'x', { qos: 1 });
  await until(() => seen.length === 1);
  expect(broker.connectionCount()).toBe(3); // it did not need the drain timeout
});
