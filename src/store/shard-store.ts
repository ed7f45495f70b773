/**
 * Rows of the light agents of one shard: who they are, their documents ("cells"), their history.
 *
 * I1 Everything a batch of turns changed is written by ONE transaction (`commit`), together with the
 *    sequence numbers that say which journal entries it covers.
 * I2 synchronous=NORMAL: after a power loss the file may be older, never torn; the journal replays.
 * I3 The journal may be trimmed below `checkpoint()`'s answer only: that much is fsynced here.
 */
import type Database from 'better-sqlite3';
import { openDatabase, storeError } from './database.ts';
import { AgentDirectory } from './agent-directory.ts';
import { HistoryStore, type HistoryBuffer } from './history.ts';
import type { RetentionPolicy } from './retention.ts';
import { migrateShard } from './shard-schema.ts';

export type Presence = 'online' | 'offline' | 'never';

/** What is known of an agent without waking it. Mutable: the shard changes it and commits it. */
export interface AgentRow {
  readonly key: number;
  readonly model: string;
  readonly id: string;
  presence: Presence;
  /** ms since epoch, null before the first message. */
  lastSeenMs: number | null;
  /** Messages of the device since the agent exists. */
  messages: number;
  rejected: number;
  /** Highest journal sequence number whose effects are in this row's transaction. */
  appliedSequence: number;
  /** When the agent wants to be woken, ms since epoch. */
  alarmAtMs: number | null;
  readonly createdAtMs: number;
  isStored: boolean;
}

/** One agent's part of a commit. `cells`: JSON text by name, null deletes. */
export interface AgentChange {
  readonly row: AgentRow;
  readonly cells: Iterable<readonly [name: string, json: string | null]>;
  readonly history: HistoryBuffer | null;
  readonly isForgotten: boolean;
}

export class ShardStore {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly history: HistoryStore;
  readonly directory: AgentDirectory;
  readonly #commit: (changes: Iterable<AgentChange>, appliedWatermark: number) => void;
  readonly #statements: ReturnType<typeof prepare>;
  #nextKey: number;
  #committedWatermark: number;

  constructor(path: string, options: { pagesMax?: number } = {}) {
    this.#path = path;
    const db = openDatabase(path, { synchronous: 'NORMAL', pageBytes: 4096, cacheKiB: 65_536 });
    this.#db = db;
    if (options.pagesMax !== undefined) db.pragma(`max_page_count=${options.pagesMax}`);
    // Checkpoints are made by `checkpoint()`: it must know what they covered.
    db.pragma('wal_autocheckpoint=0');
    migrateShard(db, path);
    this.#statements = prepare(db);
    this.history = new HistoryStore(db);
    this.directory = new AgentDirectory(db);
    this.#nextKey = this.directory.maxKey() + 1;
    this.#committedWatermark = Number(this.#statements.meta.get('watermark')?.value ?? 0);
    this.#commit = db.transaction((changes: Iterable<AgentChange>, appliedWatermark: number) => {
      for (const change of changes) this.#write(change);
      this.#statements.setMeta.run('watermark', appliedWatermark);
    });
  }

  /** Every journal message up to this sequence number has been applied and committed here. */
  get watermark(): number {
    return this.#committedWatermark;
  }

  /** A row for an agent met for the first time; it is stored by its first commit. */
  newRow(model: string, id: string, nowMs: number): AgentRow {
    return {
      key: this.#nextKey++,
      model,
      id,
      presence: 'never',
      lastSeenMs: null,
      messages: 0,
      rejected: 0,
      appliedSequence: 0,
      alarmAtMs: null,
      createdAtMs: nowMs,
      isStored: false,
    };
  }

  /** The agent's documents as JSON text by name. */
  cells(key: number): Map<string, string> {
    return new Map(this.#statements.cells.all(key).map((row) => [row.name, row.value]));
  }

  /** One document of an agent, without waking it. */
  cell(key: number, name: string): string | undefined {
    return this.#statements.cell.get(key, name)?.value;
  }

  /**
   * Writes everything in one transaction.
   * @throws BridgeError BRG_DISK_FULL: nothing was written, the same call may be repeated later.
   */
  commit(changes: Iterable<AgentChange> & { readonly length: number }, appliedWatermark: number): void {
    try {
      this.#commit(changes, appliedWatermark);
    } catch (error) {
      this.history.rolledBack();
      throw storeError(error, this.#path);
    }
    for (const change of changes) change.row.isStored = !change.isForgotten;
    this.#committedWatermark = appliedWatermark;
  }

  /**
   * One bounded step of history's upkeep, in a transaction of its own; returns the agents with more to do.
   * @throws BridgeError BRG_DISK_FULL; nothing has changed then
   */
  retain(nowMs: number, keys: number[], policy: RetentionPolicy): number[] {
    try {
      return this.#db.transaction(() => this.history.retainStep(nowMs, keys, policy))();
    } catch (error) {
      this.history.rolledBack();
      throw storeError(error, this.#path);
    }
  }

  /** Pages in the WAL that are not in the database file yet. */
  walPages(): number {
    const result = this.#db.pragma('wal_checkpoint(NOOP)') as { log: number }[]; // SQLite documents these columns
    return result[0]?.log ?? 0;
  }

  /** Moves the WAL into the database, fsyncs it, and returns the watermark that is now safe on disk. */
  checkpoint(): number {
    const watermark = this.#committedWatermark;
    try {
      // The columns of PRAGMA wal_checkpoint are documented by SQLite.
      const rows = this.#db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      return rows[0]?.busy === 0 ? watermark : 0;
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  close(): void {
    this.#db.close();
  }

  #write(change: AgentChange): void {
    const { row } = change;
    const s = this.#statements;
    if (change.isForgotten) {
      s.deleteCells.run(row.key);
      s.deleteAgent.run(row.key);
      this.history.deleteAgent(row.key);
      return;
    }
    const { key, presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs } = row;
    if (row.isStored) {
      s.updateAgent.run(presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs, key);
    } else {
      s.insertAgent.run(
        key,
        row.model,
        row.id,
        presence,
        lastSeenMs,
        messages,
        rejected,
        appliedSequence,
        alarmAtMs,
        row.createdAtMs,
      );
    }
    for (const [name, json] of change.cells) {
      if (json === null) s.deleteCell.run(key, name);
      else s.setCell.run(key, name, json);
    }
    if (change.history !== null && change.history.points > 0) this.history.append(key, change.history);
  }
}

function prepare(db: Database.Database) {
  return {
    meta: db.prepare<[string], { value: unknown }>('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare(
      'INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    ),
    insertAgent: db.prepare(
      'INSERT INTO agents(key, model, id, presence, last_seen, messages, rejected, applied, alarm_at, created_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    updateAgent: db.prepare(
      'UPDATE agents SET presence = ?, last_seen = ?, messages = ?, rejected = ?, applied = ?, alarm_at = ? WHERE key = ?',
    ),
    deleteAgent: db.prepare('DELETE FROM agents WHERE key = ?'),
    cells: db.prepare<[number], { name: string; value: string }>(
      'SELECT name, value FROM cells WHERE agent = ?',
    ),
    cell: db.prepare<[number, string], { value: string }>(
      'SELECT value FROM cells WHERE agent = ? AND name = ?',
    ),
    setCell: db.prepare(
      'INSERT INTO cells(agent, name, value) VALUES(?, ?, ?) ON CONFLICT(agent, name) DO UPDATE SET value = excluded.value',
    ),
    deleteCell: db.prepare('DELETE FROM cells WHERE agent = ? AND name = ?'),
    deleteCells: db.prepare('DELETE FROM cells WHERE agent = ?'),
  };
}
