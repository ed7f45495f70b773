/** How a benchmark was asked to run. */
export interface BenchOptions {
  /** Measured time of one round. */
  readonly seconds: number;
  readonly rounds: number;
  /** A directory on the project's disk for data; removed by the caller. */
  readonly scratch: string;
  /** Tells a person who waits. */
  progress(text: string): void;
}
