/**
 * A shard's part of the journal that all shards share, as its thread sees it. Batches come journaled; `append`
 * only says so, and is what lets the journal's thread send more.
 */
import { assert, BridgeError, asBridgeError } from '../base/errors.ts';
import type { BackupPart, LogEntry } from '../store/index.ts';
import type {
  JournalQuestion,
  JournalSaying,
  LiveAnswer,
  PageAnswer,
  ShardBatch,
  ShardSaying,
} from './journal-words.ts';
import type { ShardJournal } from './shard-journal.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BridgeError) => void;
}

/** What the shard of this journal does when it is told to. */
export interface JournalReader {
  receive(batch: ShardBatch): void;
  /** Null: the journal has room again. */
  journalFull(sinceMs: number | null): void;
  /** Copies its rows and files into a backup. */
  backUpPart(directory: string): Promise<BackupPart>;
  /** The backup, for which it may have copied something, is made. */
  backupEnded(): void;
  stop(): void;
}

export class RemoteJournal implements ShardJournal {
  readonly #post: (saying: ShardSaying) => void;
  readonly #waiting = new Map<number, Waiting>();
  /** First sequence numbers of batches that came and were not taken yet. */
  readonly #firsts = new Map<string, number>();
  #early: JournalSaying[] = [];
  #reader: JournalReader | undefined;
  #lastCall = 0;
  #next = 1;
  #bytes = 0;
  #lastBatchId: string | null = null;

  readonly others: readonly ((directory: string) => Promise<BackupPart>)[];

  /** @param shard its number, of so many */
  constructor(shard: number, shards: number, post: (saying: ShardSaying) => void) {
    const numbers = Array.from({ length: shards }, (_, number) => number).filter(
      (number) => number !== shard,
    );
    this.others = numbers.map((other) => async (directory) => {
      return (await this.#ask({ name: 'part', shard: other, directory })) as BackupPart; // CopyDesk
    });
    this.#post = post;
  }

  get nextSequence(): number {
    return this.#next;
  }

  get lastBatchId(): string | null {
    return this.#lastBatchId;
  }

  /** Who takes what comes from now on, and has come. */
  begin(reader: JournalReader): void {
    this.#reader = reader;
    for (const said of this.#early.splice(0)) this.heard(said);
  }

  heard(said: JournalSaying): void {
    if (said.kind === 'answer') {
      const waiting = this.#waiting.get(said.call);
      this.#waiting.delete(said.call);
      if (said.error === undefined) waiting?.resolve(said.value);
      else waiting?.reject(new BridgeError(said.error.code, said.error.message));
      return;
    }
    const reader = this.#reader;
    if (reader === undefined) {
      this.#early.push(said);
      return;
    }
    switch (said.kind) {
      case 'batch':
        if (said.firstSequence > 0) this.#firsts.set(said.id, said.firstSequence);
        this.#bytes = said.journalBytes;
        reader.receive(said);
        return;
      case 'room':
        this.#bytes = said.bytes;
        reader.journalFull(said.fullSinceMs);
        return;
      case 'part':
        void this.#answerPart(reader, said.call, said.directory); // never rejects
        return;
      case 'backup-ended':
        reader.backupEnded();
        return;
      case 'stop':
        reader.stop();
    }
  }

  advanceTo(nextSequence: number): void {
    this.#next = Math.max(this.#next, nextSequence);
  }

  append(batchId: string, _batch: Uint8Array, count: number): number {
    const first = this.#firsts.get(batchId);
    assert(first !== undefined, 'a batch comes with its sequence number, and is taken once');
    this.#firsts.delete(batchId);
    this.advanceTo(first + count);
    this.#post({ kind: 'taken' });
    return first;
  }

  async *read(afterSequence: number): AsyncIterable<LogEntry> {
    for (let first = 0; ;) {
      const page = (await this.#ask({ name: 'page', first, after: afterSequence })) as PageAnswer; // JournalDesk
      for (const entry of page) {
        first = entry.firstSequence;
        // What crosses threads is no Buffer any more.
        const { buffer, byteOffset, byteLength } = entry.batch;
        const batch = Buffer.from(buffer, byteOffset, byteLength);
        this.advanceTo(first + entry.count);
        yield { ...entry, batch };
      }
      if (page.length === 0) return;
    }
  }

  async countAfter(sequence: number): Promise<number> {
    return (await this.#ask({ name: 'count', after: sequence })) as number; // JournalDesk
  }

  trim(sequence: number): void {
    this.#post({ kind: 'trim', sequence });
  }

  async replayed(): Promise<void> {
    const answer = (await this.#ask({ name: 'live', next: this.#next })) as LiveAnswer; // JournalDesk
    this.#lastBatchId = answer.lastBatchId;
    this.#bytes = answer.bytes;
    this.advanceTo(answer.nextSequence);
  }

  sizeBytes(): number {
    return this.#bytes;
  }

  async hold(): Promise<() => void> {
    await this.#ask({ name: 'hold' });
    return () => this.#post({ kind: 'release' });
  }

  async copy(path: string): ReturnType<ShardJournal['copy']> {
    return (await this.#ask({ name: 'copy', path })) as Awaited<ReturnType<ShardJournal['copy']>>; // JournalDesk
  }

  close(): void {
    // The file is another thread's.
  }

  #ask(question: JournalQuestion): Promise<unknown> {
    const call = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#post({ kind: 'ask', call, question });
    });
  }

  async #answerPart(reader: JournalReader, call: number, directory: string): Promise<void> {
    try {
      this.#post({ kind: 'answer', call, value: await reader.backUpPart(directory) });
    } catch (error) {
      const { code, message } = asBridgeError(error);
      this.#post({ kind: 'answer', call, value: null, error: { code, message } });
    }
  }
}
