/**
 * A history block is a run of rows of 64-bit floats, little-endian as on every platform the bridge runs on.
 *
 *   raw (width 0)   [ts, value x metrics]
 *   rolled up       [start, (min, max, sum, count) x metrics]   start = ts rounded down to the width
 *
 * All functions here are pure; they never change the rows they are given.
 */
import { limits } from '../base/limits.ts';

export const RAW_MS = 0;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Columns a rolled-up row has for each metric: min, max, sum, count. */
export const ROLLUP_COLUMNS = 4;

/** Floats in one row of a block of this width. */
export function strideOf(widthMs: number, metricsCount: number): number {
  return 1 + metricsCount * (widthMs === RAW_MS ? 1 : ROLLUP_COLUMNS);
}

/** Rows that fit in one block, at least one. */
export function rowsPerBlock(stride: number): number {
  const fitting = Math.floor(limits.historyBlockBytesMax / (stride * Float64Array.BYTES_PER_ELEMENT));
  return Math.max(1, Math.min(limits.historyBlockPointsMax, fitting));
}

/** The floats of a block read from the database. */
export function readBlock(block: Uint8Array): Float64Array {
  // A view needs 8-byte alignment, which the driver does not promise.
  const bytes = block.byteOffset % Float64Array.BYTES_PER_ELEMENT === 0 ? block : block.slice();
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float64Array.BYTES_PER_ELEMENT);
}

/** The rows of all blocks in the order of their time; rows of one time keep the order they came in. */
export function sortRows(blocks: readonly Float64Array[], stride: number): Float64Array {
  const rows = concatenate(blocks);
  if (isSorted(rows, stride)) return rows;
  const order = Array.from({ length: rows.length / stride }, (_, index) => index * stride);
  order.sort((a, b) => rows[a]! - rows[b]!); // both are inside `rows`
  const sorted = new Float64Array(rows.length);
  order.forEach((offset, index) => sorted.set(rows.subarray(offset, offset + stride), index * stride));
  return sorted;
}

/** Index of the first float of the first row that is not before `cutoffMs`, in sorted rows. */
export function splitAt(rows: Float64Array, stride: number, cutoffMs: number): number {
  let low = 0;
  let high = rows.length / stride;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle * stride]! < cutoffMs) low = middle + 1;
    else high = middle;
  }
  return low * stride;
}

/**
 * Sorted rows of width `fromMs` as rows of width `toMs`, one for each start. With `fromMs` equal to
 * `toMs` it only joins rows of the same start.
 */
export function rollUp(rows: Float64Array, metricsCount: number, fromMs: number, toMs: number): Float64Array {
  const stride = strideOf(fromMs, metricsCount);
  const outStride = strideOf(toMs, metricsCount);
  const out = new Float64Array((rows.length / stride) * outStride);
  let end = 0;
  for (let at = 0; at < rows.length; at += stride) {
    const start = Math.floor(rows[at]! / toMs) * toMs;
    if (end === 0 || out[end - outStride] !== start) {
      openRow(out, end, metricsCount, start);
      end += outStride;
    }
    addRow(out, end - outStride + 1, rows, at + 1, metricsCount, fromMs === RAW_MS);
  }
  return out.slice(0, end);
}

function openRow(out: Float64Array, at: number, metricsCount: number, start: number): void {
  out[at] = start;
  for (let metric = 0, column = at + 1; metric < metricsCount; metric++, column += ROLLUP_COLUMNS) {
    out[column] = Infinity;
    out[column + 1] = -Infinity;
  }
}

function addRow(
  out: Float64Array,
  outAt: number,
  rows: Float64Array,
  rowAt: number,
  metricsCount: number,
  isRaw: boolean,
): void {
  const step = isRaw ? 1 : ROLLUP_COLUMNS;
  for (let metric = 0; metric < metricsCount; metric++) {
    const to = outAt + metric * ROLLUP_COLUMNS;
    const from = rowAt + metric * step;
    const least = rows[from]!;
    const most = isRaw ? least : rows[from + 1]!;
    if (least < out[to]!) out[to] = least;
    if (most > out[to + 1]!) out[to + 1] = most;
    out[to + 2]! += isRaw ? least : rows[from + 2]!;
    out[to + 3]! += isRaw ? 1 : rows[from + 3]!;
  }
}

function concatenate(blocks: readonly Float64Array[]): Float64Array {
  const [first] = blocks;
  if (first !== undefined && blocks.length === 1) return first;
  const rows = new Float64Array(blocks.reduce((total, block) => total + block.length, 0));
  let end = 0;
  for (const block of blocks) {
    rows.set(block, end);
    end += block.length;
  }
  return rows;
}

function isSorted(rows: Float64Array, stride: number): boolean {
  for (let at = stride; at < rows.length; at += stride) {
    if (rows[at]! < rows[at - stride]!) return false;
  }
  return true;
}
