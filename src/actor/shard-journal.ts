import type { BackupJournal, LogEntry } from '../store/index.ts';

/** What a shard needs of its journal: its own (`Journal`), or its part of one that all shards share (`RemoteJournal`). */
export interface ShardJournal extends BackupJournal {
  /** One more than the highest sequence number that this shard has seen. */
  readonly nextSequence: number;
  readonly lastBatchId: string | null;
  advanceTo(nextSequence: number): void;
  /** Answers the sequence number of the first message; all of them are on the disk then. @throws BridgeError BRG_DISK_FULL */
  append(batchId: string, batch: Uint8Array, count: number): number;
  read(afterSequence: number): Iterable<LogEntry> | AsyncIterable<LogEntry>;
  countAfter(sequence: number): number | Promise<number>;
  trim(sequence: number): void;
  /** Nothing is read any more: batches may come. */
  replayed?(): Promise<void>;
  close(): void;
}
