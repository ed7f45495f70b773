import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { migrateHistory } from '../../src/store/history.ts';
import { ShardStore, type AgentRow, type AuditEntry } from '../../src/store/index.ts';

function storePath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-audit-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'shard.db');
}

function open(path = storePath()): ShardStore {
  const store = new ShardStore(path);
  onTestFinished(() => store.close());
  return store;
}

function entry(id: string, tsMs: number, parts: Partial<AuditEntry> = {}): AuditEntry {
  const rest = { event: 'created', subject: `vent/${id}`, by: 'api', detail: { args: id } };
  return { id, tsMs, agent: 'pump/p1', kind: 'command', ...rest, ...parts };
}

function commit(store: ShardStore, row: AgentRow, audits: AuditEntry[], isForgotten = false): void {
  store.commit([{ row, cells: [], history: null, file: null, audits, isForgotten }], 1);
}

const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1000 };
const ids = (store: ShardStore, query: object = {}): string[] =>
  store.audit.query({ ...all, ...query }).map(({ id }) => id);

test('rows come back newest first as they were written, filtered by agent, kind and time', () => {
  const store = open();
  const row = store.newRow('pump', 'p1', 0);
  commit(store, row, [entry('a', 1), entry('b', 2, { agent: 'pump/p2' }), entry('c', 3, { kind: 'agent' })]);
  expect(store.audit.query(all)[2]).toEqual(entry('a', 1));
  expect(ids(store)).toEqual(['c', 'b', 'a']);
  expect(ids(store, { agent: 'pump/p1' })).toEqual(['c', 'a']);
  expect(ids(store, { kind: 'command' })).toEqual(['b', 'a']);
  expect(ids(store, { fromMs: 2, toMs: 2 })).toEqual(['b']);
});

test('pages meet every row once, also many of the same millisecond', () => {
  const store = open();
  const entries = Array.from({ length: 20 }, (_, i) =>
    entry(`e${String(i).padStart(2, '0')}`, i < 15 ? 5 : 6),
  );
  commit(store, store.newRow('pump', 'p1', 0), entries);
  const seen: string[] = [];
  for (let before: AuditEntry | undefined; ;) {
    const page = store.audit.query({ ...all, limit: 4, before });
    seen.push(...page.map(({ id }) => id));
    before = page.at(-1);
    if (before === undefined) break;
  }
  expect(seen).toEqual(entries.map(({ id }) => id).reverse());
});

test('a row written again is stored once, as it was first', () => {
  const store = open();
  const row = store.newRow('pump', 'p1', 0);
  commit(store, row, [entry('a', 1)]);
  commit(store, row, [entry('a', 9, { by: 'somebody else' }), entry('b', 9)]);
  expect(store.audit.query(all)).toEqual([entry('b', 9), entry('a', 1)]);
});

test('rows stay when their agent is forgotten, and the last words of that commit with them', () => {
  const path = storePath();
  const store = new ShardStore(path);
  const row = store.newRow('pump', 'p1', 0);
  commit(store, row, [entry('a', 1)]);
  commit(store, row, [entry('b', 2)], true);
  store.close();
  expect(ids(open(path))).toEqual(['b', 'a']);
});

test('a commit that fails leaves no row', () => {
  const store = new ShardStore(storePath(), { pagesMax: 60 });
  onTestFinished(() => store.close());
  const row = store.newRow('pump', 'p1', 0);
  const cells = [['state', 'x'.repeat(400_000)]] as const;
  const change = { row, cells, history: null, file: null, audits: [entry('a', 1)], isForgotten: false };
  expect(() => store.commit([change], 1)).toThrow(expect.objectContaining({ code: 'BRG_DISK_FULL' }));
  expect(ids(store)).toEqual([]);
});

test('a detail that is too large is cut, and says how large it was', () => {
  const store = open();
  const text = 'ü'.repeat(limits.auditDetailBytesMax);
  commit(store, store.newRow('pump', 'p1', 0), [entry('a', 1, { detail: text })]);
  const [{ detail } = { detail: null }] = store.audit.query(all);
  expect(detail).toEqual({
    cut: `"${text}`.slice(0, limits.auditDetailBytesMax / 4),
    bytes: text.length * 2 + 2,
  });
});

test('what is too old goes, then what is too much, oldest first, a step at a time', () => {
  const store = open();
  const entries = Array.from({ length: 10 }, (_, i) => entry(`e${i}`, i));
  commit(store, store.newRow('pump', 'p1', 0), entries);
  const policy = { rowsMax: 4, keptMs: 100, stepRowsMax: 2 };
  expect(store.audit.prune(103, policy)).toBe(true);
  expect(ids(store)).toHaveLength(8);
  expect(store.audit.prune(103, policy)).toBe(true); // e2 by age, two by number, more of those wait
  expect(ids(store)).toEqual(['e9', 'e8', 'e7', 'e6', 'e5']);
  expect(store.audit.prune(103, policy)).toBe(false);
  expect(ids(store)).toEqual(['e9', 'e8', 'e7', 'e6']);
  expect(store.audit.prune(103, policy)).toBe(false);
});

/** The tables of version 1, as they were released. */
const VERSION_1 = `
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agents(
  key INTEGER PRIMARY KEY, model TEXT NOT NULL, id TEXT NOT NULL, presence TEXT NOT NULL, last_seen REAL,
  messages INTEGER NOT NULL, rejected INTEGER NOT NULL, applied INTEGER NOT NULL, alarm_at REAL, created_at REAL NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS agents_address ON agents(model, id);
CREATE INDEX IF NOT EXISTS agents_presence ON agents(presence);
CREATE INDEX IF NOT EXISTS agents_alarm ON agents(alarm_at) WHERE alarm_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS cells(agent INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(agent, name)) WITHOUT ROWID;
INSERT INTO agents VALUES(3, 'pump', 'old', 'online', 1, 5, 0, 4, NULL, 1);
INSERT INTO cells VALUES(3, 'state', '{"rpm":7}');
INSERT INTO meta VALUES('watermark', 4);
`;

test('a file of version 1 keeps what it holds and takes audit rows', () => {
  const path = storePath();
  const db = new Database(path);
  db.exec(VERSION_1);
  migrateHistory(db);
  db.pragma('user_version=1');
  db.close();
  const store = new ShardStore(path);
  const row = store.directory.find('pump', 'old');
  expect(row).toMatchObject({ key: 3, presence: 'online', messages: 5, appliedSequence: 4 });
  expect([store.watermark, store.cell(3, 'state')]).toEqual([4, '{"rpm":7}']);
  commit(store, row!, [entry('a', 1)]);
  store.close();
  expect(ids(open(path))).toEqual(['a']);
});
