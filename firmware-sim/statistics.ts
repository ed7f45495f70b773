/** Buckets grow by 5 %, so a percentile is right to 5 %, in constant memory however long a run is. */
const GROWTH = Math.log(1.05);
const FIRST_MS = 0.5;
const BUCKETS = 256;

/** A histogram of latencies in milliseconds. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  record(latencyMs: number): void {
    const bucket = Math.ceil(Math.log(Math.max(latencyMs, FIRST_MS) / FIRST_MS) / GROWTH);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
  }

  /** Upper bound of the bucket `share` (0..1) of all latencies fall into; null without any. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null;
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= share * this.#total) return Number((FIRST_MS * Math.exp(index * GROWTH)).toPrecision(3));
    }
    return null;
  }
}

export interface FleetStatistics {
  readonly devices: number;
  readonly connected: number;
  /** Telemetry messages made, handed to a connection (resends count) and PUBACKed. */
  readonly measured: number;
  readonly sent: number;
  readonly acked: number;
  /** Messages of all kinds waiting for a PUBACK, or lost in full outboxes and power cuts. */
  readonly pending: number;
  readonly dropped: number;
  readonly commands: number;
  readonly commandsFailed: number;
  readonly reconnects: number;
  readonly connectFailures: number;
  /** Telemetry PUBACKs a second, over about the last second. */
  readonly ackedPerSecond: number;
  /** Milliseconds from sending a message to its PUBACK. */
  readonly pubackP50Ms: number | null;
  readonly pubackP95Ms: number | null;
  readonly pubackP99Ms: number | null;
}
