/**
 * The abuse checklist of the MQTT edge: each of its rows has tests whose titles begin with `checklist <row>:`. They are
 * where what they test is; here are those rows that have no other place, and the count.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect, packet, text } from './packets.ts';
import { start, until } from './start.ts';

const ROWS = 26;
const TITLES =
  /\b(?:test|it|describe)(?:\.each\([^)]*\))?\(\s*['"`]checklist ([\d, ]+): |\[\s*'checklist (\d+): /g;

test('each of the 26 rows of the checklist has a test', () => {
  const directory = join(import.meta.dirname, '..');
  const found = new Set<number>();
  for (const path of globSync('**/*.test.ts', { cwd: directory })) {
    for (const [, rows, row] of readFileSync(join(directory, path), 'utf8').matchAll(TITLES))
      for (const one of (rows ?? row ?? '').split(',')) found.add(Number(one));
  }
  const all = Array.from({ length: ROWS }, (_, n) => n + 1);
  expect(all.filter((row) => !found.has(row))).toEqual([]);
  expect([...found].filter((row) => !all.includes(row))).toEqual([]);
});

test('checklist 2: a packet that only says it is 256 MB, or drips, holds no memory', async () => {
  const { socket, counts } = await start();
  const huge = await socket();
  huge.send(packet(0x10, [], 268_435_455));
  await until(() => huge.isClosed);
  const dripping = await socket();
  await dripping.connect('dripping');
  const declared = packet(0x30, text('a'), 262_144);
  const before = process.memoryUsage().arrayBuffers;
  for (const byte of declared) dripping.send(Buffer.from([byte]));
  await until(() => dripping.types().length === 1);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024);
  expect(counts.denied).toEqual(['packet-too-large']);
});

test('checklist 6: names that every object has are names like any other', async () => {
  const { socket, runtime } = await start();
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const observer = await socket();
  await observer.connect('constructor', { isClean: false });
  observer.subscribe(
    1,
    names.flatMap((name) => [name, `${name}/+`]),
  );
  await until(() => observer.packets(9).length === 1);
  const device = await socket();
  await device.connect('__proto__', { isClean: false });
  for (const [n, name] of names.entries()) {
    device.publish(name, 'a', 1, 2 * n + 1);
    device.publish(`devices/greenhouse/${name}/telemetry`, name, 1, 2 * n + 2);
  }
  await until(() => device.pubacks().length === 2 * names.length && observer.published().length === 4);
  expect(observer.published()).toEqual(names.map((name) => `${name} a q1`));
  expect(runtime.delivered.map(({ address }) => address.id)).toEqual(names);
  expect(({} as Record<string, unknown>)['a']).toBeUndefined();
});

test('checklist 11: retained messages have a bound, in number and in bytes; one more is delivered and not kept', async () => {
  const { socket, counts, broker } = await start({ sessionBounds: { retainedMax: 3, retainedBytesMax: 40 } });
  const publisher = await socket();
  await publisher.connect('publisher');
  const retain = (topic: string, payload: string): void =>
    publisher.send(packet(0x31, Buffer.concat([text(topic), Buffer.from(payload)])));
  for (const topic of ['a', 'b', 'c', 'd']) retain(topic, 'x');
  retain('a', 'y'.repeat(50)); // too long: what was there stays
  retain('b', 'z');
  retain('c', '');
  retain('e', 'x');
  await until(() => counts.denied.length === 2);
  await until(() => broker.numbers()['mooring_mqtt_retained_messages'] === 3);
  const late = await socket();
  await late.connect('late');
  late.subscribe(1, ['#'], 0);
  await until(() => late.published().length === 3);
  expect(late.published().toSorted()).toEqual(['a x retain', 'b z retain', 'e x retain']);
  expect(counts.denied).toEqual(['retained-limit', 'retained-limit']);
});

test('checklist 13: what waits for a client, and for all of them, has a bound in bytes', async () => {
  const sessionBounds = { queuedBytesMax: 200, queuedBytesTotalMax: 500 };
  const { socket, client, counts, broker } = await start({ sessionBounds });
  for (const name of ['a', 'b', 'c']) {
    const away = await socket();
    await away.connect(name, { isClean: false });
    away.subscribe(1, ['t']);
    await until(() => away.packets(9).length === 1);
    away.socket.destroy();
  }
  await until(() => broker.connectionCount() === 0);
  const publisher = await client();
  for (let n = 0; n < 5; n++) await publisher.publishAsync('t', String(n).repeat(99), { qos: 1 });
  // 100 bytes each: two wait for each client until all have 500 bytes, then the newest is not taken.
  expect(broker.numbers()['mooring_mqtt_queued_bytes']).toBeLessThanOrEqual(500);
  expect(counts.dropped).toBe(15 - 5);
  const back = await socket();
  await back.connect('a', { isClean: false });
  await until(() => back.published().length === 2);
});

test('checklist 25: what an agent publishes to its own topics comes to no agent again', async () => {
  const { runtime, socket } = await start();
  const observer = await socket();
  await observer.connect('observer');
  observer.subscribe(1, ['devices/#']);
  await until(() => observer.packets(9).length === 1);
  for (const channel of ['telemetry', 'reported', 'presence'])
    runtime.publish({
      topic: `devices/pump/p1/${channel}`,
      payload: Buffer.from('{}'),
      qos: 1,
      retain: false,
      connection: 0,
    });
  await until(() => observer.published().length === 3);
  expect(runtime.delivered).toEqual([]);
});

test('checklist 26: after 300 connections that were cut off somewhere everything is counted back to 0', async () => {
  const { broker, runtime, socket } = await start();
  for (let round = 0; round < 10; round++) {
    const all = await Promise.all(Array.from({ length: 30 }, () => socket()));
    for (const [n, one] of all.entries()) {
      const name = `r${round}-${n}`;
      if (n % 3 > 0) one.send(connect({ clientId: name }));
      if (n % 3 > 1) {
        one.subscribe(1, [`devices/pump/${name}/#`, 't']);
        one.publish(`devices/pump/${name}/telemetry`, '{}', 1, 1);
        one.publish('t', 'x', 2, 2);
      }
    }
    await until(() => all.every((one, n) => n % 3 === 0 || one.types().length > (n % 3 > 1 ? 3 : 0)));
    for (const one of all) one.socket.resetAndDestroy();
  }
  await until(() => broker.connectionCount() === 0);
  await until(() => Object.values(broker.numbers()).every((value) => value === 0));
  const count = (what: string): number => runtime.events.filter((event) => event.startsWith(what)).length;
  await until(() => count('detach') === count('attach'));
  expect(count('attach')).toBe(100);
});

test('checklist 13: a client has at most 20,000 filters, also by one SUBSCRIBE that waits behind a publish', async () => {
  const { runtime, socket, counts } = await start();
  const client = await socket();
  await client.connect('many');
  const filters = Array.from({ length: 21_000 }, (_, n) => `${n.toString(36)}/+`);
  client.subscribe(1, filters.slice(0, 12_000), 0);
  client.publish('x', 'x', 1, 1);
  await until(() => client.types().length > 2);
  runtime.mode = 'hold';
  client.publish('devices/pump/p1/telemetry', '{}', 1, 2);
  client.subscribe(2, filters.slice(12_000), 0);
  await until(() => counts.denied.length >= 1000);
  runtime.mode = 'auto';
  runtime.release();
  expect(counts.denied).toEqual(Array(1000).fill('subscriptions-limit'));
});
