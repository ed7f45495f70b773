/**
 * Durations counted in buckets. They cross between threads as plain numbers that may be summed, one per
 * bucket; from the sums come quantiles, and the lines Prometheus reads.
 */

/** Upper edges in microseconds: what a wake may take, from a warm page to a slow disk. */
const EDGES_US: readonly number[] = [
  10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
];

/** Counts in a flat object, by the names `addTo` gave them. */
type Counts = Readonly<Record<string, number>>;

export class DurationHistogram {
  /** One more than edges: the last is for all above. */
  readonly #counts: number[] = Array.from({ length: EDGES_US.length + 1 }, () => 0);
  #sumUs = 0;

  observe(durationMs: number): void {
    const us = durationMs * 1000;
    let bucket = 0;
    while (bucket < EDGES_US.length && us > (EDGES_US[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumUs += us;
  }

  /** Adds `<name>Le<us>` for each bucket (with those below it), `<name>LeInf` and `<name>SumUs`. */
  addTo(totals: Record<string, number>, name: string): void {
    let total = 0;
    this.#counts.forEach((count, bucket) => (totals[keyOf(name, bucket)] = total += count));
    totals[`${name}SumUs`] = Math.round(this.#sumUs);
  }
}

/** In microseconds; interpolated within its bucket, as histogram_quantile of Prometheus does. NaN for no counts. */
export function quantileUs(counts: Counts, name: string, share: number): number {
  const rank = share * (counts[keyOf(name, EDGES_US.length)] ?? 0);
  if (rank === 0) return NaN;
  let below = 0;
  let floorUs = 0;
  for (const [bucket, edgeUs] of EDGES_US.entries()) {
    const count = counts[keyOf(name, bucket)] ?? 0;
    if (count >= rank) return floorUs + ((edgeUs - floorUs) * (rank - below)) / (count - below);
    below = count;
    floorUs = edgeUs;
  }
  return floorUs;
}

/** Series of one Prometheus histogram in seconds (text format 0.0.4), without HELP and TYPE. */
export function bucketLines(counts: Counts, name: string, metric: string, label: string): string {
  const edges = [...EDGES_US.map((us) => String(us / 1e6)), '+Inf'];
  const buckets = edges.map(
    (edge, bucket) => `${metric}_bucket{${label},le="${edge}"} ${counts[keyOf(name, bucket)] ?? 0}\n`,
  );
  const sum = `${metric}_sum{${label}} ${(counts[`${name}SumUs`] ?? 0) / 1e6}\n`;
  return `${buckets.join('')}${sum}${metric}_count{${label}} ${counts[keyOf(name, EDGES_US.length)] ?? 0}\n`;
}

function keyOf(name: string, bucket: number): string {
  return `${name}Le${EDGES_US[bucket] ?? 'Inf'}`;
}
