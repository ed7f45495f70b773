/**
 * Puts an exported agent in place of nobody, or of the agent that has the address.
 *
 * I1 One transaction of shard.db makes it so: row, documents and history of a new key, and for a heavy agent a
 *    note which prepared file is to become its own. That transaction is on the disk before the file is moved;
 *    a start that finds the note moves it. A crash leaves the old agent or the new one.
 * I2 Sequence numbers of another journal mean nothing here: all that is in this one counts as applied.
 */
import Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { addressKey, parseAddress, type AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentFiles } from './agent-files.ts';
import { fileError } from './copy-database.ts';
import type { HistoryStore } from './history.ts';
import type { ExportInfo, PrepareOptions } from './import-check.ts';
import type { ImportFinding } from './import-thread.ts';
import { isListed } from './listed-cells.ts';
import type { AgentRow, Presence } from './shard-store.ts';
import { makeDirectory, syncPath } from './sync-path.ts';
import { INSTALL_PREFIX } from './transfers.ts';

const NOTE_PREFIX = 'install:';

/** A sound export, ready to be installed. */
export interface PreparedImport {
  readonly info: ExportInfo;
  readonly address: AgentAddress;
  /** The upload, with documents and history. */
  readonly path: string;
  /** What becomes the agent's own file; null for a light one. */
  readonly agentPath: string | null;
}

export interface InstallOptions {
  readonly appliedSequence: number;
  readonly isOnline: boolean;
}

interface ImportParts {
  readonly db: Database.Database;
  readonly directory: AgentDirectory;
  readonly files: AgentFiles;
  readonly history: HistoryStore;
  readonly newRow: (address: AgentAddress) => AgentRow;
  /** Makes everything committed safe on the disk. */
  readonly sync: () => void;
}

interface AgentColumns {
  readonly presence: Presence;
  readonly last_seen: number | null;
  readonly messages: number;
  readonly rejected: number;
  readonly alarm_at: number | null;
  readonly created_at: number;
}

type BlockColumns = [number, number, number, number, number, string, Uint8Array];

export class AgentImporter {
  readonly #parts: ImportParts;
  readonly #directory: string;
  /** Of prepared files: those of other shards lie beside them. */
  readonly #prefix: string;

  /**
   * @param directory where uploads lie; on the same file system as the agents' files
   * @param shard number of the shard whose agents these are
   */
  constructor(parts: ImportParts, directory: string, shard = 0) {
    this.#prefix = `${INSTALL_PREFIX}${shard}.`;
    this.#parts = parts;
    this.#directory = directory;
    this.#finishInstalls();
  }

  /**
   * Looks at an upload, in a thread of its own, and makes the file of a heavy agent.
   * @throws BridgeError BRG_IMPORT_FILE, BRG_AGENT_FULL, BRG_DISK_FULL
   */
  async prepare(path: string, address: AgentAddress): Promise<PreparedImport> {
    mkdirSync(this.#directory, { recursive: true });
    const agentPath = join(this.#directory, `${this.#prefix}${newId()}.db`);
    const bytesMax = this.#parts.files.bytesMax + limits.agentReserveBytes;
    const finding = await look({ path, address, agentPath, bytesMax });
    if (finding.kind === 'refused') throw new BridgeError(finding.code, finding.message);
    const { info } = finding;
    return { info, address, path, agentPath: info.storage === 'heavy' ? agentPath : null };
  }

  /** It is not installed after all. */
  discard({ agentPath }: PreparedImport): void {
    if (agentPath !== null) rmSync(agentPath, { force: true });
  }

  /** The agent must not be awake. @throws BridgeError BRG_DISK_FULL, BRG_STORE; nothing has changed then */
  install(prepared: PreparedImport, options: InstallOptions): void {
    const { address, agentPath } = prepared;
    const source = new Database(prepared.path, { readonly: true, fileMustExist: true });
    try {
      const row = this.#rowOf(source, prepared, options);
      if (agentPath !== null) {
        completeFile(agentPath, row);
        // What follows the transaction must not fail for want of room.
        makeDirectory(dirname(this.#parts.files.path(address)));
      }
      this.#parts.db.transaction(() => this.#write(source, row, agentPath))();
      row.isStored = true;
    } catch (error) {
      this.#parts.history.rolledBack();
      throw fileError(error, prepared.path);
    } finally {
      source.close();
    }
    this.#parts.sync();
    if (agentPath === null) this.#parts.files.clear(address);
    else this.#move(address, agentPath);
  }

  #rowOf(
    source: Database.Database,
    { address, agentPath }: PreparedImport,
    options: InstallOptions,
  ): AgentRow {
    const stored = source.prepare<[], AgentColumns>('SELECT * FROM mooring_agent').get();
    if (stored === undefined) throw new BridgeError('BRG_IMPORT_FILE', 'the file has no agent');
    const wasSeen = stored.presence !== 'never';
    return {
      ...this.#parts.newRow(address),
      presence: options.isOnline ? 'online' : wasSeen ? 'offline' : 'never',
      lastSeenMs: stored.last_seen,
      messages: stored.messages,
      rejected: stored.rejected,
      appliedSequence: options.appliedSequence,
      alarmAtMs: stored.alarm_at,
      createdAtMs: stored.created_at,
      hasFile: agentPath !== null,
    };
  }

  #write(source: Database.Database, row: AgentRow, agentPath: string | null): void {
    const { db, directory, history } = this.#parts;
    const old = directory.find(row.model, row.id);
    if (old !== undefined) {
      db.prepare('DELETE FROM cells WHERE agent = ?').run(old.key);
      db.prepare('DELETE FROM agents WHERE key = ?').run(old.key);
      history.deleteAgent(old.key);
    }
    db.prepare(
      `INSERT INTO agents(key, model, id, presence, last_seen, messages, rejected, applied, alarm_at, created_at, file)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      row.key,
      row.model,
      row.id,
      row.presence,
      row.lastSeenMs,
      row.messages,
      row.rejected,
      row.appliedSequence,
      row.alarmAtMs,
      row.createdAtMs,
      row.hasFile ? 2 : 0,
    );
    this.#writeCells(source, row);
    this.#writeHistory(source, row.key);
    if (agentPath === null) return;
    db.prepare('INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)').run(
      NOTE_PREFIX + addressKey(row),
      basename(agentPath),
    );
  }

  /** All of a light agent; of a heavy one the copies that lists show. */
  #writeCells(source: Database.Database, row: AgentRow): void {
    const insert = this.#parts.db.prepare('INSERT INTO cells(agent, name, value) VALUES(?, ?, ?)');
    const cells = source.prepare<[], [string, string]>('SELECT name, value FROM mooring_cells').raw();
    for (const [name, value] of cells.iterate()) {
      const isCopied = isListed(name) && value.length <= limits.stateCopyCharactersMax;
      if (!row.hasFile || isCopied) insert.run(row.key, name, value);
    }
  }

  #writeHistory(source: Database.Database, key: number): void {
    const { db, history } = this.#parts;
    const insert = db.prepare(
      `INSERT INTO history(agent, width_ms, first_ms, id, last_ms, points, metrics, block)
       VALUES(${key}, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const blocks = source.prepare<[], BlockColumns>(
      'SELECT width_ms, first_ms, id, last_ms, points, metrics, block FROM mooring_history',
    );
    for (const block of blocks.raw().iterate()) insert.run(...block);
    const recent = source.prepare<[], { metrics: string; block: Uint8Array }>(
      'SELECT metrics, block FROM mooring_history_recent ORDER BY id',
    );
    for (const row of recent.iterate()) history.adopt(key, row);
  }

  #move(address: AgentAddress, agentPath: string): void {
    this.#parts.files.install(address, agentPath);
    this.#parts.db.prepare('DELETE FROM meta WHERE name = ?').run(NOTE_PREFIX + addressKey(address));
  }

  /** What a crash left between the transaction and the move. */
  #finishInstalls(): void {
    const notes = this.#parts.db
      .prepare<[string], { name: string; value: string }>('SELECT name, value FROM meta WHERE name GLOB ?')
      .all(`${NOTE_PREFIX}*`);
    for (const { name, value } of notes) {
      const address = parseAddress(name.slice(NOTE_PREFIX.length));
      const agentPath = join(this.#directory, basename(value));
      // Not there: it was moved, and only the note was left.
      if (address !== undefined && existsSync(agentPath)) this.#move(address, agentPath);
      else this.#parts.db.prepare('DELETE FROM meta WHERE name = ?').run(name);
    }
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory)) {
      if (name.startsWith(this.#prefix)) rmSync(join(this.#directory, name), { force: true });
    }
  }
}

/** Writes what is known only now, and makes the file safe on the disk. */
function completeFile(path: string, row: AgentRow): void {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.prepare('UPDATE mooring_agent SET presence = ?, applied = ?').run(row.presence, row.appliedSequence);
  } finally {
    db.close();
  }
  syncPath(path);
}

function look(options: PrepareOptions): Promise<ImportFinding> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./import-thread.${extension}`, import.meta.url), {
    workerData: options,
  });
  return new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new BridgeError('BRG_STORE', 'the look at an import ended early')));
  });
}
