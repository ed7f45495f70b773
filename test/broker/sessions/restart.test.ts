/** What the next process finds. The one before is as good as killed: nobody tells its broker to stop. */
import { expect, test } from 'vitest';
import { BridgeError } from '../../../src/base/errors.ts';
import type { SessionChanges, SessionStore } from '../../../src/base/session-rows.ts';
import { MemorySessionStore } from '../../../src/broker/sessions/index.ts';
import { connect, text } from '../packets.ts';
import { start, until, type Raw, type Setup } from '../start.ts';

async function connected(setup: Setup, name: string, isClean = false): Promise<Raw> {
  const client = await setup.socket();
  await client.connect(name, { isClean });
  return client;
}

async function subscribed(setup: Setup, name: string, filter: string, qos: number): Promise<Raw> {
  const client = await connected(setup, name);
  client.subscribe(1, [filter], qos);
  await until(() => client.packets(9).length === 1);
  return client;
}

/** A store whose commits wait to be let through. */
class SlowStore implements SessionStore {
  readonly rows = new MemorySessionStore();
  isHeld = false;
  failure: Error | null = null;
  writes = 0;
  #release: (() => void) | null = null;

  load() {
    return this.rows.load();
  }

  async write(changes: SessionChanges): Promise<void> {
    this.writes += 1;
    if (this.isHeld) await new Promise<void>((resolve) => (this.#release = resolve));
    if (this.failure !== null) throw this.failure;
    await this.rows.write(changes);
  }

  release(): void {
    this.#release?.();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

test('what a PUBACK, a PUBREC and a SUBACK promised is there for the next process', async () => {
  const sessionStore = new MemorySessionStore();
  const before = await start({ sessionStore });
  const subscriber = await subscribed(before, 's', 'a/#', 2);
  subscriber.socket.destroy();
  const publisher = await connected(before, 'p');
  publisher.publish('a/1', 'one', 1, 1);
  publisher.publish('a/2', 'two', 2, 2);
  await until(() => publisher.packets(4).length === 1 && publisher.packets(5).length === 1);

  const after = await start({ sessionStore });
  const again = await connected(after, 'p');
  expect([...(again.packets(2)[0] ?? [])]).toEqual([1, 0]);
  again.publish('a/2', 'two', 2, 2, true);
  again.acknowledge(6, 2);
  await until(() => again.packets(7).length === 1);
  const back = await connected(after, 's');
  await until(() => back.published().length === 2);
  again.publish('a/3', 'three', 1, 3);
  await until(() => back.published().length === 3);
  expect(back.published()).toEqual(['a/1 one q1', 'a/2 two q2', 'a/3 three q1']);
});

test('what was on its way to a client comes again as the same packets', async () => {
  const sessionStore = new MemorySessionStore();
  const before = await start({ sessionStore });
  const subscriber = await subscribed(before, 's', 'a/#', 2);
  const publisher = await connected(before, 'p', true);
  for (const n of [1, 2, 3]) publisher.publish(`a/${n}`, 'x', 2, n);
  await until(() => subscriber.published().length === 3 && publisher.packets(5).length === 3);
  const [first = 0, second = 0, third = 0] = subscriber.packetIds();
  subscriber.acknowledge(5, first);
  subscriber.acknowledge(5, second);
  await until(() => subscriber.packets(6).length === 2);
  subscriber.acknowledge(7, first);
  publisher.publish('a/4', 'y', 1, 4); // later than the acknowledgement: with it everything before was written
  await until(() => publisher.packets(4).length === 1);

  const after = await start({ sessionStore });
  const back = await connected(after, 's');
  await until(() => back.published().length === 2 && back.packets(6).length === 1);
  expect(back.published()).toEqual(['a/3 x q2 dup', 'a/4 y q1 dup']);
  expect(back.packetIds()[0]).toBe(third);
  expect(back.packets(6)[0]?.readUInt16BE(0)).toBe(second);
});

test('retained messages and their deletion are there for the next process', async () => {
  const sessionStore = new MemorySessionStore();
  const before = await start({ sessionStore });
  const publisher = await before.client();
  await publisher.publishAsync('r/1', 'one', { retain: true, qos: 1 });
  await publisher.publishAsync('r/2', 'two', { retain: true, qos: 1 });
  await publisher.publishAsync('r/1', '', { retain: true, qos: 1 });
  const after = await start({ sessionStore });
  const client = await connected(after, 'c', true);
  client.subscribe(1, ['r/#']);
  await until(() => client.published().length === 1);
  expect(client.published()).toEqual(['r/2 two q1 retain']);
});

test('the will of a client that does not come back is published, that of one that does is not', async () => {
  const sessionStore = new MemorySessionStore();
  const before = await start({ sessionStore });
  for (const name of ['back', 'lost', 'bye']) {
    const client = await before.socket();
    const rest = [text(`will/${name}`), text('gone')];
    client.send(connect({ clientId: name, flags: 0b0000_1110, rest }));
    await until(() => client.packets(2).length === 1);
    if (name === 'bye') client.send(Buffer.from([0xe0, 0]));
  }
  await until(() => before.broker.connectionCount() === 2);
  const sink = await subscribed(before, 'sink', 'will/#', 1);
  sink.socket.destroy();
  await until(() => sessionStore.load().wills.length === 2);

  const after = await start({ sessionStore, willGraceMs: 300 });
  await connected(after, 'back', true);
  const back = await connected(after, 'sink');
  await until(() => back.published().length > 0);
  await until(() => sessionStore.load().wills.length === 0);
  expect(back.published()).toEqual(['will/lost gone q1']);
});

test('the will of a device to its presence is not kept: its agent knows who was connected', async () => {
  const sessionStore = new MemorySessionStore();
  const { client } = await start({ sessionStore });
  const will = { topic: 'devices/pump/p1/presence', payload: Buffer.from('offline'), qos: 1, retain: true };
  const device = await client({ will: will as { topic: string; payload: Buffer; qos: 1; retain: true } });
  await device.publishAsync('r', 'x', { qos: 1, retain: true });
  expect(sessionStore.load()).toMatchObject({ wills: [], sessions: [] });
});

test('a session nobody came back to in time is gone, and with it its rows', async () => {
  const sessionStore = new MemorySessionStore();
  const setup = await start({ sessionStore, sessionExpiryMs: 40 });
  const first = await subscribed(setup, 's', 'a', 1);
  first.publish('a', 'x', 1, 2);
  await until(() => first.published().length === 1 && sessionStore.load().outgoing.length === 1);
  first.socket.destroy();
  await until(() => sessionStore.load().sessions.length === 0);
  const { filters, outgoing, messages } = sessionStore.load();
  expect({ filters, outgoing, messages }).toEqual({ filters: [], outgoing: [], messages: [] });
  const second = await connected(setup, 's');
  expect([...(second.packets(2)[0] ?? [])]).toEqual([0, 0]);
});

test('nothing is acknowledged before its commit, in order, and what came and went is not written', async () => {
  const sessionStore = new SlowStore();
  const setup = await start({ sessionStore });
  const subscriber = await subscribed(setup, 's', 'kept/#', 1);
  const publisher = await connected(setup, 'p', true);
  sessionStore.isHeld = true;
  publisher.publish('kept/1', 'a', 1, 1);
  await until(() => sessionStore.writes > 2);
  publisher.publish('other', 'b', 1, 2);
  publisher.publish('kept/2', 'c', 1, 3);
  await until(() => subscriber.published().length === 2);
  for (const packetId of subscriber.packetIds()) subscriber.acknowledge(4, packetId);
  subscriber.send(Buffer.from([0xc0, 0]));
  await until(() => subscriber.packets(13).length === 1);
  expect(publisher.pubacks()).toEqual([]);
  sessionStore.isHeld = false;
  sessionStore.release();
  await until(() => publisher.pubacks().length === 3);
  expect(publisher.pubacks()).toEqual([1, 2, 3]);
  const { outgoing, messages } = sessionStore.load();
  expect({ outgoing, messages }).toEqual({ outgoing: [], messages: [] });
});

test('a full disk holds acknowledgements back until there is room', async () => {
  const sessionStore = new SlowStore();
  const setup = await start({ sessionStore });
  sessionStore.failure = new BridgeError('BRG_DISK_FULL', 'no room');
  const publisher = await connected(setup, 'p', true);
  publisher.publish('r', 'x', 1, 1);
  publisher.send(Buffer.from([0x33, 6, 0, 1, 0x72, 0, 2, 0x79]));
  await until(() => sessionStore.writes === 2); // it was tried again
  expect(publisher.pubacks()).toEqual([1]);
  expect(setup.broker.fullSinceMs()).not.toBeNull();
  sessionStore.failure = null;
  await until(() => publisher.pubacks().length === 2);
  expect(setup.broker.fullSinceMs()).toBeNull();
  expect(sessionStore.load().retained).toHaveLength(1);
});
