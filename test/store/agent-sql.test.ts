import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { newFile } from './agent-file-fixture.ts';
import { change, row } from './agent-rows.ts';

test('statements around the transaction, other files and the runtime’s tables are refused', () => {
  const { file } = newFile();
  const refused = [
    'BEGIN',
    'commit',
    '/* x */ ROLLBACK',
    '-- x\n SAVEPOINT a',
    'RELEASE a',
    "ATTACH 'x' AS y",
    'DETACH y',
    "VACUUM INTO 'x'",
    'PRAGMA journal_mode=DELETE',
    'PRAGMA journal_mode',
    'PRAGMA max_page_count=1',
    'SELECT * FROM mooring_cells',
    'DROP TABLE "mooring_agent"',
    'CREATE TABLE t(a); END',
    '  ;; ',
    '',
  ];
  for (const query of refused) {
    expect(() => file.sql.all(query, []), query).toThrow(expect.objectContaining({ code: 'BRG_SQL' }));
  }
  expect(() => file.sql.all('SELECT * FROM t', [])).toThrow('no such table'); // nothing of them ran
  expect(file.sql.all('PRAGMA table_info(x)', [])).toEqual([]);
  expect(file.sql.all("SELECT 'BEGIN; COMMIT' AS text -- END;", [])).toEqual([{ text: 'BEGIN; COMMIT' }]);
});

test('several statements run one after the other, triggers with their bodies', () => {
  const { file } = newFile();
  file.sql.all(
    `CREATE TABLE t(a); CREATE TABLE log(what);
     CREATE TRIGGER tr AFTER INSERT ON t BEGIN
       INSERT INTO log VALUES(CASE WHEN new.a > 1 THEN 'big' ELSE 'small;' END);
       INSERT INTO log VALUES('done');
     END;
     INSERT INTO t VALUES(1); INSERT INTO t VALUES(?)`,
    [2],
  );
  const what = file.sql.all('SELECT what FROM log', []).map((each) => each['what']);
  expect(what).toEqual(['small;', 'done', 'big', 'done']);
  expect(file.sql.all('INSERT INTO t VALUES(3) RETURNING a', [])).toEqual([{ a: 3 }]);
});

test('a cursor hands out rows, and keeps those left when another statement runs', () => {
  const { file } = newFile();
  file.sql.all('CREATE TABLE t(a, b)', []);
  for (let a = 1; a <= 5; a++) file.sql.all('INSERT INTO t VALUES(?, ?)', [a, `b${a}`]);
  const cursor = file.sql.cursor('SELECT a, b FROM t ORDER BY a', []);
  expect(cursor.columnNames).toEqual(['a', 'b']);
  expect(cursor.next()).toEqual({ done: false, value: { a: 1, b: 'b1' } });
  file.sql.all('DELETE FROM t WHERE a > 3', []); // would be "busy" with an open cursor
  expect([...cursor.raw()]).toEqual([[2, 'b2'], [3, 'b3'], [4, 'b4'], [5, 'b5']]); // prettier-ignore
  expect(cursor.rowsRead).toBe(5);
  for (const { a } of file.sql.cursor('SELECT a FROM t', [])) if (a === 1) break;
  file.commit(change(row('pump', 'p1'), file)); // nothing is open any more
  expect(file.sql.cursor('SELECT count(*) AS n FROM t', []).one()).toEqual({ n: 3 });
  expect(() => file.sql.cursor('SELECT a FROM t', []).one()).toThrow('exactly one row');
  expect(() => file.sql.cursor('SELECT a FROM t WHERE a > 9', []).one()).toThrow('exactly one row');
  expect(file.sql.cursor('INSERT INTO t VALUES(9, 9) RETURNING a', []).toArray()).toEqual([{ a: 9 }]);
  expect(file.sql.cursor('INSERT INTO t VALUES(10, 1)', []).toArray()).toEqual([]);
});

test('keys and values: what a structured clone takes, listed in order', () => {
  const { file } = newFile();
  const value = {
    map: new Map([[1, new Set(['a'])]]),
    big: 2n ** 70n,
    bytes: new Uint8Array([9]),
    none: null,
  };
  file.kv.put('a/1', value);
  for (const key of ['a/2', 'b', 'A', 'a/10']) file.kv.put(key, key);
  expect(file.kv.get('a/1')).toEqual(value);
  expect(file.kv.get('missing')).toBeUndefined();
  expect([...file.kv.list().keys()]).toEqual(['A', 'a/1', 'a/10', 'a/2', 'b']);
  expect([...file.kv.list({ prefix: 'a/', startAfter: 'a/1', limit: 2 }).keys()]).toEqual(['a/10', 'a/2']);
  expect([...file.kv.list({ start: 'a/10', end: 'b', reverse: true }).keys()]).toEqual(['a/2', 'a/10']);
  expect(file.kv.delete('b')).toBe(true);
  expect(file.kv.delete('b')).toBe(false);
  file.kv.deleteAll();
  expect(file.kv.list().size).toBe(0);
  const refused = expect.objectContaining({ code: 'BRG_STORAGE' });
  expect(() => file.kv.put('', 1)).toThrow(refused);
  expect(() => file.kv.put('k'.repeat(limits.storageKeyBytesMax + 1), 1)).toThrow(refused);
  expect(() => file.kv.put('f', () => 1)).toThrow(refused);
  expect(() => file.kv.put('u', undefined)).toThrow(refused);
  expect(() => file.kv.put('b', new Uint8Array(limits.storageValueBytesMax + 1))).toThrow(refused);
});
