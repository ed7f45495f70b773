/**
 * Lets a bridge start on a journal of which a part cannot be read: what can be read stays, the file as it was is kept
 * beside. What is lost was acknowledged; nobody but people may decide to go on without it.
 *
 * I1 Sequence numbers do not go back: an agent that has applied a lost message must not take a new one for it.
 */
import Database from 'better-sqlite3';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import { backupName } from './backup-manifest.ts';
import { fileError } from './copy-database.ts';
import { checkData, readEntries, type DamagedEntry } from './data-check.ts';
import { migrateJournal } from './journal-schema.ts';
import { shardFile, shardsOf } from './layout.ts';
import { makeDirectory, syncPath } from './sync-path.ts';

const PARTS = ['', '-wal', '-shm'];

export interface Repaired {
  /** Where the journal as it was lies. */
  readonly kept: string;
  /** Messages that were taken out. */
  readonly lost: readonly DamagedEntry[];
  /** Messages are lost after this one, nobody knows how many; null: none. */
  readonly lostAfter: number | null;
}

/** Null: nothing of the journal is damaged. @throws BridgeError BRG_DATA_DIR (a bridge runs), BRG_STORE, BRG_DISK_FULL */
export function repairJournal(dataDir: string, nowMs: number): Repaired | null {
  const report = checkData(dataDir);
  if (report.kind === 'in-use')
    throw new BridgeError('BRG_DATA_DIR', `${dataDir} is in use: stop the bridge first`);
  if (report.kind === 'empty') return null;
  const { wal, damaged, unreadable } = report.journal;
  if (wal.kind !== 'damaged' && damaged.length === 0 && unreadable === null) return null;
  try {
    const kept = join(dataDir, `damaged-${backupName(nowMs)}`);
    keep(dataDir, kept);
    if (unreadable !== null)
      for (const part of PARTS) rmSync(join(dataDir, `journal.db${part}`), { force: true });
    const last = rebuild(dataDir);
    const isTailLost = wal.kind === 'damaged' || unreadable !== null;
    return { kept, lost: damaged, lostAfter: isTailLost ? last : null };
  } catch (error) {
    throw fileError(error, dataDir);
  }
}

function keep(dataDir: string, directory: string): void {
  makeDirectory(directory);
  for (const part of PARTS) {
    const from = join(dataDir, `journal.db${part}`);
    if (!existsSync(from)) continue;
    copyFileSync(from, join(directory, `journal.db${part}`));
    syncPath(join(directory, `journal.db${part}`));
  }
  syncPath(directory);
}

/** Takes out what cannot be read; answers the last sequence number that is left. */
function rebuild(dataDir: string): number {
  const db = new Database(join(dataDir, 'journal.db'));
  try {
    db.pragma('journal_mode=WAL');
    db.pragma('synchronous=FULL');
    migrateJournal(db);
    const { damaged, whole } = readEntries(db);
    const last = whole.reduce((highest, { first, count }) => Math.max(highest, first + count - 1), 0);
    const used = [last, highestApplied(dataDir), ...damaged.map(({ first, count }) => first + count - 1)];
    const next = Math.max(...used) + 1;
    db.transaction(() => {
      for (const { first } of damaged) db.prepare('DELETE FROM journal WHERE first = ?').run(first);
      // An entry without messages says where the numbers go on (I1).
      const mark = "INSERT OR IGNORE INTO journal(first, count, batch_id, batch) VALUES(?, 0, 'repair', x'')";
      db.prepare(mark).run(next);
    })();
    return last;
  } finally {
    db.close();
  }
}

function highestApplied(dataDir: string): number {
  const shards = Array.from({ length: shardsOf(dataDir) ?? 1 }, (_, shard) =>
    join(dataDir, shardFile(shard)),
  );
  const numbers = shards.filter(existsSync).map((path) => {
    const db = new Database(path, { readonly: true });
    try {
      return db.prepare('SELECT coalesce(max(applied), 0) FROM agents').pluck().get() as number;
    } finally {
      db.close();
    }
  });
  return Math.max(0, ...numbers);
}
