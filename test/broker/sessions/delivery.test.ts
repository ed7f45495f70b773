/** What aedes gets wrong, packet by packet; ADR 0015. */
import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { packet, publish, subscribe, text } from '../packets.ts';
import { start, until, type Raw, type Setup } from '../start.ts';

async function connected(setup: Setup, name: string, isClean = true): Promise<Raw> {
  const client = await setup.socket();
  await client.connect(name, { isClean });
  return client;
}

/** The subscriber has seen everything that was published before this, and nothing more comes. */
async function settled(setup: Setup, ...clients: readonly Raw[]): Promise<void> {
  for (const client of clients) {
    const before = client.packets(13).length;
    client.send(Buffer.from([0xc0, 0]));
    await until(() => client.packets(13).length > before);
  }
  expect(setup.counts.denied).toEqual([]);
}

test('a wildcard subscription lowers the QoS to its own [MQTT-3.8.4-6]', async () => {
  const setup = await start();
  const subscriber = await connected(setup, 's');
  subscriber.subscribe(1, ['w/+'], 1);
  subscriber.subscribe(2, ['w/2/#'], 0);
  await until(() => subscriber.packets(9).length === 2);
  const publisher = await connected(setup, 'p');
  publisher.publish('w/1', 'a', 2, 7);
  publisher.publish('w/2/x', 'b', 2, 8);
  await until(() => subscriber.published().length === 2);
  expect(subscriber.published()).toEqual(['w/1 a q1', 'w/2/x b']);
});

test('of overlapping subscriptions one copy comes, with the highest QoS [MQTT-3.3.5-1]', async () => {
  const setup = await start();
  const subscriber = await connected(setup, 's');
  subscriber.subscribe(1, ['o/#'], 0);
  subscriber.subscribe(2, ['o/+'], 2);
  subscriber.subscribe(3, ['o/1'], 1);
  await until(() => subscriber.packets(9).length === 3);
  const publisher = await connected(setup, 'p');
  publisher.publish('o/1', 'a', 2, 7);
  publisher.publish('o/1', 'b', 1, 8);
  await until(() => publisher.pubacks().length === 1);
  await settled(setup, subscriber);
  expect(subscriber.published()).toEqual(['o/1 a q2', 'o/1 b q1']);
});

test('checklist 23: what was not acknowledged comes again with DUP and its packet id [MQTT-3.3.1-1, MQTT-4.4.0-1]', async () => {
  const setup = await start();
  const first = await connected(setup, 's', false);
  first.subscribe(1, ['d/#'], 2);
  await until(() => first.packets(9).length === 1);
  const publisher = await connected(setup, 'p');
  publisher.publish('d/1', 'a', 1, 1);
  publisher.publish('d/2', 'b', 2, 2);
  publisher.publish('d/3', 'c', 2, 3);
  await until(() => first.published().length === 3);
  const [a = 0, b = 0, c = 0] = first.packetIds();
  first.acknowledge(5, c);
  await until(() => first.packets(6).length === 1);
  first.socket.destroy();
  publisher.publish('d/4', 'd', 1, 4);
  await until(() => publisher.pubacks().length === 2);
  const second = await connected(setup, 's', false);
  await until(() => second.packets(6).length === 1 && second.published().length === 3);
  expect(second.published()).toEqual(['d/1 a q1 dup', 'd/2 b q2 dup', 'd/4 d q1']);
  expect(second.packetIds().slice(0, 2)).toEqual([a, b]);
  expect(second.packets(6).map((body) => body.readUInt16BE(0))).toEqual([c]);
  second.acknowledge(4, a);
  second.acknowledge(7, c);
  second.acknowledge(5, b);
  await until(() => second.packets(6).length === 2);
  second.socket.destroy();
  const third = await connected(setup, 's', false);
  await until(() => third.packets(6).length === 1 && third.published().length === 1);
  expect(third.published()).toEqual(['d/4 d q1 dup']);
  expect(third.packets(6).map((body) => body.readUInt16BE(0))).toEqual([b]);
});

test('says session present for a session without subscriptions [MQTT-3.2.2-2]', async () => {
  const setup = await start();
  const flagsOf = async (isClean: boolean): Promise<number[]> => {
    const client = await connected(setup, 's', isClean);
    client.send(Buffer.from([0xe0, 0]));
    await until(() => client.isClosed);
    return [...(client.packets(2)[0] ?? [])];
  };
  expect(await flagsOf(false)).toEqual([0, 0]);
  expect(await flagsOf(false)).toEqual([1, 0]);
  expect(await flagsOf(true)).toEqual([0, 0]);
  expect(await flagsOf(false)).toEqual([0, 0]);
});

test('a retained PUBLISH right before the SUBSCRIBE comes once, retained [MQTT-4.6.0-6]', async () => {
  const setup = await start();
  const client = await connected(setup, 'c');
  for (const qos of [0, 1, 2]) {
    const topic = `r/${qos}`;
    client.send(publish(topic, (qos << 1) | 1, qos === 0 ? undefined : qos), subscribe(topic, qos, 10 + qos));
  }
  await until(() => client.packets(9).length === 3 && client.published().length === 3);
  await settled(setup, client);
  expect(client.published()).toEqual(['r/0 x retain', 'r/1 x q1 retain', 'r/2 x q2 retain']);
});

test('retained messages come before live ones, also when they do not fit the window', async () => {
  const setup = await start();
  const publisher = await connected(setup, 'p');
  const count = limits.mqttInFlightMax + 5;
  for (let n = 1; n <= count; n++) publisher.send(publish(`k/${String(n).padStart(2, '0')}`, 3, n));
  await until(() => publisher.pubacks().length === count);
  const subscriber = await connected(setup, 's');
  subscriber.subscribe(1, ['k/#'], 1);
  await until(() => subscriber.published().length === limits.mqttInFlightMax);
  publisher.publish('k/live', 'y', 1, 99);
  await until(() => publisher.pubacks().length === count + 1);
  await settled(setup, subscriber);
  expect(subscriber.published()).toHaveLength(limits.mqttInFlightMax);
  for (let acknowledged = 0; acknowledged <= count; acknowledged++) {
    await until(() => subscriber.published().length > acknowledged);
    subscriber.acknowledge(4, subscriber.packetIds()[acknowledged] ?? 0);
  }
  const seen = subscriber.published();
  expect(seen.slice(0, -1).every((line) => line.endsWith('q1 retain'))).toBe(true);
  expect(new Set(seen).size).toBe(count + 1);
  expect(seen.at(-1)).toBe('k/live y q1');
});

test('a second SUBSCRIBE brings the retained messages again [MQTT-3.8.4-3], and none that were deleted', async () => {
  const setup = await start();
  const client = await connected(setup, 'c');
  client.send(publish('r/1', 1), publish('r/2', 1), publish('$r', 1));
  client.subscribe(1, ['#'], 0);
  client.publish('r/9', 'live', 0);
  client.send(packet(0x31, text('r/1'))); // empty: deletes it [MQTT-3.3.1-10]
  client.subscribe(2, ['#'], 1);
  await until(() => client.packets(9).length === 2);
  await settled(setup, client);
  expect(client.published()).toEqual(['r/1 x retain', 'r/2 x retain', 'r/9 live', 'r/1', 'r/2 x retain']);
});

test('checklist 13: at most 20 messages are unacknowledged; each acknowledgement lets one more through', async () => {
  const setup = await start();
  const subscriber = await connected(setup, 's');
  subscriber.subscribe(1, ['q'], 1);
  await until(() => subscriber.packets(9).length === 1);
  const publisher = await connected(setup, 'p');
  for (let n = 1; n <= 30; n++) publisher.publish('q', String(n), 1, n);
  await until(() => publisher.pubacks().length === 30);
  await settled(setup, subscriber);
  expect(subscriber.published()).toHaveLength(20);
  subscriber.acknowledge(4, subscriber.packetIds()[3] ?? 0);
  subscriber.acknowledge(4, 4711); // of nothing
  await until(() => subscriber.published().length === 21);
  await settled(setup, subscriber);
  expect(subscriber.published().at(-1)).toBe('q 21 q1');
  expect(new Set(subscriber.packetIds()).size).toBe(21);
});

test('checklist 13: the oldest of more than 1,000 that wait are dropped, and counted', async () => {
  const setup = await start();
  const first = await connected(setup, 's', false);
  first.subscribe(1, ['q'], 1);
  await until(() => first.packets(9).length === 1);
  first.socket.destroy();
  await until(() => setup.broker.connectionCount() === 0);
  const publisher = await connected(setup, 'p');
  const count = limits.mqttQueuedMessagesMax + 10;
  for (let n = 1; n <= count; n++) publisher.publish('q', String(n), 1, n);
  await until(() => publisher.pubacks().length === count);
  expect(setup.counts.dropped).toBe(10);
  const second = await connected(setup, 's', false);
  await until(() => second.published().length === 20);
  expect(second.published()[0]).toBe('q 11 q1');
});

test('a QoS 2 packet is delivered once, whatever is sent again, until its PUBREL [MQTT-4.3.3-2]', async () => {
  const setup = await start();
  const subscriber = await connected(setup, 's');
  subscriber.subscribe(1, ['two'], 0);
  await until(() => subscriber.packets(9).length === 1);
  const first = await connected(setup, 'p', false);
  first.publish('two', 'a', 2, 5);
  first.publish('two', 'a', 2, 5, true);
  await until(() => first.packets(5).length === 2);
  first.socket.destroy();
  const second = await connected(setup, 'p', false);
  second.publish('two', 'a', 2, 5, true);
  second.publish('two', 'a', 2, 5);
  await until(() => second.packets(5).length === 2);
  second.acknowledge(6, 5);
  await until(() => second.packets(7).length === 1);
  second.publish('two', 'b', 2, 5);
  await until(() => second.packets(5).length === 3);
  await settled(setup, subscriber);
  expect(subscriber.published()).toEqual(['two a', 'two b']);
});

test('checklist 12: ends a client with more than 1,000 QoS 2 packets that await their PUBREL', async () => {
  const setup = await start();
  const client = await connected(setup, 'flood');
  for (let n = 1; n <= limits.mqttReleasesAwaitedMax + 1; n++) client.publish('f', 'x', 2, n);
  await until(() => client.isClosed);
  expect(setup.counts.denied).toEqual(['in-flight-limit']);
});

test('a subscription that is gone, or whose clean session is, gets nothing more', async () => {
  const setup = await start();
  const client = await connected(setup, 'c', false);
  client.subscribe(1, ['g/1', 'g/2'], 1);
  await until(() => client.packets(9).length === 1);
  client.send(packet(0xa2, Buffer.concat([Buffer.from([0, 2]), text('g/1')])));
  await until(() => client.packets(11).length === 1);
  client.publish('g/1', 'a', 1, 3);
  client.publish('g/2', 'b', 1, 4);
  await until(() => client.published().length === 1);
  expect(client.published()).toEqual(['g/2 b q1']);
  const clean = await connected(setup, 'c');
  await until(() => client.isClosed);
  clean.publish('g/2', 'c', 1, 5);
  await until(() => clean.pubacks().length === 1);
  await settled(setup, clean);
  expect(clean.published()).toEqual([]);
});
