import Database from 'better-sqlite3';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { Journal } from '../../src/store/journal.ts';
import { restoreBackup } from '../../src/store/restore.ts';
import { HistoryBuffer } from '../../src/store/history.ts';
import { ShardStore, type AgentChange, type AgentRow } from '../../src/store/shard-store.ts';

const clock = { now: () => Date.now() };
const ALL = { metric: null, fromMs: 0, toMs: 10_000_000, points: 50 };

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-copies-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function open(dir: string): ShardStore {
  const store = new ShardStore(join(dir, 'shard.db'));
  onTestFinished(() => store.close());
  return store;
}

function change(row: AgentRow, part: Partial<AgentChange> = {}): AgentChange {
  return { row, cells: [], history: null, audits: [], file: null, isForgotten: false, ...part };
}

function points(from: number, count: number): HistoryBuffer {
  const history = new HistoryBuffer();
  for (let n = from; n < from + count; n++) history.add(1000 + n, { t: n });
  return history;
}

function addLight(store: ShardStore, id: string): AgentRow {
  const row = store.newRow('pump', id, 7);
  Object.assign(row, { presence: 'online', messages: 3, lastSeenMs: 9, alarmAtMs: 99, appliedSequence: 5 });
  store.commit([change(row, { cells: [['state', '{"x":1}'], ['twin', '{}']], history: points(0, 40) })], 5); // prettier-ignore
  return row;
}

function addHeavy(store: ShardStore, id: string, rows = 10): AgentRow {
  const row = addLight(store, id);
  const file = store.promote(row);
  file.sql.all('CREATE TABLE t(a INTEGER, b BLOB)', []);
  for (let n = 0; n < rows; n++) file.sql.all('INSERT INTO t VALUES(?, randomblob(2000))', [n]);
  file.kv.put('k', { v: 1 });
  store.commit([change(row, { file, cells: [['state', '{"x":2}']], history: points(40, 5) })], 6); // prettier-ignore
  return row;
}

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
    const { cells, file } = other.load(found, 0);
    expect(cells.get('state')).toBe(kind === 'light' ? '{"x":1}' : '{"x":2}');
    expect(cells.get('twin')).toBe('{}');
    expect(found.appliedSequence).toBe(1234);
    expect(other.cell(found.key, 'state')).toBe(cells.get('state'));
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
    expect(store.load(becameHeavy, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: 10 }]);
    const becameLight = await imported(store, light, 'a');
    expect(becameLight.hasFile).toBe(false);
    expect(existsSync(store.heavy.files.path(becameLight))).toBe(false);
    expect(store.load(becameLight, 0).cells.get('state')).toBe('{"x":1}');
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
    expect(again.load(row, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: 10 }]);
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
    expect(store.load(row, 0).cells.get('state')).toBe('{"x":2}');
    expect(readdirSync(join(dir, 'transfers'))).toEqual([]);
  });
});

function run(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

describe('backup and restore', () => {
  function openBoth(dir: string): { store: ShardStore; journal: Journal } {
    const journal = new Journal(join(dir, 'journal.db'));
    onTestFinished(() => journal.close());
    return { store: open(dir), journal };
  }

  test('holds all agents, and the file of one that becomes heavy meanwhile, never newer than shard.db', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    addLight(store, 'light');
    const big = addHeavy(store, 'big', 4000);
    const late = addLight(store, 'late');
    journal.append('1', Buffer.from('x'), 7);
    let file: ReturnType<ShardStore['promote']> | undefined;
    let n = 0;
    const summary = await store.copies.backups.run(journal, clock, ({ phase }) => {
      if (phase !== 'agents') return;
      file ??= store.promote(late);
      file.sql.all('CREATE TABLE IF NOT EXISTS t(a)', []);
      file.sql.all('INSERT INTO t VALUES(1)', []);
      late.appliedSequence = 100 + ++n;
      store.commit([change(late, { file, cells: [['state', `{"n":${n}}`]] })], 7); // prettier-ignore
    });
    journal.trim(7);
    journal.append('2', Buffer.from('y'), 1);
    expect(n).toBeGreaterThan(0);
    expect(summary).toMatchObject({ agents: 3, heavyAgents: 2, unreadable: [], journalSequence: 7 });
    expect(store.copies.backups.list()).toEqual([summary]);

    const target = join(directory(), 'data');
    await restoreBackup(join(dir, 'backups', summary.name), target, { force: false, nowMs: 0 });
    const copy = openBoth(target);
    expect([...copy.journal.read(0)].map(({ count }) => count)).toEqual([7]);
    const rows = copy.store.heavy.unsynced();
    expect(rows.map(({ id }) => id).sort()).toEqual(['big', 'late']);
    const lateCopy = copy.store.directory.find('pump', 'late');
    const bigCopy = copy.store.directory.find('pump', 'big');
    if (lateCopy === undefined || bigCopy === undefined) throw new Error('both are in it');
    expect(lateCopy.appliedSequence).toBe(100 + n);
    const began = copy.store.load(lateCopy, 0);
    // The file is that of the moment it came into being; the journal brings it to its row.
    expect(lateCopy.appliedSequence).toBe(5);
    expect(began.historySequence).toBe(100 + n);
    expect(began.cells.get('state')).toBe('{"x":1}');
    expect(copy.store.load(bigCopy, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([
      { n: 4000 },
    ]);
    expect(big.key).toBe(bigCopy.key);
  });

  test('an agent that is forgotten meanwhile leaves no file', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    const a = addHeavy(store, 'a', 4000);
    addHeavy(store, 'b');
    let isForgotten = false;
    const summary = await store.copies.backups.run(journal, clock, ({ phase, bytes }) => {
      if (isForgotten || phase !== 'agents' || bytes === 0) return;
      isForgotten = true;
      // In the middle of its copy.
      store.commit([change(a, { isForgotten, file: store.heavy.files.hold(a) })], 7); // prettier-ignore
    });
    expect(isForgotten).toBe(true);
    expect(summary).toMatchObject({ agents: 1, heavyAgents: 1, unreadable: [] });
  });

  test('one at a time; what fails leaves nothing; the journal is trimmed again afterwards', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    addHeavy(store, 'a', 4000);
    journal.append('1', Buffer.from('x'), 1);
    const broken = store.copies.backups.run(journal, clock, ({ phase }) => {
      journal.trim(1);
      if (phase === 'shard') throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    });
    await expect(store.copies.backups.run(journal, clock, () => {})).rejects.toMatchObject({
      code: 'BRG_BACKUP_RUNNING',
    });
    await expect(broken).rejects.toMatchObject({ code: 'BRG_DISK_FULL' });
    expect(readdirSync(join(dir, 'backups'))).toEqual([]);
    journal.append('2', Buffer.from('y'), 1);
    expect([...journal.read(0)].map(({ firstSequence }) => firstSequence)).toEqual([2]);
  });

  test('an agent whose file cannot be read is named, and the others are backed up', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    const bad = addHeavy(store, 'bad');
    addHeavy(store, 'good');
    store.heavy.files.closeAll();
    writeFileSync(store.heavy.files.path(bad), 'no database at all');
    const summary = await store.copies.backups.run(journal, clock, () => {});
    expect(summary).toMatchObject({ heavyAgents: 1, unreadable: ['pump/bad'] });
  });

  test('old backups are deleted on request, the newest stay', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    const names: string[] = [];
    for (let now = 1000; now < 4000; now += 1000) {
      names.push((await store.copies.backups.run(journal, { now: () => now }, () => {})).name);
    }
    expect(await store.copies.backups.prune(1)).toEqual([names[1], names[0]]);
    expect(store.copies.backups.list().map(({ name }) => name)).toEqual([names[2]]);
  });

  test('a restore refuses what is damaged, in use or not empty, and keeps what was there', async () => {
    const dir = directory();
    const { store, journal } = openBoth(dir);
    addHeavy(store, 'a');
    const { name } = await store.copies.backups.run(journal, clock, () => {});
    const backup = join(dir, 'backups', name);
    const options = { force: true, nowMs: 0 };
    await expect(restoreBackup(backup, dir, options)).rejects.toMatchObject({
      code: 'BRG_DATA_DIR',
      message: expect.stringContaining('in use'),
    });

    const target = directory();
    writeFileSync(join(target, 'journal.db'), 'mine');
    await expect(restoreBackup(backup, target, { ...options, force: false })).rejects.toMatchObject({
      code: 'BRG_DATA_DIR',
      message: expect.stringContaining('--force'),
    });
    const damaged = join(directory(), 'damaged');
    mkdirSync(damaged);
    copyFileSync(join(backup, 'manifest.json'), join(damaged, 'manifest.json'));
    await expect(restoreBackup(damaged, target, options)).rejects.toMatchObject({ code: 'BRG_BACKUP' });
    copyFileSync(join(backup, 'journal.db'), join(damaged, 'journal.db'));
    const bytes = readFileSync(join(backup, 'shard.db'));
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(join(damaged, 'shard.db'), bytes);
    await expect(restoreBackup(damaged, target, options)).rejects.toMatchObject({
      code: 'BRG_BACKUP',
      message: expect.stringContaining('checksum'),
    });
    expect(readdirSync(target)).toEqual(['journal.db']);

    const { aside } = await restoreBackup(backup, target, options);
    expect(readFileSync(join(aside ?? '', 'journal.db'), 'utf8')).toBe('mine');
    expect(readdirSync(target).sort()).toEqual(['agents', 'before-restore-1970-01-01T00-00-00.000Z', 'journal.db', 'shard.db']); // prettier-ignore
  });
});
