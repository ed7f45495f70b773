/**
 * Rows of one shard: its agents, the documents ("cells") of the light ones, the history of all. Heavy ones
 * have a file of their own besides (heavy-agents.ts).
 *
 * I1 Everything a batch of turns changed is written by ONE transaction (`commit`), together with the
 *    sequence numbers that say which journal entries it covers; that of a heavy agent by one of its file.
 * I2 synchronous=NORMAL: after a power loss the file may be older, never torn; the journal replays.
 * I3 The journal may be trimmed below a checkpoint's answer only: that much is fsynced here, files included.
 */
import type Database from 'better-sqlite3';
import { dirname, join } from 'node:path';
import { limits } from '../base/limits.ts';
import { AuditLog, type AuditEntry } from './audit.ts';
import { openDatabase, storeError } from './database.ts';
import { AgentDirectory, type FoundAgent } from './agent-directory.ts';
import type { AgentFile } from './agent-file.ts';
import { AgentFiles, filesOpenMax } from './agent-files.ts';
import { Copies } from './copies.ts';
import { ForgottenAgents } from './forgotten-agents.ts';
import { HeavyAgents, type LoadedAgent } from './heavy-agents.ts';
import { isListed } from './listed-cells.ts';
import { HistoryStore, type HistoryBuffer } from './history.ts';
import type { RetentionPolicy } from './retention.ts';
import { migrateShard } from './shard-schema.ts';
import { prepareShard } from './shard-statements.ts';
import type { StoreOptions } from './store-options.ts';
import { syncWal } from './sync-path.ts';

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
  /** The agent is heavy: its documents are in a file of its own. */
  hasFile: boolean;
}

/** One agent's part of a commit. `cells`: JSON text by name, null deletes. */
export interface AgentChange {
  readonly row: AgentRow;
  readonly cells: Iterable<readonly [name: string, json: string | null]>;
  readonly history: HistoryBuffer | null;
  /** Its own file, when it is heavy. */
  readonly file: AgentFile | null;
  /** Rows for the audit log of the shard, also those of heavy agents. */
  readonly audits: readonly AuditEntry[];
  readonly isForgotten: boolean;
}

interface Checkpoint {
  readonly watermark: number;
  readonly files: ReadonlyMap<number, AgentFile>;
  readonly left: Iterator<AgentFile>;
}

export class ShardStore {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly history: HistoryStore;
  readonly directory: AgentDirectory;
  readonly audit: AuditLog;
  readonly forgotten: ForgottenAgents;
  readonly heavy: HeavyAgents;
  readonly copies: Copies;
  readonly #commit: (changes: Iterable<AgentChange>, appliedWatermark: number) => void;
  readonly #statements: ReturnType<typeof prepareShard>;
  #nextKey: number;
  #committedWatermark: number;
  #checkpoint: Checkpoint | undefined;

  /** Agents' own files lie in `agents` beside `path`. */
  constructor(path: string, options: StoreOptions = {}) {
    this.#path = path;
    const settings = { synchronous: 'NORMAL', pageBytes: 4096, cacheKiB: 65_536 } as const;
    const db = (this.#db = options.database ?? openDatabase(path, settings));
    if (options.pagesMax !== undefined) db.pragma(`max_page_count=${options.pagesMax}`);
    // Checkpoints are made by `checkpoint()`: it must know what they covered.
    db.pragma('wal_autocheckpoint=0');
    migrateShard(db, path);
    this.#statements = prepareShard(db);
    this.history = new HistoryStore(db);
    this.directory = new AgentDirectory(db);
    this.audit = new AuditLog(db);
    this.forgotten = new ForgottenAgents(db, this.history, this.#statements.setMeta);
    const { agentBytesMax = limits.agentBytesMax, shards = 1 } = options;
    const { agentFilesOpenMax = filesOpenMax(shards) } = options;
    const files = new AgentFiles(join(dirname(path), 'agents'), agentBytesMax, agentFilesOpenMax);
    this.heavy = new HeavyAgents(db, this.directory, files);
    this.forgotten.finish(this.directory, files);
    this.#nextKey = this.directory.maxKey() + 1;
    this.copies = new Copies(db, path, this, options.shard);
    this.#committedWatermark = Number(this.#statements.meta.get('watermark')?.value ?? 0);
    this.#commit = db.transaction((changes: Iterable<AgentChange>, appliedWatermark: number) => {
      this.forgotten.drop(appliedWatermark);
      for (const change of changes) {
        this.#write(change);
        if (change.audits.length > 0) this.audit.append(change.audits);
      }
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
      appliedSequence: this.forgotten.before({ model, id }),
      alarmAtMs: null,
      createdAtMs: nowMs,
      isStored: false,
      hasFile: false,
    };
  }

  /** What an agent wakes with; the row of a heavy one becomes what its file says. @throws BridgeError BRG_STORE */
  load({ row, cells }: FoundAgent, nowMs: number): LoadedAgent {
    if (row.hasFile) return this.heavy.load(row, nowMs);
    return { cells: cells ?? (row.isStored ? this.cells(row.key) : []), file: null, historySequence: 0 };
  }

  /** Gives a light agent a file of its own. @throws BridgeError BRG_DISK_FULL, BRG_STORE */
  promote(row: AgentRow): AgentFile {
    const before = Math.max(this.#committedWatermark, this.forgotten.before(row));
    return this.heavy.promote(row, row.isStored ? this.cells(row.key) : new Map<string, string>(), before);
  }

  /** The documents of a light agent as JSON text by name. */
  cells(key: number): Map<string, string> {
    return new Map(this.#statements.cells.all(key).map((row) => [row.name, row.value]));
  }

  /** One document of a light agent, or the small state of a heavy one, without waking it. */
  cell(key: number, name: string): string | undefined {
    return this.#statements.cell.get(key, name)?.value;
  }

  /**
   * Writes everything: one transaction here, then one of each heavy agent's file.
   * @throws BridgeError BRG_DISK_FULL: the same call is to be repeated later; it adds what is missing.
   */
  commit(changes: Iterable<AgentChange> & { readonly length: number }, appliedWatermark: number): void {
    try {
      this.#commit(changes, appliedWatermark);
    } catch (error) {
      this.history.rolledBack();
      throw storeError(error, this.#path);
    }
    let isFirst = false;
    for (const { row, history, file, isForgotten } of changes) {
      isFirst ||= file !== null && (isForgotten || (history !== null && history.points > 0));
      row.isStored = !isForgotten;
      // It must not be added again when a file fails and all of this is repeated.
      history?.clear();
    }
    // After a power loss no file may be newer than the history of its messages, and none missing whose row is there.
    if (isFirst) syncWal(this.#path);
    this.forgotten.committed(changes, appliedWatermark);
    this.heavy.commit(changes);
    this.#committedWatermark = appliedWatermark;
  }

  /**
   * Makes the last commit of these safe on the disk now: what was told of it is in no journal that would tell it again.
   * @param files of those among them that have one
   * @throws BridgeError BRG_STORE
   */
  syncCommitted(files: Iterable<AgentFile | null>): void {
    // First: a file that survives a power loss is not newer than its row, which holds its alarm.
    syncWal(this.#path);
    for (const file of files) file?.syncCommitted();
  }

  /**
   * One bounded step of history's upkeep, in a transaction; returns the agents with more to do. None during an export.
   * @throws BridgeError BRG_DISK_FULL; nothing has changed then
   */
  retain(nowMs: number, keys: number[], policy: RetentionPolicy): number[] {
    if (this.copies.exporter.isExporting) return [];
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

  /** Makes everything committed so far safe on disk; answers the watermark that the journal may be trimmed to. */
  checkpoint(): number {
    for (;;) {
      const watermark = this.checkpointStep();
      if (watermark !== undefined) return watermark;
    }
  }

  /**
   * A bounded step of that: agents' files first, then shard.db. Undefined: there is more to do.
   * @throws BridgeError BRG_DISK_FULL; the checkpoint begins anew with the next step
   */
  checkpointStep(): number | undefined {
    const checkpoint = (this.#checkpoint ??= this.#beginCheckpoint());
    try {
      if (!this.heavy.syncSome(checkpoint.left)) return undefined;
      this.#checkpoint = undefined;
      this.heavy.synced(checkpoint.files);
      // The columns of PRAGMA wal_checkpoint are documented by SQLite.
      const rows = this.#db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      return rows[0]?.busy === 0 ? checkpoint.watermark : 0;
    } catch (error) {
      this.#checkpoint = undefined;
      this.heavy.putBack(checkpoint.files);
      throw storeError(error, this.#path);
    }
  }

  close(): void {
    this.heavy.files.closeAll();
    this.#db.close();
  }

  #beginCheckpoint(): Checkpoint {
    const files = this.heavy.takeWritten();
    return { watermark: this.#committedWatermark, files, left: files.values() };
  }

  #write(change: AgentChange): void {
    const { row } = change;
    const s = this.#statements;
    if (change.isForgotten) return this.forgotten.delete(row);
    const { key, presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs } = row;
    const file = row.hasFile ? 2 : 0;
    if (row.isStored) {
      s.updateAgent.run(presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs, file, key);
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
      if (row.hasFile && !isListed(name)) continue;
      const isKept = json !== null && !(row.hasFile && json.length > limits.stateCopyCharactersMax);
      if (isKept) s.setCell.run(key, name, json);
      else s.deleteCell.run(key, name);
    }
    if (change.history !== null && change.history.points > 0) this.history.append(key, change.history);
  }
}
