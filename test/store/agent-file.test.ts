import Database from 'better-sqlite3';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { AgentFile } from '../../src/store/agent-file.ts';
import { AgentFiles } from '../../src/store/agent-files.ts';
import { ShardStore } from '../../src/store/shard-store.ts';
import { directory, MiB, newFile } from './agent-file-fixture.ts';
import { change, row } from './agent-rows.ts';

test('a commit holds row, documents, keys and the author’s tables, and is there after reopening', () => {
  const { file } = newFile();
  file.sql.all('CREATE TABLE t(a INTEGER, b BLOB); CREATE INDEX t_a ON t(a)', []);
  file.sql.all('INSERT INTO t VALUES(?, ?), (?, ?)', [1, new Uint8Array([1, 2]), true, null]);
  file.kv.put('when', new Date(7));
  const agent = { ...row('pump', 'p1'), messages: 3, appliedSequence: 9, presence: 'online' as const };
  file.commit(change(agent, file, [['state', '2'], ['twin', '{}']])); // prettier-ignore
  file.close();

  const woken = row('pump', 'p1');
  expect([...file.read(woken)]).toEqual([['state', '2'], ['twin', '{}']]); // prettier-ignore
  expect(woken).toMatchObject({ messages: 3, appliedSequence: 9, presence: 'online' });
  expect(file.sql.all('SELECT a, b FROM t ORDER BY a, b', [])).toEqual([
    { a: 1, b: null },
    { a: 1, b: Buffer.from([1, 2]) },
  ]);
  expect(file.kv.get('when')).toEqual(new Date(7));
});

test('what was not committed is gone after a roll back, and the file goes on', () => {
  const { file } = newFile();
  file.sql.all('CREATE TABLE t(a)', []);
  file.commit(change(row('pump', 'p1'), file));
  file.sql.all('INSERT INTO t VALUES(1)', []);
  file.rollBack();
  expect(file.sql.all('SELECT * FROM t', [])).toEqual([]);
  file.sql.all('INSERT INTO t VALUES(2)', []);
  expect(file.sql.all('SELECT * FROM t', [])).toEqual([{ a: 2 }]);
});

test('a part of a turn that throws is taken back, what was written around it stays', () => {
  const { file } = newFile();
  const rows = (): unknown[] => file.sql.all('SELECT a FROM t ORDER BY a', []).map(({ a }) => a);
  file.beginTurn();
  file.sql.all('CREATE TABLE t(a)', []);
  file.sql.all('INSERT INTO t VALUES(1)', []);
  file.enter(2);
  file.sql.all('INSERT INTO t VALUES(2)', []);
  file.enter(3);
  file.sql.all('INSERT INTO t VALUES(3)', []);
  file.leave(true);
  expect(rows()).toEqual([1, 2, 3]);
  file.leave(false);
  expect(rows()).toEqual([1]);
  file.enter(2);
  file.leave(false); // wrote nothing
  file.sql.all('INSERT INTO t VALUES(4)', []);
  file.leave(false); // the turn itself
  expect(() => rows()).toThrow('no such table');
  file.beginTurn();
  file.commit(change(row('pump', 'p1'), file));
  expect(() => rows()).toThrow('no such table');
});

test('a statement that fails leaves its transaction with what was written before it', () => {
  const { file } = newFile();
  file.sql.all('CREATE TABLE t(a PRIMARY KEY)', []);
  file.sql.all('INSERT INTO t VALUES(1)', []);
  const query = 'INSERT INTO t VALUES(2), (1)';
  expect(() => file.sql.all(query, [])).toThrow(
    expect.objectContaining({ name: 'SqlError', code: 'BRG_SQL', query }),
  );
  expect(() => file.sql.all('INSERT INTO t VALUES(?)', [])).toThrow('Too few parameter values');
  expect(file.sql.all('SELECT a FROM t', [])).toEqual([{ a: 1 }]);
});

test('at its limit a database takes nothing more, loses nothing, and takes deletions', () => {
  const { file } = newFile(MiB);
  file.sql.all('CREATE TABLE t(a)', []);
  const blob = new Uint8Array(100_000);
  let taken = 0;
  const fill = (): void => {
    for (;;) {
      file.sql.all('INSERT INTO t VALUES(?)', [blob]);
      taken++;
    }
  };
  expect(fill).toThrow(expect.objectContaining({ code: 'BRG_AGENT_FULL' }));
  expect(taken).toBeGreaterThan(8);
  expect(file.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: taken }]);
  expect(file.bytes).toBeLessThanOrEqual(MiB);
  expect(() => file.kv.put('k', blob)).toThrow(expect.objectContaining({ code: 'BRG_AGENT_FULL' }));
  // The runtime's own rows fit all the same.
  file.commit(change(row('pump', 'p1'), file, [['state', JSON.stringify('x'.repeat(MiB))]]));
  file.sql.all('DELETE FROM t', []);
  expect(file.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([{ n: 0 }]);
});

test('at most so many files are open, and all of them work', () => {
  const files = new AgentFiles(join(directory(), 'agents'), MiB, 4);
  onTestFinished(() => files.closeAll());
  const all = Array.from({ length: 10 }, (_, n) => files.create(row('pump', `p${n}`), new Map()));
  all.forEach((file, n) => {
    file.sql.all('CREATE TABLE t AS SELECT ? AS n', [n]);
    file.commit(change(row('pump', `p${n}`), file));
  });
  expect(files.openCount).toBe(4);
  expect(all.map((file) => file.sql.all('SELECT n FROM t', [])[0]?.['n'])).toEqual([...all.keys()]);
  expect(files.openCount).toBe(4);
  expect(files.isCrowded).toBe(false);
  for (const file of all.slice(0, 2)) file.sql.all('DELETE FROM t', []);
  expect(files.isCrowded).toBe(true);
});

test('a file that needs room finds none while every other one is in a transaction', () => {
  const files = new AgentFiles(join(directory(), 'agents'), MiB, 2);
  onTestFinished(() => files.closeAll());
  const all = Array.from({ length: 5 }, (_, n) => files.create(row('pump', `p${n}`), new Map()));
  const write = (file: AgentFile): unknown => file.sql.all('CREATE TABLE t(a)', []);
  all.slice(0, 4).forEach(write);
  expect(() => write(all[4]!)).toThrow(expect.objectContaining({ code: 'BRG_BUSY' }));
  all[0]!.commit(change(row('pump', 'p0'), all[0]!));
  write(all[4]!);
  expect(files.openCount).toBe(4);
});

test('each id has a path of its own on every file system', () => {
  const files = new AgentFiles('agents', MiB);
  const ids = [
    'a',
    'A',
    'a:b',
    'a%3ab',
    'con',
    '%63on',
    'x'.repeat(128),
    'X'.repeat(128),
    '..',
    'nul.x',
    'NUL',
  ];
  const paths = ids.map((id) => files.path({ model: 'pump', id }));
  expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(ids.length);
  for (const path of paths) {
    expect(path).toMatch(/^agents\/pump\/[0-9a-f]{2}\/[a-z0-9._~%-]+\.db$/);
    expect(path.length).toBeLessThan(250);
    expect(path).not.toMatch(/\/(con|nul)\./);
  }
});

test('what lay at the path of a new agent is replaced, and the earlier one never comes back to it', () => {
  const { files, file } = newFile();
  file.sql.all('CREATE TABLE old(a)', []);
  const next = files.create(row('pump', 'p1'), new Map());
  expect(file.isGone).toBe(true);
  file.commit(change(row('pump', 'p1'), file)); // does nothing
  files.remove(file);
  expect(existsSync(next.path)).toBe(true);
  expect(() => next.sql.all('SELECT * FROM old', [])).toThrow('no such table');
  files.remove(next);
  expect(readdirSync(dirname(next.path))).toEqual([]);
});

test('a shard remembers who has a file, and a checkpoint makes files safe', () => {
  const dir = directory();
  const store = new ShardStore(join(dir, 'shard.db'));
  const light = store.newRow('pump', 'light', 0);
  const heavy = store.newRow('pump', 'heavy', 0);
  store.commit([change(light, null, [['state', '1']]), change(heavy, null, [['state', '1'], ['twin', '2']])], 1); // prettier-ignore
  const file = store.promote(heavy);
  expect(new Map(store.load({ row: heavy }, 0).cells).get('twin')).toBe('2');
  expect([...store.cells(heavy.key).keys()]).toEqual(['state']); // the copy for lists
  heavy.appliedSequence = 7;
  store.commit([change(heavy, file, [['state', '5'], ['twin', null]])], 7); // prettier-ignore
  expect(store.cell(heavy.key, 'state')).toBe('5');
  expect(store.heavy.unsynced().map(({ id }) => id)).toEqual(['heavy']);
  expect(statSync(`${file.path}-wal`).size).toBeGreaterThan(0);
  expect(store.checkpoint()).toBe(7);
  expect(statSync(`${file.path}-wal`).size).toBe(0);
  expect(store.heavy.unsynced()).toEqual([]);

  const large = JSON.stringify('x'.repeat(limits.stateCopyCharactersMax));
  store.commit([change(heavy, file, [['state', large]])], 8); // prettier-ignore
  expect(store.cell(heavy.key, 'state')).toBeUndefined();
  store.close();

  const again = new ShardStore(join(dir, 'shard.db'));
  onTestFinished(() => again.close());
  const woken = again.directory.find('pump', 'heavy')!;
  expect(woken.hasFile).toBe(true);
  const { cells, historySequence } = again.load({ row: woken }, 0);
  expect(new Map(cells).get('state')).toBe(large);
  expect(historySequence).toBe(7);
  expect(again.directory.find('pump', 'light')!.hasFile).toBe(false);
});

test('a forgotten agent takes its file with it; one reborn in the same batch keeps its own', () => {
  const store = new ShardStore(join(directory(), 'shard.db'));
  onTestFinished(() => store.close());
  const old = store.newRow('pump', 'p1', 0);
  store.commit([change(old, null)], 1);
  const oldFile = store.promote(old);
  oldFile.sql.all('CREATE TABLE t(a)', []);
  store.commit([change(old, oldFile)], 2);

  const reborn = store.newRow('pump', 'p1', 9);
  const newOne = store.promote(reborn);
  newOne.sql.all('CREATE TABLE u(a)', []);
  store.commit([{ ...change(old, oldFile), isForgotten: true }, change(reborn, newOne)], 3);
  expect(store.directory.find('pump', 'p1')!.key).toBe(reborn.key);
  expect(newOne.sql.all('SELECT * FROM u', [])).toEqual([]);
  store.commit([{ ...change(reborn, newOne), isForgotten: true }], 4);
  expect(existsSync(newOne.path)).toBe(false);
  expect(store.directory.find('pump', 'p1')).toBeUndefined();
});

/** An agent of a shard, which has a file and is asleep. */
function sleepingAgent(): { store: ShardStore; file: AgentFile } {
  const dir = directory();
  const store = new ShardStore(join(dir, 'shard.db'));
  onTestFinished(() => store.close());
  const agent = store.newRow('pump', 'p1', 0);
  store.commit([change(agent, null, [['state', '1']])], 1);
  const file = store.promote(agent);
  store.commit([change(agent, file, [['state', '2']])], 2);
  store.heavy.files.closeAll();
  store.heavy.files.release(file);
  return { store, file };
}

test('a file that cannot be read is put aside, and the agent begins anew', () => {
  const { store, file } = sleepingAgent();
  writeFileSync(file.path, 'this is no database, and long enough to be looked at as one');
  const loaded = store.load({ row: store.directory.find('pump', 'p1')! }, 77);
  expect(loaded.damage?.path).toBe(`${file.path}.damaged-77`);
  expect(existsSync(`${file.path}.damaged-77`)).toBe(true);
  expect(loaded.file).toBeNull();
  expect([...loaded.cells].length).toBe(0);
});

test('a file that another process has locked is refused with BRG_BUSY, stays where it is, and is read once it is free', () => {
  const { store, file } = sleepingAgent();
  const other = new Database(file.path);
  other.pragma('locking_mode=EXCLUSIVE');
  other.exec('BEGIN EXCLUSIVE');
  const row = store.directory.find('pump', 'p1')!;
  expect(() => store.load({ row }, 77)).toThrow(expect.objectContaining({ code: 'BRG_BUSY' }));
  expect(row.hasFile).toBe(true);
  expect(readdirSync(dirname(file.path)).filter((name) => name.includes('damaged'))).toEqual([]);
  other.close();
  expect([...store.load({ row }, 78).cells]).toEqual([['state', '2']]);
});
