/**
 * Telemetry history: packed blocks in shard.db.
 *
 * A commit writes one row for each agent and metric set to `history_recent`. `retainStep`, called by the
 * shard's loop, moves them into the agent's own blocks in `history`, joins small blocks and makes minutes,
 * then hours, of what is old.
 * I1 A point is in exactly one place: a recent row, a raw block, a minute or an hour.
 * I2 Nothing here begins or ends a transaction; the caller's makes every call atomic.
 * I3 `first_ms` and `last_ms` hold the least and greatest time of a block, whatever order points came in.
 */
import type { Database } from 'better-sqlite3';
import { limits } from '../base/limits.ts';
import type { HistoryBuffer } from './history-buffer.ts';
import {
  HOUR_MS,
  MINUTE_MS,
  RAW_MS,
  ROLLUP_COLUMNS,
  readBlock,
  rowsPerBlock,
  strideOf,
} from './history-block.ts';
import { HistoryRecent } from './history-recent.ts';
import { HistoryTable, splitMetrics, type Block } from './history-table.ts';
import { Retention, type RetentionPolicy } from './retention.ts';

export { HistoryBuffer } from './history-buffer.ts';
export { migrateHistory } from './history-table.ts';

/** One bucket of an answer. `ts`: the first time in it, in ms since epoch. */
export interface HistoryPoint {
  readonly ts: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

export interface HistorySeries {
  readonly metric: string;
  readonly points: readonly HistoryPoint[];
}

export interface HistoryQuery {
  /** Null: all metrics that have points in the range. */
  readonly metric: string | null;
  /** Milliseconds since epoch, both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Buckets of equal width the range is cut into; at most limits.historyPointsMax. */
  readonly points: number;
}

export class HistoryStore {
  readonly #table: HistoryTable;
  readonly #recent: HistoryRecent;
  readonly #retention: Retention;
  #scratch = new Float64Array(0);

  /** `migrateHistory` must have run on `db`. */
  constructor(db: Database) {
    this.#table = new HistoryTable(db);
    this.#recent = new HistoryRecent(db);
    this.#retention = new Retention(this.#table, this.#recent);
  }

  /** Writes what the buffer holds; the caller clears the buffer once its transaction is committed. */
  append(agent: number, buffer: HistoryBuffer): void {
    for (const { key, metrics, rows } of buffer.groups()) {
      const stride = metrics.length + 1;
      const floatsMax = rowsPerBlock(stride) * stride;
      for (let start = 0; start < rows.length; start += floatsMax) {
        this.#recent.append(agent, key, this.#pack(rows, start, Math.min(rows.length, start + floatsMax)));
      }
    }
  }

  /** Must be called after a transaction with `append`, `retainStep` or `deleteAgent` was rolled back. */
  rolledBack(): void {
    this.#recent.reload();
  }

  /**
   * History in buckets of equal width; empty buckets are left out. A minute or an hour that old points
   * were rolled up to counts in the bucket its beginning falls in. One series (maybe empty) for a named
   * metric; else one for each metric with points, by name. An empty range gives empty series.
   * @param added points of the agent that are not committed yet
   */
  query(agent: number, query: HistoryQuery, added?: HistoryBuffer | null): HistorySeries[] {
    const buckets = new Buckets(query);
    if (!(query.fromMs <= query.toMs)) return buckets.series();
    for (const widthMs of [HOUR_MS, MINUTE_MS, RAW_MS]) {
      // A rolled-up row that begins before the range still reaches into it.
      const fromMs = widthMs === RAW_MS ? query.fromMs : query.fromMs - widthMs + 1;
      for (const block of this.#table.overlapping(agent, widthMs, fromMs, query.toMs)) {
        buckets.addBlock(block, widthMs, fromMs);
      }
    }
    for (const id of this.#recent.idsOf(agent)) {
      const block = this.#recent.read(id);
      if (block !== undefined) buckets.addBlock(block, RAW_MS, query.fromMs);
    }
    for (const { metrics, rows } of added?.groups() ?? []) {
      buckets.addRows(metrics, Float64Array.from(rows), RAW_MS, query.fromMs);
    }
    return buckets.series();
  }

  /** Rows of `history_recent` that belong to the agent now. */
  recentIds(agent: number): readonly number[] {
    return [...this.#recent.idsOf(agent)];
  }

  /** Adds a row as `history_recent` holds it: of another database. */
  adopt(agent: number, { metrics, block }: Block): void {
    this.#recent.append(agent, metrics, block);
  }

  /** Forgets the agent's history. */
  deleteAgent(agent: number): void {
    this.#recent.deleteAgent(agent);
    this.#table.deleteAgent(agent);
    this.#retention.forget(agent);
  }

  /**
   * One bounded piece of upkeep (limits.historyStepPointsMax) for these agents, inside the caller's
   * transaction: moves and joins blocks, rolls up and deletes what is older than the policy says. Answers
   * the agents that still have work; hand them in again after the loop was given back.
   */
  retainStep(nowMs: number, agents: readonly number[], policy: RetentionPolicy): number[] {
    return this.#retention.step(nowMs, agents, policy);
  }

  /** The bytes of some rows, valid until the next call: SQLite copies a blob when it is bound. */
  #pack(rows: readonly number[], start: number, end: number): Uint8Array {
    if (this.#scratch.length < end - start) this.#scratch = new Float64Array(end - start);
    for (let from = start, to = 0; from < end; from++, to++) this.#scratch[to] = rows[from]!;
    return new Uint8Array(this.#scratch.buffer, 0, (end - start) * Float64Array.BYTES_PER_ELEMENT);
  }
}

/** Running first time, min, max, sum and count of one metric. */
interface Totals {
  readonly first: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly sum: Float64Array;
  readonly count: Float64Array;
}

class Buckets {
  readonly #metric: string | null;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #length: number;
  readonly #widthMs: number;
  readonly #totals = new Map<string, Totals>();

  constructor(query: HistoryQuery) {
    this.#metric = query.metric;
    this.#fromMs = query.fromMs;
    this.#toMs = query.toMs;
    this.#length = Math.min(Math.max(Math.floor(query.points), 1), limits.historyPointsMax);
    this.#widthMs = (query.toMs - query.fromMs) / this.#length;
    if (query.metric !== null) this.#totalsOf(query.metric);
  }

  /** Adds the rows of a block from `fromMs` (for rolled-up ones a width early) to the end of the range. */
  addBlock(block: Block, widthMs: number, fromMs: number): void {
    this.addRows(splitMetrics(block.metrics), readBlock(block.block), widthMs, fromMs);
  }

  addRows(metrics: readonly string[], rows: Float64Array, widthMs: number, fromMs: number): void {
    const stride = strideOf(widthMs, metrics.length);
    const bucketOf = this.#bucketsOf(rows, stride, fromMs);
    metrics.forEach((metric, index) => {
      if (this.#metric !== null && metric !== this.#metric) return;
      const totals = this.#totalsOf(metric);
      if (widthMs === RAW_MS) addRaw(totals, rows, stride, 1 + index, bucketOf);
      else addRolledUp(totals, rows, stride, 1 + index * ROLLUP_COLUMNS, bucketOf);
    });
  }

  series(): HistorySeries[] {
    return [...this.#totals]
      .map(([metric, totals]) => ({ metric, points: this.#points(totals) }))
      .filter(({ points }) => points.length > 0 || this.#metric !== null)
      .sort((a, b) => (a.metric < b.metric ? -1 : 1));
  }

  #points({ first, min, max, sum, count }: Totals): HistoryPoint[] {
    const points: HistoryPoint[] = [];
    count.forEach((n, bucket) => {
      if (n === 0) return;
      // A rolled-up row may begin before the range.
      const ts = Math.max(first[bucket]!, this.#fromMs);
      points.push({ ts, min: min[bucket]!, max: max[bucket]!, mean: sum[bucket]! / n, count: n });
    });
    return points;
  }

  /** For each row its bucket, or -1 outside of the range. */
  #bucketsOf(rows: Float64Array, stride: number, fromMs: number): Int32Array {
    const bucketOf = new Int32Array(rows.length / stride);
    for (let at = 0, row = 0; at < rows.length; at += stride, row++) {
      const ts = rows[at]!;
      if (ts < fromMs || ts > this.#toMs) bucketOf[row] = -1;
      else if (ts > this.#fromMs) {
        bucketOf[row] = Math.min(this.#length - 1, Math.floor((ts - this.#fromMs) / this.#widthMs));
      }
    }
    return bucketOf;
  }

  #totalsOf(metric: string): Totals {
    let totals = this.#totals.get(metric);
    if (totals === undefined) {
      totals = {
        first: new Float64Array(this.#length).fill(Infinity),
        min: new Float64Array(this.#length).fill(Infinity),
        max: new Float64Array(this.#length).fill(-Infinity),
        sum: new Float64Array(this.#length),
        count: new Float64Array(this.#length),
      };
      this.#totals.set(metric, totals);
    }
    return totals;
  }
}

function addRaw(
  totals: Totals,
  rows: Float64Array,
  stride: number,
  column: number,
  bucketOf: Int32Array,
): void {
  const { first, min, max, sum, count } = totals;
  for (let row = 0, at = column; row < bucketOf.length; row++, at += stride) {
    const bucket = bucketOf[row]!;
    if (bucket < 0) continue;
    const ts = rows[row * stride]!;
    if (ts < first[bucket]!) first[bucket] = ts;
    const value = rows[at]!;
    if (value < min[bucket]!) min[bucket] = value;
    if (value > max[bucket]!) max[bucket] = value;
    sum[bucket]! += value;
    count[bucket]!++;
  }
}

function addRolledUp(
  totals: Totals,
  rows: Float64Array,
  stride: number,
  column: number,
  bucketOf: Int32Array,
): void {
  const { first, min, max, sum, count } = totals;
  for (let row = 0, at = column; row < bucketOf.length; row++, at += stride) {
    const bucket = bucketOf[row]!;
    if (bucket < 0) continue;
    const ts = rows[row * stride]!;
    if (ts < first[bucket]!) first[bucket] = ts;
    min[bucket] = Math.min(min[bucket]!, rows[at]!);
    max[bucket] = Math.max(max[bucket]!, rows[at + 1]!);
    sum[bucket]! += rows[at + 2]!;
    count[bucket]! += rows[at + 3]!;
  }
}
