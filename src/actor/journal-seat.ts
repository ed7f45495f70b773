/** A shard as the journal's thread sees it. */
import { asBridgeError } from '../base/errors.ts';
import type { JournalSaying, ShardBatch } from './journal-words.ts';
import type { ShardEffects } from './shard-effects.ts';

/** The way to a shard's thread. Its memory goes with a batch. */
export interface ShardPort {
  post(saying: JournalSaying): void;
}

export interface Seat {
  readonly shard: number;
  readonly port: ShardPort;
  readonly effects: ShardEffects;
  isLive: boolean;
  /** Durable batches it may still be given before it takes one. */
  credit: number;
  readonly queue: ShardBatch[];
  /** The backup that it makes holds the journal. */
  readonly holds: (() => void)[];
}

/** What can be journaled for a shard now. */
export function take(seat: Seat): ShardBatch[] {
  const batches: ShardBatch[] = [];
  while (seat.isLive) {
    const [next] = seat.queue;
    if (next === undefined || (next.durableCount > 0 && seat.credit === 0)) break;
    if (next.durableCount > 0) seat.credit--;
    batches.push(next);
    seat.queue.shift();
  }
  return batches;
}

export function giveBack(seat: Seat, batches: readonly ShardBatch[]): void {
  seat.queue.unshift(...batches);
  seat.credit += batches.filter(({ durableCount }) => durableCount > 0).length;
}

export function refuse({ port }: Seat, call: number, error: unknown): void {
  const { code, message } = asBridgeError(error);
  port.post({ kind: 'answer', call, value: null, error: { code, message } });
}
