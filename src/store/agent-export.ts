/**
 * One agent as one SQLite file: its file as it is (of a light one, as it would be), with its history and a
 * table that says what this is.
 *
 * I1 All of it is of one moment. History blocks only change by upkeep, which leaves the agents alone while
 *    one is exported (`isExporting`); rows of `history_recent` are noted at that moment and only added to.
 */
import Database from 'better-sqlite3';
import { rm } from 'node:fs/promises';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { writeNewFile, type AgentFiles } from './agent-files.ts';
import { copyDatabase, fileError } from './copy-database.ts';
import type { HistoryStore } from './history.ts';
import { removeSecrets } from './secret-cells.ts';
import type { AgentRow } from './shard-store.ts';

/** 'Moor': tells the file from other databases (https://sqlite.org/pragma.html#pragma_application_id). */
export const EXPORT_APPLICATION_ID = 0x4d6f6f72;
export const EXPORT_FORMAT = 1;

/** Names with `mooring_` are no author's, so they meet no table of the agent. */
export const EXPORT_SCHEMA = `
CREATE TABLE mooring_export(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mooring_history(
  width_ms INTEGER NOT NULL, first_ms REAL NOT NULL, id INTEGER NOT NULL, last_ms REAL NOT NULL,
  points INTEGER NOT NULL, metrics TEXT NOT NULL, block BLOB NOT NULL,
  PRIMARY KEY(width_ms, first_ms, id)) WITHOUT ROWID;
CREATE TABLE mooring_history_recent(id INTEGER PRIMARY KEY, metrics TEXT NOT NULL, block BLOB NOT NULL);
`;

/** What sort of agent: a device's and one that is nobody's device keep different documents. */
export type AgentSort = 'device' | 'agent';

type BlockColumns = [number, number, number, number, number, string, Uint8Array];

interface ExportParts {
  readonly db: Database.Database;
  readonly directory: AgentDirectory;
  readonly files: AgentFiles;
  readonly history: HistoryStore;
  readonly cells: (key: number) => ReadonlyMap<string, string>;
}

export class AgentExporter {
  readonly #parts: ExportParts;
  #running = 0;

  constructor(parts: ExportParts) {
    this.#parts = parts;
  }

  /** History must not be moved now. */
  get isExporting(): boolean {
    return this.#running > 0;
  }

  /**
   * Writes the agent, as it is committed, into a new file.
   * @throws BridgeError BRG_UNKNOWN_AGENT, BRG_DISK_FULL, BRG_BUSY, BRG_STORE; no file is left then
   */
  async export(row: AgentRow, path: string, about: { sort: AgentSort; nowMs: number }): Promise<void> {
    this.#running++;
    try {
      const recent = row.hasFile ? await this.#copyFile(row, path) : this.#writeLight(row, path);
      await this.#complete(row, path, recent, about);
    } catch (error) {
      await rm(path, { force: true });
      throw this.#parts.directory.find(row.model, row.id)?.key === row.key
        ? fileError(error, path)
        : gone(row);
    } finally {
      this.#running--;
    }
  }

  /** Answers the rows of recent history of that moment. */
  async #copyFile(row: AgentRow, path: string): Promise<readonly number[]> {
    const { files, history } = this.#parts;
    const file = files.pin(row);
    let recent: readonly number[] = [];
    try {
      const onTaken = (): void => void (recent = history.recentIds(row.key));
      await copyDatabase(() => file.open(), path, { onTaken });
    } finally {
      files.unpin(file);
    }
    return recent;
  }

  #writeLight(row: AgentRow, path: string): readonly number[] {
    writeNewFile(path, row, this.#parts.cells(row.key));
    return this.#parts.history.recentIds(row.key);
  }

  async #complete(
    row: AgentRow,
    path: string,
    recent: readonly number[],
    { sort, nowMs }: { sort: AgentSort; nowMs: number },
  ): Promise<void> {
    const copy = new Database(path, { fileMustExist: true });
    try {
      // It is read back at once: nobody relies on it after a crash. One file, without a WAL beside it.
      copy.pragma('synchronous=OFF');
      copy.pragma('journal_mode=DELETE');
      copy.pragma(`application_id=${EXPORT_APPLICATION_ID}`);
      removeSecrets(copy);
      copy.exec(EXPORT_SCHEMA);
      await this.#copyBlocks(row.key, copy);
      await this.#copyRecent(recent, copy);
      const set = copy.prepare('INSERT INTO mooring_export(name, value) VALUES(?, ?)');
      const storage = row.hasFile ? 'heavy' : 'light';
      const { model, id } = row;
      const facts = { format: EXPORT_FORMAT, model, id, sort, storage, exportedAtMs: nowMs };
      for (const [name, value] of Object.entries(facts)) set.run(name, value);
    } finally {
      copy.close();
    }
    if (this.#parts.directory.find(row.model, row.id)?.key !== row.key) throw gone(row);
  }

  async #copyBlocks(key: number, copy: Database.Database): Promise<void> {
    const page = this.#parts.db
      .prepare<[number, number, number, number, number], BlockColumns>(
        `SELECT width_ms, first_ms, id, last_ms, points, metrics, block FROM history
         WHERE agent = ? AND (width_ms, first_ms, id) > (?, ?, ?) ORDER BY width_ms, first_ms, id LIMIT ?`,
      )
      .raw();
    const insert = copy.prepare('INSERT INTO mooring_history VALUES(?, ?, ?, ?, ?, ?, ?)');
    let after: [number, number, number] = [-1, 0, 0];
    for (;;) {
      const rows = page.all(key, ...after, limits.exportRowsPerStep);
      const last = rows.at(-1);
      if (last === undefined) return;
      inTransaction(copy, () => rows.forEach((row) => insert.run(...row)));
      after = [last[0], last[1], last[2]];
      await new Promise((resume) => setImmediate(resume));
    }
  }

  async #copyRecent(ids: readonly number[], copy: Database.Database): Promise<void> {
    const read = this.#parts.db
      .prepare<[number], [number, string, Uint8Array]>(
        'SELECT id, metrics, block FROM history_recent WHERE id = ?',
      )
      .raw();
    const insert = copy.prepare('INSERT INTO mooring_history_recent VALUES(?, ?, ?)');
    // They are smaller than blocks: one row per commit.
    const step = limits.exportRowsPerStep * 16;
    for (let start = 0; start < ids.length; start += step) {
      inTransaction(copy, () => {
        for (const id of ids.slice(start, start + step)) {
          const row = read.get(id);
          if (row !== undefined) insert.run(...row);
        }
      });
      await new Promise((resume) => setImmediate(resume));
    }
  }
}

function inTransaction(db: Database.Database, run: () => void): void {
  db.transaction(run)();
}

function gone({ model, id }: AgentRow): BridgeError {
  return new BridgeError('BRG_UNKNOWN_AGENT', `${model}/${id} was deleted while it was exported`);
}
