/**
 * The SQLite file of one heavy agent: its documents, its row, and whatever its author keeps in it.
 *
 * I1 Everything a batch of turns wrote, `applied` included, is committed by ONE transaction of this file.
 * I2 WAL, synchronous=NORMAL: after a power loss it may be older, never torn; the journal replays what is
 *    missing, because it is trimmed only after `sync` (see agent-files.ts).
 * I3 The transaction begins with the first write after a commit. A part of a turn that throws is taken
 *    back with savepoints, made only for parts that write.
 * I4 Authors' statements meet the size limit and fail; the runtime's own rows always fit.
 */
import type Database from 'better-sqlite3';
import { dirname } from 'node:path';
import type { AgentAddress } from '../base/address.ts';
import { assert, BridgeError } from '../base/errors.ts';
import type { AgentFiles } from './agent-files.ts';
import { limits } from '../base/limits.ts';
import { AgentKv } from './agent-kv.ts';
import { AgentSql } from './agent-sql.ts';
import { PAGE_BYTES, openAgentDatabase } from './database.ts';
import { syncPath, syncWal } from './sync-path.ts';
import type { AgentChange, AgentRow, Presence } from './shard-store.ts';

export const AGENT_FILE_SCHEMA = `
CREATE TABLE mooring_agent(
  model TEXT NOT NULL, id TEXT NOT NULL, presence TEXT NOT NULL, last_seen REAL, messages INTEGER NOT NULL,
  rejected INTEGER NOT NULL, applied INTEGER NOT NULL, alarm_at REAL, created_at REAL NOT NULL);
CREATE TABLE mooring_cells(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mooring_kv(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
PRAGMA user_version=1;
`;

interface Columns {
  model: string;
  id: string;
  presence: Presence;
  last_seen: number | null;
  messages: number;
  rejected: number;
  applied: number;
  alarm_at: number | null;
}

export class AgentFile {
  readonly address: AgentAddress;
  readonly path: string;
  readonly sql = new AgentSql(this);
  readonly kv = new AgentKv(this);
  readonly #files: AgentFiles;
  #db: Database.Database | undefined;
  #statements: ReturnType<typeof prepare> | undefined;
  #isWriting = false;
  #isUnsynced = false;
  /** A full disk had SQLite take back all of a transaction: what turns wrote is only in the journal. */
  #isTakenBack = false;
  /** Parts of the turn that may still be taken back, and how many of the outer ones have a savepoint. */
  #depth = 0;
  #saved = 0;
  /** Another agent of the same address has this path now, or nobody. */
  #isGone = false;

  /** Made by AgentFiles. */
  constructor(address: AgentAddress, path: string, files: AgentFiles) {
    this.address = address;
    this.path = path;
    this.#files = files;
  }

  get isOpen(): boolean {
    return this.#db !== undefined;
  }

  /** Whether a transaction is under way: the file cannot be closed now. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get bytes(): number {
    return (this.#prepared().pages.get() ?? 0) * PAGE_BYTES;
  }

  /** The database, opened if it is not. @throws BridgeError BRG_DATA_DIR, BRG_STORE, BRG_BUSY */
  open(): Database.Database {
    assert(!this.#isGone, 'a file that is gone is not opened');
    if (this.#db === undefined) {
      this.#files.makeRoom();
      this.#db = openAgentDatabase(this.path, this.#files.bytesMax + limits.agentReserveBytes);
    }
    this.#files.used(this);
    return this.#db;
  }

  /** It was just used: among those that stay open longest. */
  touch(): void {
    this.#files.used(this);
  }

  /** What the last commit left: fills the row and answers the documents. @throws BridgeError BRG_STORE */
  read(row: AgentRow): Map<string, string> {
    // Not kept: they run once in a wake, and a wake is to be quick.
    const db = this.open();
    const stored = db.prepare<[], Columns>('SELECT * FROM mooring_agent').get();
    const isOurs = stored?.model === row.model && stored.id === row.id;
    if (!isOurs) throw new BridgeError('BRG_STORE', `${this.path} is not the file of ${row.model}/${row.id}`);
    row.presence = stored.presence;
    row.lastSeenMs = stored.last_seen;
    row.messages = stored.messages;
    row.rejected = stored.rejected;
    row.appliedSequence = stored.applied;
    row.alarmAtMs = stored.alarm_at;
    const cells = db.prepare<[], { name: string; value: string }>('SELECT name, value FROM mooring_cells');
    return new Map(cells.all().map(({ name, value }) => [name, value]));
  }

  /** Runs an author's statement that writes. @throws BridgeError BRG_AGENT_FULL: it was taken back */
  write<T>(run: () => T): T {
    this.#begin();
    const { savepoint, release, rollBackTo } = this.#prepared();
    for (; this.#saved < this.#depth; this.#saved++) savepoint.run();
    const before = this.bytes;
    const { bytesMax } = this.#files;
    // Far from the limit, where nearly all statements are, there is no need to be able to take one back.
    const isNear = before > bytesMax / 2;
    if (isNear) savepoint.run();
    try {
      const result = run();
      const bytes = isNear ? this.bytes : 0;
      if (bytes > bytesMax && bytes > before) throw full(bytesMax);
      return result;
    } catch (error) {
      // SQLite may end the whole transaction when the file cannot grow: what earlier turns wrote is gone too.
      assert(this.#db?.inTransaction, 'a statement that fails leaves its transaction open');
      if (isNear) rollBackTo.run();
      throw error;
    } finally {
      if (isNear && this.#db?.inTransaction === true) release.run();
    }
  }

  /** A turn begins: what was written before it stays. */
  beginTurn(): void {
    for (; this.#saved > 0; this.#saved--) this.#prepared().release.run();
    this.#depth = 1;
  }

  /** A part of the turn begins that may be taken back. @param depth parts under way, this one included */
  enter(depth: number): void {
    this.#depth = depth;
  }

  /** The innermost part ends. */
  leave(isKept: boolean): void {
    if (this.#saved === this.#depth && this.#saved > 0) {
      this.sql.settle();
      const { release, rollBackTo } = this.#prepared();
      if (!isKept) rollBackTo.run();
      release.run();
      this.#saved--;
    }
    this.#depth--;
  }

  /**
   * Ends the transaction with the agent's row and documents in it.
   * @throws SqliteError; BridgeError BRG_AGENT_RESTARTED once there is room again after it was full: the shard has to start anew
   */
  commit(change: AgentChange): void {
    if (this.#isGone) return;
    this.#begin();
    this.sql.settle();
    const { setAgent, setCell, deleteCell, commit } = this.#prepared();
    const { presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs } = change.row;
    setAgent.run(presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs);
    for (const [name, json] of change.cells) {
      if (json === null) deleteCell.run(name);
      else setCell.run(name, json);
    }
    try {
      commit.run();
    } catch (error) {
      this.#isTakenBack = this.#db?.inTransaction !== true;
      throw error;
    }
    this.#isUnsynced = true;
    this.#setWriting(false);
    this.#saved = 0;
  }

  /** Makes what was committed safe on the disk. @throws SqliteError */
  sync(): void {
    if (this.#db === undefined || !this.#isUnsynced) return;
    this.#isUnsynced = false;
    if (!this.#isWriting) this.#db.pragma('wal_checkpoint(TRUNCATE)');
    else {
      // No checkpoint is possible inside a transaction; what was committed is in the WAL.
      syncWal(this.path);
      syncPath(dirname(this.path));
    }
  }

  /** Makes what was committed safe on the disk at once, without a checkpoint. @throws BridgeError BRG_STORE */
  syncCommitted(): void {
    if (!this.#isGone) syncWal(this.path);
  }

  /** Takes back everything that was not committed. */
  rollBack(): void {
    this.sql.settle();
    if (this.#isWriting && !this.#isTakenBack) this.#prepared().rollBack.run();
    this.#isTakenBack = false;
    this.#setWriting(false);
    this.#saved = 0;
  }

  /** Syncs and closes the database; the next use opens it again. What was not committed is lost. @throws SqliteError */
  close(): void {
    this.rollBack();
    this.sync();
    this.#drop();
  }

  /** Closed for good. */
  leavePath(): void {
    this.#drop();
    this.#isGone = true;
  }

  #drop(): void {
    this.sql.forget();
    this.kv.forget();
    this.#statements = undefined;
    this.#setWriting(false);
    this.#saved = 0;
    this.#db?.close();
    this.#db = undefined;
  }

  #begin(): void {
    // Statements would be committed one by one now, beside what is missing.
    if (this.#isTakenBack) throw new BridgeError('BRG_AGENT_RESTARTED', TAKEN_BACK);
    if (this.#isWriting) return;
    this.#prepared().begin.run();
    this.#setWriting(true);
  }

  #setWriting(isWriting: boolean): void {
    this.#isWriting = isWriting;
    this.#files.writes(this, isWriting);
  }

  #prepared(): ReturnType<typeof prepare> {
    const db = this.open();
    return (this.#statements ??= prepare(db));
  }
}

const TAKEN_BACK =
  'the disk was full: what the agent wrote is done again from the journal, in a shard that starts anew';

function full(bytesMax: number): BridgeError {
  const message = `the agent's database would be larger than ${bytesMax} bytes: delete rows, or raise agentBytesMax`;
  return new BridgeError('BRG_AGENT_FULL', message, { details: { bytesMax } });
}

function prepare(db: Database.Database) {
  return {
    setAgent: db.prepare(
      'UPDATE mooring_agent SET presence = ?, last_seen = ?, messages = ?, rejected = ?, applied = ?, alarm_at = ?',
    ),
    setCell: db.prepare(
      'INSERT INTO mooring_cells(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    ),
    deleteCell: db.prepare('DELETE FROM mooring_cells WHERE name = ?'),
    pages: db.prepare<[], number>('PRAGMA page_count').pluck(),
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollBack: db.prepare('ROLLBACK'),
    savepoint: db.prepare('SAVEPOINT part'),
    release: db.prepare('RELEASE part'),
    rollBackTo: db.prepare('ROLLBACK TO part'),
  };
}
