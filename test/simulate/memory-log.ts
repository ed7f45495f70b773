/** A log in memory, and what holds it: a disk that keeps for good only what was synced. */
import { BridgeError } from '../../src/base/errors.ts';
import type { ShardJournal } from '../../src/actor/shard-journal.ts';
import type { LogEntry } from '../../src/store/index.ts';
import type { PartitionLog } from '../../src/store/partition-log.ts';

interface StoredEntry extends LogEntry {
  readonly batchId: string;
}

/** Outlives the logs that are opened on it. */
export class LogMedium {
  readonly #bytesMax: number;
  #entries: StoredEntry[] = [];
  #synced: readonly StoredEntry[] = [];

  constructor(bytesMax = Infinity) {
    this.#bytesMax = bytesMax;
  }

  get entries(): readonly StoredEntry[] {
    return this.#entries;
  }

  get bytes(): number {
    return this.#entries.reduce((bytes, { batch }) => bytes + batch.length, 0);
  }

  /** Replaces what it holds. @throws BridgeError BRG_DISK_FULL; nothing has changed then */
  write(entries: StoredEntry[]): void {
    if (entries.reduce((bytes, { batch }) => bytes + batch.length, 0) > this.#bytesMax) {
      throw new BridgeError('BRG_DISK_FULL', 'no room in the log');
    }
    this.#entries = entries;
  }

  sync(): void {
    this.#synced = this.#entries;
  }

  /** The power fails: what was not synced is gone. */
  lose(): void {
    this.#entries = [...this.#synced];
  }
}

export class MemoryLog implements ShardJournal, PartitionLog {
  readonly #medium: LogMedium;
  #next = 1;
  #lastBatchId: string | null = null;
  #trimTo = 0;
  #holds = 0;

  constructor(medium: LogMedium) {
    this.#medium = medium;
    const last = medium.entries.at(-1);
    if (last === undefined) return;
    this.#next = last.firstSequence + last.count;
    this.#lastBatchId = last.batchId;
  }

  get nextSequence(): number {
    return this.#next;
  }

  get lastBatchId(): string | null {
    return this.#lastBatchId;
  }

  append(batchId: string, batch: Uint8Array, count: number): number {
    const firstSequence = this.#next;
    const trimTo = this.#holds === 0 ? this.#trimTo : 0;
    const kept = this.#medium.entries.filter((entry) => lastOf(entry) > trimTo);
    this.#medium.write([...kept, { batchId, firstSequence, count, batch: Buffer.from(batch) }]);
    this.sync();
    this.#next += count;
    this.#lastBatchId = batchId;
    return firstSequence;
  }

  /** What was appended is on the disk from here on. */
  protected sync(): void {
    this.#medium.sync();
  }

  *read(afterSequence: number): Iterable<LogEntry> {
    let after = afterSequence;
    for (;;) {
      const entry = this.#medium.entries.find((stored) => lastOf(stored) > after);
      if (entry === undefined) return;
      after = lastOf(entry);
      yield entry;
    }
  }

  countAfter(sequence: number): number {
    return this.#medium.entries
      .filter((entry) => lastOf(entry) > sequence)
      .reduce((total, entry) => total + Math.min(entry.count, lastOf(entry) - sequence), 0);
  }

  trim(sequence: number): void {
    this.#trimTo = Math.max(this.#trimTo, sequence);
  }

  advanceTo(nextSequence: number): void {
    this.#next = Math.max(this.#next, nextSequence);
  }

  hold(): () => void {
    this.#holds++;
    return () => void this.#holds--;
  }

  copy(): Promise<never> {
    return Promise.reject(new BridgeError('BRG_NOT_IMPLEMENTED', 'a log in memory is not copied'));
  }

  sizeBytes(): number {
    return this.#medium.bytes;
  }

  close(): void {}
}

function lastOf({ firstSequence, count }: LogEntry): number {
  return firstSequence + count - 1;
}
