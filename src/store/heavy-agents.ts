/**
 * Agents with a file of their own, as shard.db knows them. Their documents and what their author keeps
 * are in the file; shard.db holds an index row, the history, and a copy of a small state for lists.
 *
 * I1 shard.db is committed before the files. A crash in between leaves files that are older; the rows say
 *    which may be (`file = 2`), and the journal is replayed for those, also below the watermark.
 * I2 A row goes back to `file = 1` only when the file was synced after its last commit, and only then may
 *    the journal be trimmed.
 */
import type Database from 'better-sqlite3';
import { limits } from '../base/limits.ts';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentFile } from './agent-file.ts';
import type { AgentFiles } from './agent-files.ts';
import { isDiskFull, storeError } from './database.ts';
import { IS_LISTED } from './listed-cells.ts';
import type { AgentChange, AgentRow } from './shard-store.ts';

/** What an agent wakes with. */
export interface LoadedAgent {
  /** JSON text by name. */
  readonly cells: Iterable<readonly [name: string, json: string]>;
  readonly file: AgentFile | null;
  /** History of messages up to this sequence number is in shard.db already. */
  readonly historySequence: number;
  /** Its file could not be read and was put aside: the agent begins anew. */
  readonly damage?: { readonly reason: string; readonly path: string };
}

export class HeavyAgents {
  readonly files: AgentFiles;
  readonly #directory: AgentDirectory;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #markSynced: (keys: Iterable<number>) => void;
  readonly #promote: (row: AgentRow, old: AgentRow | undefined) => void;
  /** Files committed since the last checkpoint began, by the key of their agent. */
  #written = new Map<number, AgentFile>();

  constructor(db: Database.Database, directory: AgentDirectory, files: AgentFiles) {
    this.files = files;
    this.#directory = directory;
    const s = (this.#statements = prepare(db));
    this.#markSynced = db.transaction((keys: Iterable<number>) => {
      for (const key of keys) s.markSynced.run(key);
    });
    this.#promote = db.transaction((row: AgentRow, old: AgentRow | undefined) => {
      if (old !== undefined && old.key !== row.key) s.deleteAgent.run(old.key);
      if (old?.key !== row.key) s.insertAgent.run(row.key, row.model, row.id, row.createdAtMs);
      s.markWritten.run(row.key);
      s.deleteCells.run(row.key);
    });
  }

  /**
   * The documents of a heavy agent; its row becomes what the file says.
   * @throws BridgeError BRG_BUSY when another process has it open: it is whole, and stays where it is; BRG_DISK_FULL
   */
  load(row: AgentRow, nowMs: number): LoadedAgent {
    const historySequence = row.appliedSequence;
    const file = this.files.hold(row);
    try {
      return { cells: file.read(row), file, historySequence };
    } catch (error) {
      const failure = storeError(error, file.path);
      if (isDiskFull(failure) || failure.code === 'BRG_BUSY') {
        this.files.release(file);
        throw failure;
      }
      const reason = failure.message;
      const path = this.files.quarantine(file, nowMs);
      row.hasFile = false;
      return { cells: new Map(), file: null, historySequence, damage: { reason, path } };
    }
  }

  /**
   * Gives a light agent a file, with what is committed of it. Its row stays as it is, but for `hasFile`.
   * @param cells the agent's committed documents
   * @param before of an agent that is not stored: messages up to this one are not its own
   * @throws BridgeError BRG_DISK_FULL, BRG_STORE; nothing has changed then
   */
  promote(row: AgentRow, cells: ReadonlyMap<string, string>, before: number): AgentFile {
    const stored = this.#directory.find(row.model, row.id);
    const isSame = stored?.key === row.key;
    const committed = isSame ? stored : newborn(row, before);
    const file = this.files.create(committed, cells);
    try {
      this.#promote(committed, stored);
    } catch (error) {
      this.files.remove(file);
      throw storeError(error, file.path);
    }
    row.hasFile = true;
    row.isStored = true;
    return file;
  }

  /** Commits the files of those that have one. @throws BridgeError BRG_DISK_FULL; those that failed may be repeated */
  commit(changes: Iterable<AgentChange>): void {
    for (const change of changes) {
      const { file } = change;
      if (file === null) continue;
      try {
        if (change.isForgotten) this.files.remove(file);
        else file.commit(change);
      } catch (error) {
        throw storeError(error, file.path);
      }
      if (!change.isForgotten) this.#written.set(change.row.key, file);
    }
  }

  /** Agents whose files may be older, or newer, than their rows: of a run that did not end well. */
  unsynced(): AgentRow[] {
    return this.#directory.unsynced();
  }

  /** Makes the row in shard.db what the agent's file says; for one that sleeps. */
  adopt(row: AgentRow, nowMs: number): void {
    const { file } = this.load(row, nowMs);
    const { presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs, hasFile } = row;
    this.#statements.adopt.run(
      presence,
      lastSeenMs,
      messages,
      rejected,
      appliedSequence,
      alarmAtMs,
      hasFile ? 2 : 0,
      row.key,
    );
    if (file === null) return;
    this.#written.set(row.key, file);
    this.files.release(file);
  }

  /** Hands over which files a checkpoint that begins now has to sync. */
  takeWritten(): Map<number, AgentFile> {
    const written = this.#written;
    this.#written = new Map();
    return written;
  }

  /** Syncs some of them. True: none is left. @throws SqliteError */
  syncSome(files: Iterator<AgentFile>): boolean {
    for (let n = 0; n < limits.checkpointFilesPerStep; n++) {
      const next = files.next();
      if (next.done === true) return true;
      next.value.sync();
    }
    return false;
  }

  /** The checkpoint failed: they are still to be synced. */
  putBack(files: ReadonlyMap<number, AgentFile>): void {
    for (const [key, file] of files) if (!this.#written.has(key)) this.#written.set(key, file);
  }

  /** All of these were synced: only those written since are not. */
  synced(files: ReadonlyMap<number, AgentFile>): void {
    this.#markSynced([...files.keys()].filter((key) => !this.#written.has(key)));
  }
}

/** What is committed of an agent that was not stored yet. */
function newborn(row: AgentRow, before: number): AgentRow {
  return {
    ...row,
    presence: 'never',
    lastSeenMs: null,
    messages: 0,
    rejected: 0,
    appliedSequence: before,
    alarmAtMs: null,
  };
}

function prepare(db: Database.Database) {
  return {
    markSynced: db.prepare('UPDATE agents SET file = 1 WHERE key = ? AND file = 2'),
    markWritten: db.prepare('UPDATE agents SET file = 2 WHERE key = ?'),
    // What lists show stays, as a copy.
    deleteCells: db.prepare(`DELETE FROM cells WHERE agent = ? AND NOT ${IS_LISTED}`),
    deleteAgent: db.prepare('DELETE FROM agents WHERE key = ?'),
    insertAgent: db.prepare(
      `INSERT INTO agents(key, model, id, presence, messages, rejected, applied, created_at)
       VALUES(?, ?, ?, 'never', 0, 0, 0, ?)`,
    ),
    adopt: db.prepare(
      `UPDATE agents SET presence = ?, last_seen = ?, messages = ?, rejected = ?, applied = max(applied, ?),
       alarm_at = ?, file = ? WHERE key = ?`,
    ),
  };
}
