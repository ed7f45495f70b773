/**
 * Durations counted in buckets. They cross between threads as plain numbers that may be summed, one per
 * bucket; from the sums come quantiles, and the lines Prometheus reads.
 */

/** Upper edges in microseconds: what a wake may take, from a warm page to a slow disk. */
const EDGES_US: readonly number[] = [
  10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
];

/** ... and what a language model may take, from a cached prompt to its longest answer. */
export const MODEL_EDGES_US: readonly number[] = [
  1000, 5000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
  30_000_000, 60_000_000, 300_000_000,
];

/** Counts in a flat object, by the names `addTo` gave them. */
type Counts = Readonly<Record<string, number>>;

export class DurationHistogram {
  /** One more than edges: the last is for all above. */
  readonly #counts: number[];
  readonly #edgesUs: readonly number[];
  #sumUs = 0;

  constructor(edgesUs: readonly number[] = EDGES_US) {
    this.#edgesUs = edgesUs;
    this.#counts = Array.from({ length: edgesUs.length + 1 }, () => 0);
  }

  observe(durationMs: number): void {
    const us = durationMs * 1000;
    let bucket = 0;
    while (bucket < this.#edgesUs.length && us > (this.#edgesUs[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumUs += us;
  }

  /** Adds `<name>Le<us>` for each bucket (with those below it), `<name>LeInf` and `<name>SumUs`. */
  addTo(totals: Record<string, number>, name: string): void {
    let total = 0;
    this.#counts.forEach((count, bucket) => (totals[keyOf(name, this.#edgesUs[bucket])] = total += count));
    totals[`${name}SumUs`] = Math.round(this.#sumUs);
  }
}

/** In microseconds; interpolated within its bucket, as histogram_quantile of Prometheus does. NaN for no counts. */
export function quantileUs(counts: Counts, name: string, share: number): number {
  const rank = share * (counts[keyOf(name, undefined)] ?? 0);
  if (rank === 0) return NaN;
  let below = 0;
  let floorUs = 0;
  for (const edgeUs of EDGES_US) {
    const count = counts[keyOf(name, edgeUs)] ?? 0;
    if (count >= rank) return floorUs + ((edgeUs - floorUs) * (rank - below)) / (count - below);
    below = count;
    floorUs = edgeUs;
  }
  return floorUs;
}

/** Series of one Prometheus histogram in seconds (text format 0.0.4), without HELP and TYPE. */
export function bucketLines(
  counts: Counts,
  name: string,
  metric: string,
  label: string,
  edgesUs: readonly number[] = EDGES_US,
): string {
  const buckets = [...edgesUs, undefined].map((edgeUs) => {
    const le = edgeUs === undefined ? '+Inf' : String(edgeUs / 1e6);
    return `${metric}_bucket{${label},le="${le}"} ${counts[keyOf(name, edgeUs)] ?? 0}\n`;
  });
  const sum = `${metric}_sum{${label}} ${(counts[`${name}SumUs`] ?? 0) / 1e6}\n`;
  return `${buckets.join('')}${sum}${metric}_count{${label}} ${counts[keyOf(name, undefined)] ?? 0}\n`;
}

/** `edgeUs` undefined: the bucket above all. */
function keyOf(name: string, edgeUs: number | undefined): string {
  return `${name}Le${edgeUs ?? 'Inf'}`;
}
