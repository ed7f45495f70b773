/** Who publishes, and how. */
export interface LoadShape {
  readonly connections: number;
  readonly qos: 0 | 1;
}

/** How a benchmark was asked to run. */
export interface BenchOptions {
  /** Measured time of one round. */
  readonly seconds: number;
  readonly rounds: number;
  /** What the load looks like; only for benchmarks that have several. */
  readonly shape: LoadShape;
  /** A directory on the project's disk for data; removed by the caller. */
  readonly scratch: string;
  /** Tells a person who waits. */
  progress(text: string): void;
}
