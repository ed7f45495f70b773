/**
 * The local journal: a SQLite database with one row per commit. A row holds a whole packed batch as
 * it crossed the threads, because a row per message costs more than its fsync.
 *
 * I1 A commit is fsynced (WAL, synchronous=FULL) before `append` returns.
 * I2 Sequence numbers never go back: the last row stays, whatever is trimmed.
 * I3 Trimming happens inside the next append's transaction, so that it costs no fsync of its own.
 */
import type Database from 'better-sqlite3';
import { copyDatabase } from './copy-database.ts';
import { openDatabase, storeError } from './database.ts';
import type { LogEntry, PartitionLog } from './partition-log.ts';

interface Row {
  first: number;
  count: number;
  batch: Buffer;
}

export class Journal implements PartitionLog {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #insert: Database.Statement<[number, number, string, Uint8Array]>;
  readonly #delete: Database.Statement<[number, number]>;
  readonly #appendTransaction: (batchId: string, batch: Uint8Array, count: number) => void;
  #next = 1;
  #lastBatchId: string | null = null;
  #trimTo = 0;
  #trimmedTo = 0;
  #holds = 0;

  /** @param pagesMax bound of the file in pages of 16 KiB, for disks with a quota; default SQLite's own. */
  constructor(path: string, options: { pagesMax?: number } = {}) {
    this.#path = path;
    const db = openDatabase(path, { synchronous: 'FULL', pageBytes: 16_384, cacheKiB: 4096 });
    this.#db = db;
    if (options.pagesMax !== undefined) db.pragma(`max_page_count=${options.pagesMax}`);
    db.pragma('wal_autocheckpoint=1024');
    db.exec(
      'CREATE TABLE IF NOT EXISTS journal(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, batch_id TEXT NOT NULL, batch BLOB NOT NULL)',
    );
    this.#insert = db.prepare('INSERT INTO journal(first, count, batch_id, batch) VALUES(?, ?, ?, ?)');
    this.#delete = db.prepare('DELETE FROM journal WHERE first + count - 1 <= ? AND first < ?');
    this.#appendTransaction = db.transaction((batchId: string, batch: Uint8Array, count: number) => {
      // First, so that the new row finds the pages of the old ones in a file that may not grow.
      if (this.#isTrimDue()) this.#delete.run(this.#trimTo, this.#next);
      this.#insert.run(this.#next, count, batchId, batch);
    });
    this.#restorePosition();
  }

  get nextSequence(): number {
    return this.#next;
  }

  get lastBatchId(): string | null {
    return this.#lastBatchId;
  }

  /** Moves the next sequence number forward, when another file proves that higher ones were used. */
  advanceTo(nextSequence: number): void {
    this.#next = Math.max(this.#next, nextSequence);
  }

  append(batchId: string, batch: Uint8Array, count: number): number {
    try {
      this.#appendTransaction(batchId, batch, count);
    } catch (error) {
      throw storeError(error, this.#path);
    }
    const first = this.#next;
    if (this.#isTrimDue()) this.#trimmedTo = this.#trimTo;
    this.#lastBatchId = batchId;
    this.#next = first + count;
    return first;
  }

  *read(afterSequence: number): Iterable<LogEntry> {
    const page = this.#db.prepare<[number, number], Row>(
      'SELECT first, count, batch FROM journal WHERE first > ? AND first + count - 1 > ? ORDER BY first LIMIT 16',
    );
    // Pages instead of one open cursor: the reader may append or run other statements in between.
    let last = 0;
    for (;;) {
      const rows = page.all(last, afterSequence);
      for (const row of rows) yield { firstSequence: row.first, count: row.count, batch: row.batch };
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.first;
    }
  }

  countAfter(sequence: number): number {
    const row = this.#db
      .prepare<[number, number], { total: number | null }>(
        'SELECT sum(min(count, first + count - 1 - ?)) AS total FROM journal WHERE first + count - 1 > ?',
      )
      .get(sequence, sequence);
    return row?.total ?? 0;
  }

  trim(sequence: number): void {
    this.#trimTo = Math.max(this.#trimTo, sequence);
  }

  /** Keeps everything that is in it now, until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    return () => void this.#holds--;
  }

  /**
   * Copies it into a new file, while it is appended to. @param onTaken told the last sequence number in the copy
   * @throws BridgeError BRG_DISK_FULL, BRG_STORE
   */
  copy(path: string, onTaken: (lastSequence: number) => void): Promise<number> {
    return copyDatabase(() => this.#db, path, { onTaken: () => onTaken(this.#next - 1) });
  }

  /** Bytes of the database file without its WAL. */
  sizeBytes(): number {
    const pages = this.#db.pragma('page_count', { simple: true });
    return Number(pages) * 16_384;
  }

  close(): void {
    this.#db.close();
  }

  #isTrimDue(): boolean {
    return this.#holds === 0 && this.#trimTo > this.#trimmedTo;
  }

  #restorePosition(): void {
    const row = this.#db
      .prepare<[], { first: number; count: number; batch_id: string }>(
        'SELECT first, count, batch_id FROM journal ORDER BY first DESC LIMIT 1',
      )
      .get();
    if (row === undefined) return;
    this.#next = row.first + row.count;
    this.#lastBatchId = row.batch_id;
  }
}
