/**
 * The local journal: a SQLite database with a row per batch. A row holds a whole packed batch as
 * it crossed the threads, because a row per message costs more than its fsync. Several shards may share it:
 * each row is of one of them, the sequence numbers run through all (ADR 0013).
 *
 * I1 A commit is fsynced (WAL, synchronous=FULL) before `append` returns.
 * I2 Sequence numbers never go back: the last row stays, whatever is trimmed.
 * I3 Trimming happens inside the next append's transaction, so that it costs no fsync of its own.
 * I4 A row is read only if it is what was written: it has a checksum, which SQLite's pages have not.
 */
import type Database from 'better-sqlite3';
import { crc32 } from 'node:zlib';
import { BridgeError } from '../base/errors.ts';
import { copyDatabase } from './copy-database.ts';
import { errorCode, openDatabase, storeError } from './database.ts';
import { migrateJournal } from './journal-schema.ts';
import type { LogEntry, PartitionLog } from './partition-log.ts';
import { checkWal, type WalTail } from './wal-tail.ts';

interface Row {
  first: number;
  count: number;
  batch: Buffer;
  /** null: an older program wrote it. */
  crc: number | null;
}

/** A batch of a shard on its way into the journal. */
export interface JournalEntry {
  readonly shard: number;
  readonly batchId: string;
  readonly batch: Uint8Array;
  readonly count: number;
}

/** How far the rows of a shard may go, and have gone. */
interface Trim {
  readonly shard: number;
  to: number;
  done: number;
}

/** Read at once; a batch has some MB at most. */
const ENTRIES_PER_PAGE = 16;

export class Journal implements PartitionLog {
  readonly #db: Database.Database;
  readonly #path: string;
  /** The last run ended in a commit, which nobody was told of: it is dropped. */
  readonly isTorn: boolean;
  readonly #insert: Database.Statement<[number, number, string, Uint8Array, number, number]>;
  readonly #delete: Database.Statement<[number, number, number]>;
  readonly #page: Database.Statement<[number, number, number, number], Row>;
  readonly #appendTransaction: (entries: readonly JournalEntry[]) => void;
  #next = 1;
  #lastBatchId: string | null = null;
  readonly #trims: Trim[] = [];
  #holds = 0;

  /** @param pagesMax bound of the file in pages of 16 KiB, for disks with a quota; default SQLite's own. */
  constructor(path: string, options: { pagesMax?: number } = {}) {
    this.#path = path;
    // Before SQLite drops what is not whole.
    const tail = checkWal(`${path}-wal`);
    if (tail.kind === 'damaged') throw damagedWal(path, tail);
    this.isTorn = tail.kind === 'torn' && tail.commits > 0;
    const db = openDatabase(path, { synchronous: 'FULL', pageBytes: 16_384, cacheKiB: 4096 });
    this.#db = db;
    if (options.pagesMax !== undefined) db.pragma(`max_page_count=${options.pagesMax}`);
    db.pragma('wal_autocheckpoint=1024');
    // What is left of it behind later commits would look like commits that were lost.
    if (this.isTorn) db.pragma('wal_checkpoint(TRUNCATE)');
    migrateJournal(db);
    this.#insert = db.prepare(
      'INSERT INTO journal(first, count, batch_id, batch, shard, crc) VALUES(?, ?, ?, ?, ?, ?)',
    );
    this.#delete = db.prepare(
      'DELETE FROM journal WHERE first <= ? AND shard = ? AND first + count - 1 <= ?',
    );
    this.#page = db.prepare(
      'SELECT first, count, batch, crc FROM journal WHERE first > ? AND first + count - 1 > ? AND shard = ? ORDER BY first LIMIT ?',
    );
    this.#appendTransaction = db.transaction((entries: readonly JournalEntry[]) => {
      // First, so that the new row finds the pages of the old ones in a file that may not grow.
      for (const { shard, to } of this.#dueTrims()) this.#delete.run(to, shard, to);
      let first = this.#next;
      for (const { shard, batchId, batch, count } of entries) {
        this.#insert.run(first, count, batchId, batch, shard, crc32(batch));
        first += count;
      }
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
    const [first = 0] = this.appendAll([{ shard: 0, batchId, batch, count }]);
    return first;
  }

  /**
   * Appends batches of several shards with one fsync; answers the sequence number of the first message of each.
   * @throws BridgeError BRG_DISK_FULL, BRG_STORE; nothing was kept then
   */
  appendAll(entries: readonly JournalEntry[]): number[] {
    try {
      this.#appendTransaction(entries);
    } catch (error) {
      throw storeError(error, this.#path);
    }
    for (const trim of this.#dueTrims()) trim.done = trim.to;
    return entries.map(({ batchId, count }) => {
      const first = this.#next;
      this.#next = first + count;
      this.#lastBatchId = batchId;
      return first;
    });
  }

  *read(afterSequence: number): Iterable<LogEntry> {
    // Pages instead of one open cursor: the reader may append or run other statements in between.
    for (let last = 0; ;) {
      const entries = this.readPage(0, last, afterSequence, ENTRIES_PER_PAGE);
      yield* entries;
      const end = entries.at(-1);
      if (end === undefined) return;
      last = end.firstSequence;
    }
  }

  /**
   * Entries of a shard that begin after `afterFirst` and hold a message after `afterSequence`, in order.
   * @throws BridgeError BRG_JOURNAL_DAMAGED for one that is not what was written
   */
  readPage(shard: number, afterFirst: number, afterSequence: number, max: number): LogEntry[] {
    let rows: Row[];
    try {
      rows = this.#page.all(afterFirst, afterSequence, shard, max);
    } catch (error) {
      throw isCorrupt(error) ? unreadable(this.#path, error) : storeError(error, this.#path);
    }
    return rows.map((row) => {
      if (row.crc !== null && crc32(row.batch) !== row.crc) throw damaged(this.#path, row);
      return { firstSequence: row.first, count: row.count, batch: row.batch };
    });
  }

  countAfter(sequence: number, shard = 0): number {
    const row = this.#db
      .prepare<[number, number, number], { total: number | null }>(
        'SELECT sum(min(count, first + count - 1 - ?)) AS total FROM journal WHERE first + count - 1 > ? AND shard = ?',
      )
      .get(sequence, sequence, shard);
    return row?.total ?? 0;
  }

  trim(sequence: number, shard = 0): void {
    let trim = this.#trims.find((known) => known.shard === shard);
    if (trim === undefined) this.#trims.push((trim = { shard, to: 0, done: 0 }));
    trim.to = Math.max(trim.to, sequence);
  }

  /** Drops all but the last entry, which is nobody's then: everything in it was applied. */
  keepLast(): void {
    this.#db.prepare('DELETE FROM journal WHERE first < (SELECT max(first) FROM journal)').run();
    this.#db.prepare('UPDATE journal SET shard = 0').run();
  }

  /** Keeps everything that is in it now, until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    return () => void this.#holds--;
  }

  /**
   * Copies it into a new file, while it is appended to. Answers its size, and the last sequence number in the copy
   * and the time at which that was so.
   * @throws BridgeError BRG_DISK_FULL, BRG_STORE
   */
  async copy(
    path: string,
    now: () => number,
  ): Promise<{ readonly bytes: number; readonly lastSequence: number; readonly throughMs: number }> {
    let taken = { lastSequence: 0, throughMs: 0 };
    const onTaken = (): void => void (taken = { lastSequence: this.#next - 1, throughMs: now() });
    const bytes = await copyDatabase(() => this.#db, path, { onTaken });
    return { bytes, ...taken };
  }

  /** Bytes of the database file without its WAL. */
  sizeBytes(): number {
    const pages = this.#db.pragma('page_count', { simple: true });
    return Number(pages) * 16_384;
  }

  close(): void {
    this.#db.close();
  }

  #dueTrims(): readonly Trim[] {
    return this.#holds > 0 ? [] : this.#trims.filter(({ to, done }) => to > done);
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

const ADVICE = 'mooring doctor --data says what can be done';

function damaged(path: string, { first, count }: Row): BridgeError {
  const what = `${path}: the ${count} acknowledged messages ${first} to ${first + count - 1} cannot be read: their checksum differs`;
  return new BridgeError('BRG_JOURNAL_DAMAGED', `${what}; ${ADVICE}`);
}

function damagedWal(path: string, { fromByte, commits }: WalTail): BridgeError {
  const what = `${path}-wal is damaged at byte ${fromByte}: ${commits} commits from there on, which were acknowledged, cannot be read`;
  return new BridgeError('BRG_JOURNAL_DAMAGED', `${what}; ${ADVICE}`);
}

function unreadable(path: string, cause: unknown): BridgeError {
  const what = `${path} cannot be read: ${String(cause)}`;
  return new BridgeError('BRG_JOURNAL_DAMAGED', `${what}; ${ADVICE}`, { cause });
}

function isCorrupt(error: unknown): boolean {
  return errorCode(error)?.startsWith('SQLITE_CORRUPT') === true;
}
