/** What every SessionStore must do. Run over each implementation. */
import { expect, test } from 'vitest';
import type { SessionChanges, SessionRows, SessionStore } from '../../src/base/session-rows.ts';

const NO_ROWS: SessionRows = {
  sessions: [],
  filters: [],
  messages: [],
  outgoing: [],
  incoming: [],
  retained: [],
  wills: [],
};
const NONE_GONE = { filters: [], messages: [], outgoing: [], incoming: [], retained: [], wills: [] };

const ROWS: SessionRows = {
  sessions: [
    { session: 1, client: 'a', endedAtMs: null },
    { session: 2, client: '__proto__', endedAtMs: 1_700_000_000_000 },
  ],
  filters: [
    { session: 1, filter: 'x/#', qos: 1 },
    { session: 2, filter: 'x/#', qos: 2 },
  ],
  messages: [
    { message: 1, topic: 'x/ü', payload: Buffer.from([0, 255]) },
    { message: 2, topic: 'x', payload: Buffer.alloc(0) },
  ],
  outgoing: [
    { session: 1, place: 1, message: 1, qos: 1, isRetained: true, packetId: 65_535, phase: 'queued' },
    { session: 1, place: 2, message: 2, qos: 2, isRetained: false, packetId: 1, phase: 'released' },
    { session: 2, place: 1, message: 1, qos: 2, isRetained: false, packetId: 7, phase: 'sent' },
  ],
  incoming: [
    { session: 1, packetId: 3 },
    { session: 2, packetId: 3 },
  ],
  retained: [{ topic: 'r', payload: Buffer.from('kept'), qos: 1, setBy: 'anna' }],
  wills: [{ client: 'a', topic: 'w', payload: Buffer.from('gone'), qos: 2, isRetained: true }],
};

function changes(put: Partial<SessionRows>, rest: Partial<SessionChanges> = {}): SessionChanges {
  return { dropped: [], gone: NONE_GONE, ...rest, put: { ...NO_ROWS, ...put } };
}

/** As plain values: a payload is whatever kind of bytes the store has. */
function plain(rows: SessionRows): unknown {
  const text = JSON.stringify(rows, (_key, value: unknown) =>
    value instanceof Uint8Array ? [...value] : isBufferJson(value) ? value.data : value,
  );
  return JSON.parse(text);
}

function isBufferJson(value: unknown): value is { data: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

/** @param make answers what opens the store of one test; again after `close`, it finds what it had */
export function testSessionStore(name: string, make: () => () => SessionStore): void {
  test(`${name}: an empty store has no rows`, async () => {
    const store = make()();
    expect(store.load()).toEqual(NO_ROWS);
    await store.close();
  });

  test(`${name}: what was written is there for the next one`, async () => {
    const open = make();
    const first = open();
    first.load();
    await first.write(changes(ROWS));
    await first.close();
    const second = open();
    expect(plain(second.load())).toEqual(plain(ROWS));
    await second.close();
  });

  test(`${name}: a row that is put replaces that of its key`, async () => {
    const open = make();
    const store = open();
    await store.write(changes(ROWS));
    const put = {
      sessions: [{ session: 1, client: 'a', endedAtMs: 5 }],
      filters: [{ session: 1, filter: 'x/#', qos: 0 }],
      outgoing: [{ ...(ROWS.outgoing[0] ?? never()), phase: 'sent' as const }],
      retained: [{ topic: 'r', payload: Buffer.from('new'), qos: 0, setBy: '' }],
      wills: [{ client: 'a', topic: 'v', payload: Buffer.from(''), qos: 0, isRetained: false }],
    };
    await store.write(changes(put));
    await store.close();
    const next = open();
    const found = next.load();
    expect(found.sessions.find(({ session }) => session === 1)?.endedAtMs).toBe(5);
    expect(found.filters.find(({ session }) => session === 1)?.qos).toBe(0);
    expect(found.outgoing.map(({ phase }) => phase)).toEqual(['sent', 'released', 'sent']);
    expect(plain({ ...NO_ROWS, retained: found.retained, wills: found.wills })).toEqual(
      plain({ ...NO_ROWS, retained: put.retained, wills: put.wills }),
    );
    await next.close();
  });

  test(`${name}: what is gone is gone, before what the same commit puts`, async () => {
    const open = make();
    const store = open();
    await store.write(changes(ROWS));
    const gone = {
      filters: [{ session: 2, filter: 'x/#' }],
      messages: [2],
      outgoing: [{ session: 2, place: 1 }],
      incoming: [{ session: 2, packetId: 3 }],
      retained: ['r'],
      wills: ['a'],
    };
    await store.write(changes({ retained: ROWS.retained }, { dropped: [1], gone }));
    await store.close();
    const next = open();
    expect(plain(next.load())).toEqual(
      plain({
        ...NO_ROWS,
        sessions: ROWS.sessions.slice(1),
        messages: ROWS.messages.slice(0, 1),
        retained: ROWS.retained,
      }),
    );
    await next.close();
  });
}

function never(): never {
  throw new Error('the rows above have it');
}
