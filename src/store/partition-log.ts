/**
 * The log that makes an input durable before it is acknowledged: a port, whose first implementation
 * is the local journal. Entries are opaque batches; every message in one has a sequence number.
 */
export interface PartitionLog {
  /** Sequence number the next message will get; the first one ever is 1. */
  readonly nextSequence: number;
  /** Identity of the last batch appended, so that a sender knows after a crash whether it arrived. */
  readonly lastBatchId: string | null;
  /**
   * Appends `batch` holding `count` messages and returns the sequence number of the first. When it
   * returns, the batch survives a crash and a power loss. On a throw nothing was kept.
   */
  append(batchId: string, batch: Uint8Array, count: number): number;
  /** Entries holding a message with a sequence number > `afterSequence`, in order. */
  read(afterSequence: number): Iterable<LogEntry>;
  /** Allows entries whose messages are all <= `sequence` to be dropped. Never drops the last entry. */
  trim(sequence: number): void;
  /** Messages in entries that `read` would return for this sequence. */
  countAfter(sequence: number): number;
  close(): void;
}

export interface LogEntry {
  readonly firstSequence: number;
  readonly count: number;
  readonly batch: Buffer;
}
