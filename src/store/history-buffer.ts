/** Points of one metric set, row after row: ts, then one number for each metric. */
export interface HistoryGroup {
  /** The metric names joined by METRIC_SEPARATOR: what the database keeps. */
  readonly key: string;
  readonly metrics: readonly string[];
  readonly rows: number[];
}

/** Between metric names in a key. A metric name never holds it (such metrics have no history). */
export const METRIC_SEPARATOR = '\n';

const EMPTY: HistoryGroup = { key: '', metrics: [], rows: [] };

/**
 * The telemetry of one agent since the last commit, in memory, packed as HistoryStore writes it.
 * Devices repeat the same metrics in the same order, so a point of the set last seen costs one
 * comparison and one push for each value. Text and numbers that are not finite have no history.
 * Bounded by the batch it is filled from (limits.batchBytesMax). Never throws.
 */
export class HistoryBuffer {
  readonly #groups = new Map<string, HistoryGroup>();
  #last: HistoryGroup = EMPTY;
  #points = 0;

  /** Points added since the last `clear`; a telemetry map with at least one number is one point. */
  get points(): number {
    return this.#points;
  }

  /** `tsMs`: milliseconds since epoch by the device's clock, in any order. */
  add(tsMs: number, values: Readonly<Record<string, number | boolean | string>>): void {
    if (!Number.isFinite(tsMs)) return;
    if (this.#addToLast(tsMs, values)) return;
    const names = Object.keys(values).filter((name) => hasHistory(name, values[name]));
    if (names.length === 0) return;
    const key = names.join(METRIC_SEPARATOR);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, metrics: names, rows: [] };
      this.#groups.set(key, group);
    }
    this.#last = group;
    group.rows.push(tsMs);
    for (const name of names) group.rows.push(Number(values[name]));
    this.#points++;
  }

  /** Forgets the points after they were committed; the order of the set last seen stays cached. */
  clear(): void {
    if (this.#groups.size > 1) {
      this.#groups.clear();
      this.#groups.set(this.#last.key, this.#last);
    }
    this.#last.rows.length = 0;
    this.#points = 0;
  }

  /** For HistoryStore: one group for each metric set. Read-only. */
  groups(): IterableIterator<HistoryGroup> {
    return this.#groups.values();
  }

  /** False, and nothing added, when the metrics are not exactly those of the point before. */
  #addToLast(tsMs: number, values: Readonly<Record<string, number | boolean | string>>): boolean {
    const { metrics, rows } = this.#last;
    if (metrics.length === 0) return false;
    const start = rows.length;
    let column = 0;
    rows.push(tsMs);
    for (const name in values) {
      const value = values[name];
      const number = typeof value === 'boolean' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number)) continue;
      if (metrics[column] !== name) {
        rows.length = start;
        return false;
      }
      rows.push(number);
      column++;
    }
    if (column !== metrics.length) {
      rows.length = start;
      return false;
    }
    this.#points++;
    return true;
  }
}

function hasHistory(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean' && !Number.isFinite(value)) return false;
  return !name.includes(METRIC_SEPARATOR);
}
