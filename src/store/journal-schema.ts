/** The table of journal.db, and the step from its first form. */
import type Database from 'better-sqlite3';

const TABLE =
  'CREATE TABLE IF NOT EXISTS journal(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, batch_id TEXT NOT NULL, batch BLOB NOT NULL)';

/** Which shard a row is of, and the checksum of its batch, which rows of before have not. */
const COLUMNS = ['shard INTEGER NOT NULL DEFAULT 0', 'crc INTEGER'];

/** Brings journal.db to the newest form; an older program can still read and write it. */
export function migrateJournal(db: Database.Database): void {
  db.transaction(() => {
    db.exec(TABLE);
    // PRAGMA table_info has a row with the name of each column.
    const names = (db.pragma('table_info(journal)') as { name: string }[]).map(({ name }) => name);
    for (const column of COLUMNS) {
      if (!names.includes(column.split(' ')[0] ?? '')) db.exec(`ALTER TABLE journal ADD COLUMN ${column}`);
    }
  })();
}
