import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import {
  HistoryBuffer,
  isDiskFull,
  ShardStore,
  type AgentChange,
  type AgentRow,
} from '../../src/store/index.ts';

function storePath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'shard.db');
}

function change(row: AgentRow, parts: Partial<AgentChange> = {}): AgentChange {
  return { row, cells: [], history: null, audits: [], file: null, isForgotten: false, ...parts };
}

function historyOf(...points: [number, Record<string, number>][]): HistoryBuffer {
  const buffer = new HistoryBuffer();
  for (const [ts, values] of points) buffer.add(ts, values);
  return buffer;
}

const everything = { metric: null, fromMs: 0, toMs: 1e6, points: 10 };

test('the last message of a forgotten agent is known until the watermark has passed it, also after reopening', () => {
  const path = storePath();
  const store = new ShardStore(path);
  const row = store.newRow('pump', 'p1', 5);
  row.appliedSequence = 9;
  const other = store.newRow('pump', 'p2', 5);
  store.commit([change(row), change(other)], 3);
  store.commit([change(row, { isForgotten: true })], 4);
  store.commit([change(other)], 8);
  expect(store.newRow('pump', 'p1', 6).appliedSequence).toBe(9);
  store.close();
  const again = new ShardStore(path);
  expect([again.forgotten.sequenceOf('pump/p1'), again.forgotten.sequenceOf('pump/p2')]).toEqual([9, 0]);
  again.commit([change(other)], 9);
  expect(again.forgotten.sequenceOf('pump/p1')).toBe(0);
  again.close();
  const last = new ShardStore(path);
  expect(last.forgotten.sequenceOf('pump/p1')).toBe(0);
  last.close();
});

test('a commit is there after reopening: row, cells, history, watermark', () => {
  const path = storePath();
  const store = new ShardStore(path);
  const row = store.newRow('pump', 'p1', 5);
  row.presence = 'online';
  row.lastSeenMs = 7.5;
  row.messages = 3;
  row.rejected = 1;
  row.appliedSequence = 9;
  row.alarmAtMs = 1234;
  const cells = [
    ['state', '{"rpm":1}'],
    ['gone', null],
  ] as const;
  store.commit([change(row, { cells, history: historyOf([10, { rpm: 1 }], [20, { rpm: 3 }]) })], 9);
  store.close();
  const again = new ShardStore(path);
  expect(again.directory.find('pump', 'p1')).toEqual({ ...row, isStored: true });
  expect(again.directory.rejectedTotal()).toBe(row.rejected);
  expect([...again.cells(row.key)]).toEqual([['state', '{"rpm":1}']]);
  expect(again.cell(row.key, 'state')).toBe('{"rpm":1}');
  expect(again.watermark).toBe(9);
  expect(again.history.query(row.key, { ...everything, points: 1 })).toMatchObject([
    { metric: 'rpm', points: [{ min: 1, max: 3, count: 2 }] },
  ]);
  expect(again.directory.nextAlarmMs()).toBe(1234);
  expect(again.newRow('pump', 'p2', 0).key).toBe(row.key + 1);
  again.close();
});

test('an agent is found with its documents, however many, large or oddly named they are', () => {
  const store = new ShardStore(storePath());
  const large = JSON.stringify('x'.repeat(70_000));
  const documents: Record<string, [name: string, json: string][]> = {
    none: [],
    few: [['state', '{"a":"\\n\\"b\\""}'], ['queue:a\n"b"', 'null'], ['__proto__', '1'], ['7', '{}']], // prettier-ignore
    most: Array.from({ length: 16 }, (_, n) => [`a${n}`, `${n}`]),
    many: Array.from({ length: 17 }, (_, n) => [`a${n}`, `${n}`]),
    large: [['a', '1'], ['b', large]], // prettier-ignore
  };
  for (const [id, cells] of Object.entries(documents)) {
    const row = store.newRow('pump', id, 0);
    store.commit([change(row, { cells })], 1);
    const found = store.directory.findWithCells('pump', id)!;
    expect(found.row).toEqual(store.directory.find('pump', id));
    expect([id, found.cells !== undefined]).toEqual([id, id !== 'many' && id !== 'large']);
    expect(new Map(store.load(found, 0).cells)).toEqual(new Map(cells));
  }
  expect(store.directory.findWithCells('pump', 'nobody')).toBeUndefined();
  store.close();
});

test('a later commit changes the row, replaces cells and deletes those that are null', () => {
  const store = new ShardStore(storePath());
  const row = store.newRow('pump', 'p1', 0);
  store.commit([change(row, { cells: [['a', '1'], ['b', '2']] })], 1); // prettier-ignore
  row.presence = 'offline';
  store.commit([change(row, { cells: [['a', null], ['b', '3']] })], 2); // prettier-ignore
  expect([...store.cells(row.key)]).toEqual([['b', '3']]);
  expect(store.directory.find('pump', 'p1')?.presence).toBe('offline');
  store.close();
});

test('a full disk keeps nothing of a commit; the same commit succeeds later and nothing is there twice', () => {
  const path = storePath();
  const small = new ShardStore(path, { pagesMax: 40 });
  const first = small.newRow('pump', 'first', 0);
  small.commit([change(first, { history: historyOf([1, { x: 1 }]) })], 1);
  const kept = small.newRow('pump', 'kept', 0);
  small.commit([change(kept, { history: historyOf([1, { x: 1 }]) })], 1);
  const row = small.newRow('pump', 'second', 0);
  const history = historyOf([1, { x: 5 }]);
  const large = [change(kept, { isForgotten: true }), change(first, { history: historyOf([2, { x: 2 }]) }), change(row, { cells: [['state', 'x'.repeat(400_000)]], history })]; // prettier-ignore
  let failure: unknown;
  try {
    small.commit(large, 2);
  } catch (error) {
    failure = error;
  }
  expect(isDiskFull(failure)).toBe(true);
  expect([small.watermark, row.isStored]).toEqual([1, false]);
  expect(small.directory.find('pump', 'second')).toBeUndefined();
  expect(small.history.query(kept.key, everything)).toMatchObject([{ points: [{ count: 1 }] }]);
  expect(small.history.query(first.key, everything)).toMatchObject([{ points: [{ count: 1 }] }]);
  small.commit([change(row, { history })], 2);
  expect(small.history.query(row.key, everything)).toMatchObject([{ points: [{ count: 1 }] }]);
  small.close();
  const again = new ShardStore(path);
  expect(again.watermark).toBe(2);
  expect(again.history.query(row.key, everything)).toMatchObject([{ points: [{ count: 1 }] }]);
  again.close();
});

test('forgetting an agent leaves no row of it in any table', () => {
  const path = storePath();
  const store = new ShardStore(path);
  const row = store.newRow('pump', 'p1', 0);
  const kept = store.newRow('pump', 'kept', 0);
  for (const each of [row, kept]) {
    store.commit([change(each, { cells: [['state', '1']], history: historyOf([1, { x: 1 }]) })], 1);
  }
  store.commit([change(row, { isForgotten: true })], 2);
  expect(row.isStored).toBe(false);
  expect(store.directory.find('pump', 'p1')).toBeUndefined();
  expect(store.history.query(row.key, everything)).toEqual([]);
  store.close();
  const db = new Database(path);
  const tables = db
    .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all();
  const byAgent = tables
    .map(({ name }) => ({ name, columns: db.pragma(`table_info(${name})`) as { name: string }[] })) // documented
    .filter(({ columns }) => columns.some((column) => column.name === 'agent'));
  expect(byAgent.length).toBeGreaterThan(1);
  for (const { name } of byAgent) {
    if (name === 'history_moved') continue; // says up to where rows are deleted, holds no data
    const left = db.prepare(`SELECT count(*) AS n FROM ${name} WHERE agent = ?`).get(row.key);
    expect([name, left]).toEqual([name, { n: 0 }]);
  }
  db.close();
});

test('an agent forgotten and made again in one commit is the new one', () => {
  const path = storePath();
  const store = new ShardStore(path);
  const old = store.newRow('pump', 'p1', 0);
  store.commit([change(old, { cells: [['state', '"old"']], history: historyOf([1, { x: 1 }]) })], 1);
  const fresh = store.newRow('pump', 'p1', 9);
  store.commit([change(old, { isForgotten: true }), change(fresh, { cells: [['twin', '"new"']] })], 2);
  expect(fresh.key).not.toBe(old.key);
  store.close();
  const again = new ShardStore(path);
  const found = again.directory.find('pump', 'p1');
  expect(found).toMatchObject({ key: fresh.key, createdAtMs: 9 });
  expect([...again.cells(fresh.key)]).toEqual([['twin', '"new"']]);
  expect(again.history.query(fresh.key, everything)).toEqual([]);
  again.close();
});

test('lists page through every agent once, in order, and filter by model, presence and text', () => {
  const store = new ShardStore(storePath());
  const rows = ['pump', 'tracker'].flatMap((model) =>
    Array.from({ length: 25 }, (_, i) => store.newRow(model, `d_${i}%`, 0)),
  );
  rows.forEach((row, i) => (row.presence = i % 5 === 0 ? 'online' : 'never'));
  store.commit(rows.map((row) => change(row)), 1); // prettier-ignore
  const all = { model: null, q: null, presence: null, limit: 7, after: null };
  const seen: string[] = [];
  for (let after: { model: string; id: string } | null = null; ;) {
    const page = store.directory.list({ ...all, after });
    seen.push(...page.map(({ model, id }) => `${model}/${id}`));
    const last = page.at(-1);
    if (last === undefined) break;
    after = { model: last.model, id: last.id };
  }
  expect(seen).toEqual(rows.map(({ model, id }) => `${model}/${id}`).sort());
  const count = (query: Partial<typeof all> | object) =>
    store.directory.list({ ...all, limit: 100, ...query }).length;
  expect(count({ model: 'pump' })).toBe(25);
  expect(count({ presence: 'online' })).toBe(10);
  expect(count({ q: 'd_1%' })).toBe(2); // not as a pattern
  expect(count({ q: 'tracker/d_24' })).toBe(1);
  expect(count({ q: "'; DROP TABLE agents; --" })).toBe(0);
  expect(store.directory.totals()).toEqual({ online: 10, offline: 0, never: 40 });
  expect([...store.directory.online()].length).toBe(10);
  store.close();
});

test('due alarms come in their order, and only those of now', () => {
  const store = new ShardStore(storePath());
  const rows = [30, 10, 20, null].map((alarmAtMs, i) => {
    const row = store.newRow('pump', `p${i}`, 0);
    row.alarmAtMs = alarmAtMs;
    return change(row);
  });
  store.commit(rows, 1);
  expect(store.directory.due(20, 10).map(({ id }) => id)).toEqual(['p1', 'p2']);
  expect(store.directory.due(100, 1).map(({ id }) => id)).toEqual(['p1']);
  expect(store.directory.nextAlarmMs()).toBe(10);
  store.close();
});

test('a checkpoint empties the write-ahead log and says up to where the journal may be trimmed', () => {
  const store = new ShardStore(storePath());
  expect(store.checkpoint()).toBe(0);
  store.commit([change(store.newRow('pump', 'p1', 0))], 42);
  expect(store.walPages()).toBeGreaterThan(0);
  expect(store.checkpoint()).toBe(42);
  expect(store.walPages()).toBe(0);
  store.close();
});

test('a file of a newer version is refused by name', () => {
  const path = storePath();
  new ShardStore(path).close();
  const db = new Database(path);
  db.pragma('user_version=99');
  db.close();
  expect(() => new ShardStore(path)).toThrow(expect.objectContaining({ code: 'BRG_DATA_VERSION' }));
});
