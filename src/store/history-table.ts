import type { Database, Statement } from 'better-sqlite3';
import { assert } from '../base/errors.ts';
import { METRIC_SEPARATOR } from './history-buffer.ts';
import { readBlock, rowsPerBlock, strideOf } from './history-block.ts';

/** The primary key of a block. `id` tells blocks apart that begin at the same millisecond. */
interface BlockKey {
  readonly agent: number;
  readonly widthMs: number;
  readonly firstMs: number;
  readonly id: number;
}

/** A block without its rows. */
export interface BlockHeader extends BlockKey {
  readonly lastMs: number;
  readonly points: number;
  /** Metric names joined by METRIC_SEPARATOR. */
  readonly metrics: string;
}

/** A block with its rows, as `history-block.ts` describes them. */
export interface Block {
  readonly metrics: string;
  readonly block: Uint8Array;
}

/**
 * Creates the tables when they are missing. Metric names stand in each block: a block explains itself, and
 * a transaction that is rolled back leaves no interned name behind in memory.
 */
export function migrateHistory(db: Database): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS history(
      agent INTEGER NOT NULL,
      width_ms INTEGER NOT NULL,
      first_ms REAL NOT NULL,
      id INTEGER NOT NULL,
      last_ms REAL NOT NULL,
      points INTEGER NOT NULL,
      metrics TEXT NOT NULL,
      block BLOB NOT NULL,
      PRIMARY KEY(agent, width_ms, first_ms, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS history_spans ON history(agent, width_ms, last_ms - first_ms);
    CREATE TABLE IF NOT EXISTS history_recent(
      id INTEGER PRIMARY KEY,
      agent INTEGER NOT NULL,
      metrics TEXT NOT NULL,
      block BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS history_moved(agent INTEGER PRIMARY KEY, through INTEGER NOT NULL)`);
}

const KEY = 'agent = ? AND width_ms = ? AND first_ms = ? AND id = ?';
const HEADER = 'agent, width_ms AS widthMs, first_ms AS firstMs, id, last_ms AS lastMs, points, metrics';

/** The statements of the history table. Opens no transaction: the caller's is used. */
export class HistoryTable {
  readonly #insert: Statement<[number, number, number, number, number, number, string, Uint8Array]>;
  readonly #nextId: Statement<[number, number, number], number>;
  readonly #span: Statement<[number, number], number | null>;
  readonly #overlapping: Statement<[number, number, number, number, number], Block>;
  readonly #read: Statement<[number, number, number, number], Uint8Array>;
  readonly #delete: Statement<[number, number, number, number]>;
  readonly #small: Statement<[number, number, number, number], BlockHeader>;
  readonly #expired: Statement<[number, number, number, number, number, number], BlockHeader>;
  readonly #deleteAgent: Statement<[number]>;

  constructor(db: Database) {
    this.#insert = db.prepare(
      `INSERT INTO history(agent, width_ms, first_ms, id, last_ms, points, metrics, block)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(agent, width_ms, first_ms, id) DO NOTHING`,
    );
    this.#nextId = db
      .prepare<[number, number, number], number>(
        'SELECT max(id) + 1 FROM history WHERE agent = ? AND width_ms = ? AND first_ms = ?',
      )
      .pluck();
    this.#span = db
      .prepare<[number, number], number | null>(
        'SELECT max(last_ms - first_ms) FROM history INDEXED BY history_spans WHERE agent = ? AND width_ms = ?',
      )
      .pluck();
    this.#overlapping = db.prepare(
      `SELECT metrics, block FROM history
       WHERE agent = ? AND width_ms = ? AND first_ms BETWEEN ? AND ? AND last_ms >= ?`,
    );
    this.#read = db
      .prepare<[number, number, number, number], Uint8Array>(`SELECT block FROM history WHERE ${KEY}`)
      .pluck();
    this.#delete = db.prepare(`DELETE FROM history WHERE ${KEY}`);
    this.#small = db.prepare(
      `SELECT ${HEADER} FROM history
       WHERE agent = ? AND points <= ? AND length(block) <= ? ORDER BY width_ms, first_ms LIMIT ?`,
    );
    this.#expired = db.prepare(
      `SELECT ${HEADER} FROM history
       WHERE agent = ? AND width_ms = ? AND first_ms < ? AND (last_ms < ? OR first_ms < ?)
       ORDER BY first_ms LIMIT ?`,
    );
    this.#deleteAgent = db.prepare('DELETE FROM history WHERE agent = ?');
  }

  /** Writes sorted rows as one block or, when there are many, several. */
  insert(agent: number, widthMs: number, metrics: string, rows: Float64Array): void {
    const stride = strideOf(widthMs, splitMetrics(metrics).length);
    assert(rows.length % stride === 0, 'history rows are whole');
    const floatsMax = rowsPerBlock(stride) * stride;
    for (let start = 0; start < rows.length; start += floatsMax) {
      this.#insertBlock(agent, widthMs, metrics, rows.subarray(start, start + floatsMax), stride);
    }
  }

  /**
   * Blocks with at least one row from `fromMs` to `toMs`, both included. None that begins longer before the range than
   * the longest block lasts reaches into it: a range reads its own blocks, not all that are older. (A point that came
   * late makes one long block; then more are read.)
   */
  overlapping(agent: number, widthMs: number, fromMs: number, toMs: number): IterableIterator<Block> {
    const spanMs = this.#span.get(agent, widthMs) ?? 0;
    const reachMs = fromMs - spanMs - 1; // 1: times may have fractions, and their difference is rounded
    return this.#overlapping.iterate(agent, widthMs, reachMs, toMs, fromMs);
  }

  rowsOf(header: BlockHeader): Float64Array {
    const block = this.#read.get(header.agent, header.widthMs, header.firstMs, header.id);
    assert(block !== undefined, 'a block that was listed is there');
    return readBlock(block);
  }

  delete(header: BlockHeader): void {
    this.#delete.run(header.agent, header.widthMs, header.firstMs, header.id);
  }

  /** Headers of blocks with few points, oldest first within a width. */
  small(agent: number, pointsMax: number, bytesMax: number, countMax: number): BlockHeader[] {
    return this.#small.all(agent, pointsMax, bytesMax, countMax);
  }

  /** Headers of blocks that end before `cutoffMs`, or begin before `splitMs`; oldest first. */
  expired(
    agent: number,
    widthMs: number,
    cutoffMs: number,
    splitMs: number,
    countMax: number,
  ): BlockHeader[] {
    return this.#expired.all(agent, widthMs, cutoffMs, cutoffMs, splitMs, countMax);
  }

  deleteAgent(agent: number): void {
    this.#deleteAgent.run(agent);
  }

  #insertBlock(agent: number, widthMs: number, metrics: string, rows: Float64Array, stride: number): void {
    const firstMs = rows[0];
    const lastMs = rows[rows.length - stride];
    assert(firstMs !== undefined && lastMs !== undefined && firstMs <= lastMs, 'block rows are sorted');
    const block = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    const points = rows.length / stride;
    const inserted = this.#insert.run(agent, widthMs, firstMs, 0, lastMs, points, metrics, block);
    if (inserted.changes === 1) return;
    const id = this.#nextId.get(agent, widthMs, firstMs);
    assert(id !== undefined, 'a taken key has a block');
    this.#insert.run(agent, widthMs, firstMs, id, lastMs, points, metrics, block);
  }
}

/** The names in a block's `metrics`. */
export function splitMetrics(metrics: string): string[] {
  return metrics.split(METRIC_SEPARATOR);
}
