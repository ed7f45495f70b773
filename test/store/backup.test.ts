import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Journal } from '../../src/store/journal.ts';
import { restoreBackup } from '../../src/store/restore.ts';
import type { ShardStore } from '../../src/store/shard-store.ts';
import { addHeavy, addLight, change, clock, directory, open } from './copies-fixture.ts';

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
    const began = copy.store.load({ row: lateCopy }, 0);
    // The file is that of the moment it came into being; the journal brings it to its row.
    expect(lateCopy.appliedSequence).toBe(5);
    expect(began.historySequence).toBe(100 + n);
    expect(new Map(began.cells).get('state')).toBe('{"x":1}');
    expect(copy.store.load({ row: bigCopy }, 0).file?.sql.all('SELECT count(*) AS n FROM t', [])).toEqual([
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
