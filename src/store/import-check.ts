/**
 * Looks at the file of an import and makes of it what is installed. It may take long and it reads what
 * anybody may have written, so it runs in a thread of its own (import-thread.ts).
 */
import Database from 'better-sqlite3';
import { closeSync, copyFileSync, openSync, readSync, rmSync } from 'node:fs';
import { isAddress, type AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { EXPORT_APPLICATION_ID, EXPORT_FORMAT, EXPORT_SCHEMA, type AgentSort } from './agent-export.ts';
import { AGENT_FILE_SCHEMA } from './agent-file.ts';
import { fileError } from './copy-database.ts';
import { PAGE_BYTES } from './database.ts';
import { HOUR_MS, MINUTE_MS, RAW_MS, strideOf } from './history-block.ts';
import { splitMetrics } from './history-table.ts';
import { syncPath } from './sync-path.ts';

/** What an export says of itself. */
export interface ExportInfo {
  readonly model: string;
  readonly id: string;
  readonly sort: AgentSort;
  readonly storage: 'light' | 'heavy';
}

export interface PrepareOptions {
  readonly path: string;
  /** Who it becomes. */
  readonly address: AgentAddress;
  /** Where the file of a heavy agent is made. */
  readonly agentPath: string;
  /** Bytes such a file may have. */
  readonly bytesMax: number;
}

const MAGIC = 'SQLite format 3\u0000';
/** Where the header says how the file is read and written; 1: without a WAL beside it (https://sqlite.org/fileformat.html). */
const VERSIONS_AT = 18;
const HEADER_BYTES = 20;
const WIDTHS: readonly unknown[] = [RAW_MS, MINUTE_MS, HOUR_MS];

/** What an export holds, in numbers of rows. */
export interface ExportDescription extends ExportInfo {
  readonly documents: number;
  readonly keys: number;
  /** Of the author's tables together, and by table. */
  readonly rows: number;
  readonly tables: Readonly<Record<string, number>>;
  /** Blocks of history. */
  readonly history: number;
}

/** @throws BridgeError BRG_IMPORT_FILE */
export function describeExport(path: string): ExportDescription {
  return reading(path, (db) => {
    const count = (table: string): number =>
      Number(
        db
          .prepare(`SELECT count(*) FROM "${table.replaceAll('"', '""')}"`)
          .pluck()
          .get(),
      );
    const own =
      "type = 'table' AND name NOT LIKE 'mooring\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    const tables = Object.fromEntries(schemaOf(db, own).map(([name]) => [name, count(name)]));
    return {
      ...infoOf(db),
      documents: count('mooring_cells'),
      keys: count('mooring_kv'),
      rows: Object.values(tables).reduce((sum, rows) => sum + rows, 0),
      tables,
      history: count('mooring_history') + count('mooring_history_recent'),
    };
  });
}

/**
 * Checks all of an export; of a heavy agent it makes the file, complete and on the disk, that is installed.
 * @throws BridgeError BRG_IMPORT_FILE, BRG_AGENT_FULL, BRG_DISK_FULL
 */
export function prepareImport(options: PrepareOptions): ExportInfo {
  const info = reading(options.path, (db) => {
    checkSound(db);
    const found = infoOf(db);
    checkTables(db, found);
    checkRows(db);
    checkHistory(db);
    return found;
  });
  if (info.storage === 'heavy') makeAgentFile(options);
  return info;
}

function reading<T>(path: string, read: (db: Database.Database) => T): T {
  if (!isSqlite(path)) throw refused('it is no SQLite database of one file');
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    // Functions in views and triggers of a stranger's file do nothing of their own.
    db.pragma('trusted_schema=OFF');
    db.pragma('cell_size_check=ON');
    return read(db);
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw refused(error instanceof Error ? error.message : String(error));
  } finally {
    db?.close();
  }
}

function isSqlite(path: string): boolean {
  const head = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.toString('latin1', 0, MAGIC.length) === MAGIC && head.readUInt16BE(VERSIONS_AT) === 0x0101;
}

function infoOf(db: Database.Database): ExportInfo {
  const isOurs = db.pragma('application_id', { simple: true }) === EXPORT_APPLICATION_ID;
  if (!isOurs) throw refused('it is a SQLite database, but not made by `mooring agent export`');
  const rows = db
    .prepare<[], { name: string; value: unknown }>('SELECT name, value FROM mooring_export')
    .all();
  const { format, model, id, sort, storage } = Object.fromEntries(rows.map((row) => [row.name, row.value]));
  if (format !== EXPORT_FORMAT) {
    throw refused(
      `it has format ${String(format)}, this program knows ${EXPORT_FORMAT}: use a newer program`,
    );
  }
  if (typeof model !== 'string' || typeof id !== 'string' || !isAddress(model, id))
    throw refused('it names no agent');
  if (sort !== 'device' && sort !== 'agent') throw refused('it does not say what sort of agent it is');
  if (storage !== 'light' && storage !== 'heavy') throw refused('it does not say how the agent is stored');
  return { model, id, sort, storage };
}

function checkSound(db: Database.Database): void {
  const found = db.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw refused(`it is damaged (${String(found)})`);
}

/** The runtime's own tables must be exactly those it makes; the author's may be anything. */
function checkTables(db: Database.Database, info: ExportInfo): void {
  if (db.pragma('page_size', { simple: true }) !== PAGE_BYTES)
    throw refused(`its pages are not ${PAGE_BYTES} bytes`);
  const own = new Map(schemaOf(db, "name LIKE 'mooring\\_%' ESCAPE '\\'"));
  const model = new Database(':memory:');
  model.exec(AGENT_FILE_SCHEMA + EXPORT_SCHEMA);
  const expected = schemaOf(model, "name LIKE 'mooring\\_%' ESCAPE '\\'");
  model.close();
  const isSame = own.size === expected.length && expected.every(([name, sql]) => own.get(name) === sql);
  if (!isSame) throw refused('its tables are not those of an export');
  const foreign = "type IN ('trigger', 'view', 'index') AND sql LIKE '%mooring\\_%' ESCAPE '\\'";
  if (schemaOf(db, foreign).length > 0)
    throw refused('a trigger, view or index of it touches the runtime’s tables');
  const others = "name NOT LIKE 'mooring\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
  if (info.storage === 'light' && schemaOf(db, others).length > 0)
    throw refused('a light agent has no tables of its own');
}

function schemaOf(db: Database.Database, condition: string): [name: string, sql: string | null][] {
  return db
    .prepare<[], [string, string | null]>(`SELECT name, sql FROM sqlite_schema WHERE ${condition}`)
    .raw()
    .all();
}

function checkRows(db: Database.Database): void {
  const count = (sql: string): unknown => db.prepare(sql).pluck().get();
  const agents = `SELECT count(*) FROM mooring_agent WHERE presence IN ('online', 'offline', 'never')
    AND typeof(messages) = 'integer' AND typeof(rejected) = 'integer' AND typeof(created_at) IN ('real', 'integer')
    AND typeof(last_seen) IN ('real', 'integer', 'null') AND typeof(alarm_at) IN ('real', 'integer', 'null')`;
  if (count('SELECT count(*) FROM mooring_agent') !== 1 || count(agents) !== 1) {
    throw refused('its row of the agent is not sound');
  }
  const cells = "SELECT count(*) FROM mooring_cells WHERE typeof(value) <> 'text' OR NOT json_valid(value)";
  if (count(cells) !== 0) throw refused('a document of it is not JSON');
}

interface HistoryRow {
  readonly width_ms: unknown;
  readonly first_ms: unknown;
  readonly last_ms: unknown;
  readonly points: unknown;
  readonly metrics: unknown;
  readonly bytes: unknown;
}

function checkHistory(db: Database.Database): void {
  let bytes = 0;
  const blocks = db.prepare<[], HistoryRow>(
    `SELECT width_ms, first_ms, last_ms, points, metrics, iif(typeof(block) = 'blob', length(block), NULL) AS bytes
     FROM mooring_history
     UNION ALL SELECT ${RAW_MS}, 0, 0, 0, metrics, iif(typeof(block) = 'blob', length(block), NULL)
     FROM mooring_history_recent`,
  );
  for (const row of blocks.iterate()) {
    const { width_ms: widthMs, metrics, bytes: length } = row;
    const numbers = [widthMs, row.first_ms, row.last_ms, row.points];
    const isRow =
      numbers.every(Number.isFinite) &&
      WIDTHS.includes(widthMs) &&
      typeof metrics === 'string' &&
      typeof length === 'number';
    const rowBytes = isRow ? strideOf(Number(widthMs), splitMetrics(metrics).length) * 8 : 0;
    if (!isRow || length === 0 || length % rowBytes !== 0) throw refused('its history is not sound');
    bytes += length;
  }
  if (bytes > limits.importHistoryBytesMax) {
    throw refused(`its history has ${bytes} bytes, an import may bring ${limits.importHistoryBytesMax}`);
  }
}

function makeAgentFile({ path, agentPath, address, bytesMax }: PrepareOptions): void {
  rmSync(agentPath, { force: true });
  try {
    copyFileSync(path, agentPath);
    const db = new Database(agentPath, { fileMustExist: true });
    try {
      db.pragma('trusted_schema=OFF');
      db.exec('DROP TABLE mooring_export; DROP TABLE mooring_history; DROP TABLE mooring_history_recent');
      db.prepare('UPDATE mooring_agent SET model = ?, id = ?').run(address.model, address.id);
      db.pragma('application_id=0');
      vacuumIfWorthIt(db);
      const bytes = Number(db.pragma('page_count', { simple: true })) * PAGE_BYTES;
      if (bytes > bytesMax) {
        const message = `the agent’s database has ${bytes} bytes, here it may have ${bytesMax}`;
        throw new BridgeError('BRG_AGENT_FULL', message, { details: { bytesMax } });
      }
      db.pragma('journal_mode=WAL');
    } finally {
      db.close();
    }
    // Here, so that the shard's own fsync has next to nothing to do.
    syncPath(agentPath);
  } catch (error) {
    rmSync(agentPath, { force: true });
    throw fileError(error, agentPath);
  }
}

/** A long history leaves its pages free; a few are soon used again. */
function vacuumIfWorthIt(db: Database.Database): void {
  const free = Number(db.pragma('freelist_count', { simple: true }));
  const pages = Number(db.pragma('page_count', { simple: true }));
  if (free > pages / 8) db.exec('VACUUM');
}

function refused(why: string): BridgeError {
  return new BridgeError('BRG_IMPORT_FILE', `the file is not imported: ${why}`);
}
