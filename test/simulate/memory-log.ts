/** A log in memory, and what holds it: a disk that keeps for good only what was synced. */
import { BridgeError } from '../../src/base/errors.ts';
import type { SharedJournal } from '../../src/actor/journal-desk.ts';
import type { ShardJournal } from '../../src/actor/shard-journal.ts';
import type { LogEntry } from '../../src/store/index.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { PartitionLog } from '../../src/store/partition-log.ts';

interface StoredEntry extends LogEntry {
  readonly shard: number;
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

export class MemoryLog implements ShardJournal, PartitionLog, SharedJournal {
  readonly #medium: LogMedium;
  #next = 1;
  #lastBatchId: string | null = null;
  /** How far the entries of each shard may go. */
  readonly #trims = new Map<number, number>();
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
    const [first = 0] = this.appendAll([{ shard: 0, batchId, batch, count }]);
    return first;
  }

  appendAll(entries: readonly JournalEntry[]): number[] {
    const kept = this.#medium.entries.filter(
      (entry) => this.#holds > 0 || lastOf(entry) > (this.#trims.get(entry.shard) ?? 0),
    );
    let next = this.#next;
    const added = entries.map(({ shard, batchId, batch, count }) => {
      const firstSequence = next;
      next += count;
      return { shard, batchId, firstSequence, count, batch: Buffer.from(batch) };
    });
    this.#medium.write([...kept, ...added]);
    this.sync();
    this.#next = next;
    this.#lastBatchId = added.at(-1)?.batchId ?? this.#lastBatchId;
    return added.map(({ firstSequence }) => firstSequence);
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

  readPage(shard: number, afterFirst: number, afterSequence: number, max: number): LogEntry[] {
    return this.#medium.entries
      .filter((entry) => entry.shard === shard && entry.firstSequence > afterFirst)
      .filter((entry) => lastOf(entry) > afterSequence)
      .slice(0, max);
  }

  countAfter(sequence: number, shard = 0): number {
    return this.#medium.entries
      .filter((entry) => entry.shard === shard && lastOf(entry) > sequence)
      .reduce((total, entry) => total + Math.min(entry.count, lastOf(entry) - sequence), 0);
  }

  trim(sequence: number, shard = 0): void {
    this.#trims.set(shard, Math.max(this.#trims.get(shard) ?? 0, sequence));
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
