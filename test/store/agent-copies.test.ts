import Database from 'better-sqlite3';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { ShardStore, type AgentRow } from '../../src/store/shard-store.ts';
import { addHeavy, addLight, ALL, change, directory, open, points } from './copies-fixture.ts';

async function exported(store: ShardStore, row: AgentRow): Promise<string> {
  const path = join(directory(), 'a.mooring.db');
  await store.copies.exporter.export(row, path, { sort: 'device', nowMs: 11 });
  return path;
}

async function imported(store: ShardStore, path: string, id: string, isOnline = false): Promise<AgentRow> {
  const { importer } = store.copies;
  const prepared = await importer.prepare(path, { model: 'pump', id });
  importer.install(prepared, { appliedSequence: 1234, isOnline });
  const row = store.directory.find('pump', id);
  if (row === undefined) throw new Error('it is not there');
  return row;
}

describe('export and import of one agent', () => {
  test.each(['light', 'heavy'] as const)('a %s agent is the same in another store', async (kind) => {
    const store = open(directory());
    const row = kind === 'light' ? addLight(store, 'p1') : addHeavy(store, 'p1');
    // A block, and rows that were not moved into one.
    store.retain(Date.now(), [row.key], { rawMs: 1e15, minutesMs: 1e15, hoursMs: 1e15 });
    store.commit([change(row, { history: points(60, 5), file: null })], 7); // prettier-ignore
    const other = open(directory());
    addLight(other, 'unrelated');
    const found = await imported(other, await exported(store, row), 'p9');

    expect(found).toMatchObject({
      presence: 'offline',
      lastSeenMs: 9,
      messages: 3,
      alarmAtMs: 99,
      createdAtMs: 7,
    });
    expect(found).toMatchObject({ appliedSequence: 1234, hasFile: kind === 'heavy' });
    expect(other.history.query(found.key, ALL)).toEqual(store.history.query(row.key, ALL));
    const { cells, file } = other.load({ row: found }, 0);
    expect(new Map(cells).get('state')).toBe(kind === 'light' ? '{"x":1}' : '{"x":2}');
    expect(new Map(cells).get('twin')).toBe('{}');
    expect(found.appliedSequence).toBe(1234);
    expect(other.cell(found.key, 'state')).toBe(new Map(cells).get('state'));
    if (kind === 'light') return;
    expect(file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: 10 }]);
    expect(file?.kv.get('k')).toEqual({ v: 1 });
    expect(file?.sql.all("SELECT name FROM sqlite_schema WHERE name LIKE 'mooring_export%'", [])).toEqual([]);
  });

  test('a large heavy agent is copied in steps, of one moment, while it goes on writing', async () => {
    const store = open(directory());
    const row = addHeavy(store, 'p1', 4000);
    const file = store.heavy.files.hold(row);
    expect(file.bytes).toBeGreaterThan(limits.copyAtOnceBytesMax);
    let commits = 0;
    let isDone = false;
    const write = (): void => {
      if (isDone) return;
      file.sql.all('INSERT INTO t VALUES(?, ?)', [10_000 + commits, null]);
      store.commit([change(row, { file, cells: [['state', `{"x":${++commits}}`]], history: points(1000 + commits, 1) })], 7); // prettier-ignore
      setImmediate(write);
    };
    write();
    const path = await exported(store, row);
    isDone = true;
    const copy = new Database(path, { readonly: true });
    const one = (sql: string): unknown => copy.prepare(sql).pluck().get();
    const rows = Number(one('SELECT count(*) FROM t WHERE a >= 10000'));
    expect(rows).toBeGreaterThan(1);
    expect(one("SELECT value FROM mooring_cells WHERE name = 'state'")).toBe(`{"x":${rows}}`);
    // The first 40 and 5 points came with two commits; all others with one each.
    expect(one('SELECT count(*) FROM mooring_history_recent')).toBe(rows + 2);
    expect(one('PRAGMA integrity_check')).toBe('ok');
    copy.close();
  });

  test('an import replaces the agent of its address, of either sort, and its history', async () => {
    const store = open(directory());
    const light = await exported(store, addLight(store, 'a'));
    const heavy = await exported(store, addHeavy(store, 'b'));
    const before = store.directory.find('pump', 'a')?.key;
    const becameHeavy = await imported(store, heavy, 'a', true);
    expect(becameHeavy).toMatchObject({ hasFile: true, presence: 'online' });
    expect(store.history.query(before ?? 0, ALL)).toEqual([]);
    expect(store.load({ row: becameHeavy }, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([
      { n: 10 },
    ]);
    const becameLight = await imported(store, light, 'a');
    expect(becameLight.hasFile).toBe(false);
    expect(existsSync(store.heavy.files.path(becameLight))).toBe(false);
    expect(new Map(store.load({ row: becameLight }, 0).cells).get('state')).toBe('{"x":1}');
  });

  test('a crash between the transaction and the move of the file is mended by the next start', async () => {
    const dir = directory();
    const store = new ShardStore(join(dir, 'shard.db'));
    const path = await exported(store, addHeavy(store, 'b'));
    addHeavy(store, 'a', 1);
    const install = store.heavy.files.install.bind(store.heavy.files);
    store.heavy.files.install = () => {
      throw new Error('the process ends here');
    };
    await expect(imported(store, path, 'a')).rejects.toThrow('ends here');
    store.heavy.files.install = install;
    store.close();
    const again = open(dir);
    const row = again.directory.find('pump', 'a');
    if (row === undefined) throw new Error('the new agent is not there');
    expect(again.load({ row }, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: 10 }]);
    expect(row.appliedSequence).toBe(1234);
    expect(readdirSync(join(dir, 'transfers'))).toEqual([]);
  });

  const spoil: Record<string, (path: string) => void> = {
    'no SQLite database': (path) => writeFileSync(path, 'hello'),
    'an empty file': (path) => writeFileSync(path, ''),
    'another database': (path) => {
      rmSync(path);
      const db = new Database(path);
      db.exec('CREATE TABLE t(a)');
      db.close();
    },
    'a newer format': (path) => run(path, "UPDATE mooring_export SET value = 99 WHERE name = 'format'"),
    'a damaged page': (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0xff, bytes.length - 4096);
      writeFileSync(path, bytes);
    },
    'a cut file': (path) => writeFileSync(path, readFileSync(path).subarray(0, 8192)),
    'a missing table': (path) => run(path, 'DROP TABLE mooring_kv'),
    'a table of another form': (path) => run(path, 'ALTER TABLE mooring_cells ADD COLUMN x'),
    'a trigger on a table of the runtime': (path) =>
      run(path, 'CREATE TRIGGER x AFTER UPDATE ON mooring_agent BEGIN DELETE FROM mooring_cells; END'),
    'a document that is not JSON': (path) => run(path, "UPDATE mooring_cells SET value = '{'"),
    'two agents': (path) => run(path, 'INSERT INTO mooring_agent SELECT * FROM mooring_agent'),
    'a block of history with half a point': (path) =>
      run(path, "UPDATE mooring_history_recent SET block = x'00'"),
  };

  test.each(Object.entries(spoil))('%s is refused, and nothing changes', async (_what, spoiled) => {
    const dir = directory();
    const store = open(dir);
    const row = addHeavy(store, 'p1');
    const path = await exported(store, row);
    spoiled(path);
    await expect(imported(store, path, 'p1')).rejects.toMatchObject({ code: 'BRG_IMPORT_FILE' });
    expect(store.directory.find('pump', 'p1')?.key).toBe(row.key);
    expect(new Map(store.load({ row }, 0).cells).get('state')).toBe('{"x":2}');
    expect(readdirSync(join(dir, 'transfers'))).toEqual([]);
  });
});

function run(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}
