/** What the journal's thread, the main thread and the shards' threads say to each other (ADR 0013). */
import type { ErrorCode } from '../base/errors.ts';
import type { LogEntry } from '../store/index.ts';

/** A batch for a shard. */
export interface ShardBatch {
  readonly kind: 'batch';
  readonly id: string;
  readonly pack: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly durableCount: number;
}

/** From the main thread. `Port`: the way to the shard's thread. */
export type JournalOrder<Port> =
  /** A thread of the shard has been started: it takes the place of the one before. */
  | { readonly kind: 'attach'; readonly shard: number; readonly port: Port }
  | { readonly kind: 'batch'; readonly shard: number; readonly batch: ShardBatch }
  /** The shard is to end, when it has what was sent before. */
  | { readonly kind: 'stop'; readonly shard: number }
  /** All shards have ended. */
  | { readonly kind: 'close' };

/** To the main thread. */
export type JournalWord =
  /** Effects for the client of a shard. */
  | { readonly kind: 'effects'; readonly shard: number; readonly pack: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** What a shard asks; each is answered. */
export type JournalQuestion =
  | { readonly name: 'count'; readonly after: number }
  | { readonly name: 'page'; readonly first: number; readonly after: number }
  /** Everything was read; sequence numbers up to `next` were used. */
  | { readonly name: 'live'; readonly next: number }
  | { readonly name: 'hold' }
  | { readonly name: 'copy'; readonly path: string }
  /** Asks another shard for its part of a backup. */
  | { readonly name: 'part'; readonly shard: number; readonly directory: string };

/** From a shard. */
export type ShardSaying =
  | { readonly kind: 'ask'; readonly call: number; readonly question: JournalQuestion }
  /** It has begun with one more durable batch. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'trim'; readonly sequence: number }
  | { readonly kind: 'release' }
  | JournalAnswer;

/** To a shard, or from one that was asked for its part of a backup. */
export interface JournalAnswer {
  readonly kind: 'answer';
  readonly call: number;
  readonly value: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** A batch that is on the disk. */
export interface JournaledBatch extends ShardBatch {
  /** 0 when nothing of it is durable. */
  readonly firstSequence: number;
  /** Size of the journal's file. */
  readonly journalBytes: number;
}

/** To a shard. */
export type JournalSaying =
  | JournalAnswer
  | JournaledBatch
  /** Whether the disk has room for the journal. */
  | { readonly kind: 'room'; readonly fullSinceMs: number | null; readonly bytes: number }
  | { readonly kind: 'part'; readonly call: number; readonly directory: string }
  | { readonly kind: 'backup-ended' }
  | { readonly kind: 'stop' };

/** Answer to `live`. */
export interface LiveAnswer {
  readonly lastBatchId: string | null;
  readonly nextSequence: number;
  readonly bytes: number;
}

/** Answer to `page`; empty at the end. */
export type PageAnswer = readonly LogEntry[];
