/**
 * The journal of several shards (ADR 0013): commits what the main thread has for all of them at once, says so,
 * and passes each batch on to its shard. It lives in a thread of its own.
 *
 *   attached -> (the shard reads what it has to replay) -> live -> (its thread ends) -> attached
 *
 * I1 Nothing is said to be committed, or passed on, before its fsync; after a failed one the process ends.
 * I2 A shard's batches are journaled only while it is live, and only so many ahead of it: what waits here is
 *    not acknowledged, and forgotten when another thread of the shard attaches, to which it is sent again.
 * I3 Batches of one shard stay in their order; those of different shards do not wait for each other, but for the disk.
 */
import type { LoopClock } from '../base/clock.ts';
import { asBridgeError, assert, type BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { isDiskFull, type Journal } from '../store/index.ts';
import type {
  JournalAnswer,
  JournalOrder,
  JournalQuestion,
  JournalWord,
  LiveAnswer,
  ShardBatch,
  ShardSaying,
} from './journal-words.ts';
import { giveBack, refuse, take, type Seat, type ShardPort } from './journal-seat.ts';
import { ShardEffects } from './shard-effects.ts';

/** A part of a backup that one shard asked another for. */
interface Relay {
  readonly from: Seat;
  readonly to: Seat;
  readonly call: number;
}

/** What the desk needs of the journal. */
export type SharedJournal = Pick<
  Journal,
  | 'nextSequence'
  | 'advanceTo'
  | 'appendAll'
  | 'readPage'
  | 'countAfter'
  | 'trim'
  | 'hold'
  | 'copy'
  | 'sizeBytes'
  | 'close'
>;

export interface JournalDeskOptions {
  readonly journal: SharedJournal;
  readonly clock: LoopClock;
  readonly log: Log;
  readonly post: (word: JournalWord) => void;
  /** The disk, or this code, has failed: nothing may be acknowledged any more. */
  readonly fail: (error: BridgeError) => void;
}

export class JournalDesk {
  readonly #options: JournalDeskOptions;
  readonly #seats = new Map<number, Seat>();
  readonly #lastBatchIds = new Map<number, string>();
  readonly #relays = new Map<number, Relay>();
  #lastRelay = 0;
  #isScheduled = false;
  #fullSinceMs: number | null = null;
  #isClosed = false;

  constructor(options: JournalDeskOptions) {
    this.#options = options;
  }

  /** Takes an order of the main thread. */
  order(order: JournalOrder<ShardPort>): void {
    switch (order.kind) {
      case 'attach':
        this.#attach(order.shard, order.port);
        return;
      case 'batch':
        this.#seat(order.shard).queue.push(order.batch);
        this.#schedule();
        return;
      case 'stop':
        this.#stop(this.#seat(order.shard));
        return;
      case 'close':
        this.#isClosed = true;
        this.#options.journal.close();
    }
  }

  /** Takes what a shard says. @param port the one it was attached with */
  heard(shard: number, port: ShardPort, said: ShardSaying): void {
    const seat = this.#seats.get(shard);
    // The thread before it may have had something to say yet.
    if (this.#isClosed || seat === undefined || seat.port !== port) return;
    switch (said.kind) {
      case 'taken':
        seat.credit++;
        if (seat.queue.length > 0) this.#schedule();
        return;
      case 'trim':
        this.#options.journal.trim(said.sequence, shard);
        return;
      case 'release':
        this.#release(seat);
        return;
      case 'answer':
        this.#passBack(said);
        return;
      case 'ask':
        this.#answer(seat, said.call, said.question);
    }
  }

  #seat(shard: number): Seat {
    const seat = this.#seats.get(shard);
    assert(seat !== undefined, 'a shard is attached before anything is sent to it');
    return seat;
  }

  #attach(shard: number, port: ShardPort): void {
    const before = this.#seats.get(shard);
    if (before !== undefined) this.#leave(before);
    const effects = new ShardEffects((pack) => this.#options.post({ kind: 'effects', shard, pack }));
    const credit = limits.journalAheadBatchesMax;
    this.#seats.set(shard, { shard, port, effects, isLive: false, credit, queue: [], holds: [] });
  }

  #leave(seat: Seat): void {
    this.#release(seat);
    const error = { code: 'BRG_SHARD_RESTARTED', message: `shard ${seat.shard} restarted` } as const;
    for (const [call, { to }] of this.#relays)
      if (to === seat) this.#passBack({ kind: 'answer', call, value: null, error });
  }

  #release(seat: Seat): void {
    if (seat.holds.length === 0) return;
    for (const release of seat.holds.splice(0)) release();
    for (const other of this.#seats.values()) if (other !== seat) other.port.post({ kind: 'backup-ended' });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#fullSinceMs !== null) return;
    this.#isScheduled = true;
    this.#options.clock.soon(() => {
      this.#isScheduled = false;
      this.#guarded(() => this.#commit());
    });
  }

  #commit(): void {
    if (this.#isClosed) return;
    const taken = [...this.#seats.values()].map((seat) => ({ seat, batches: take(seat) }));
    const durable = taken.flatMap(({ seat: { shard }, batches }) =>
      batches
        .filter(({ durableCount }) => durableCount > 0)
        .map(({ id, pack, durableCount }) => ({ shard, batchId: id, batch: pack, count: durableCount })),
    );
    let firsts: number[] = [];
    try {
      if (durable.length > 0) firsts = this.#options.journal.appendAll(durable);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      for (const { seat, batches } of taken) giveBack(seat, batches);
      this.#full(error);
      return;
    }
    for (const { seat, batches } of taken) this.#committed(seat, batches, firsts);
    this.#hasRoom();
  }

  #committed(seat: Seat, batches: readonly ShardBatch[], firsts: number[]): void {
    const last = batches.at(-1);
    if (last === undefined) return;
    const journalBytes = this.#options.journal.sizeBytes();
    seat.effects.committed(last.id, last.count);
    seat.effects.flush();
    for (const batch of batches) {
      const firstSequence = batch.durableCount > 0 ? (firsts.shift() ?? 0) : 0;
      if (firstSequence > 0) this.#lastBatchIds.set(seat.shard, batch.id);
      seat.port.post({ ...batch, firstSequence, journalBytes });
    }
  }

  #full(error: unknown): void {
    const { clock, log } = this.#options;
    clock.after(limits.diskRetryMs, () => this.#guarded(() => this.#commit()));
    if (this.#fullSinceMs !== null) return;
    this.#fullSinceMs = clock.now();
    const err = asBridgeError(error).message;
    log.error({ err }, 'disk is full: nothing is acknowledged until there is room');
    this.#tellRoom();
  }

  #hasRoom(): void {
    if (this.#fullSinceMs === null) return;
    this.#fullSinceMs = null;
    this.#options.log.info({}, 'the disk has room again');
    this.#tellRoom();
    this.#schedule();
  }

  #tellRoom(): void {
    const bytes = this.#options.journal.sizeBytes();
    for (const { port } of this.#seats.values())
      port.post({ kind: 'room', fullSinceMs: this.#fullSinceMs, bytes });
  }

  /** What is not journaled by now was waited for long enough, and is sent again by its devices. */
  #stop(seat: Seat): void {
    if (this.#fullSinceMs === null) this.#guarded(() => this.#commit());
    seat.queue.length = 0;
    seat.port.post({ kind: 'stop' });
  }

  #answer(seat: Seat, call: number, question: JournalQuestion): void {
    const answer = (value: unknown): void => seat.port.post({ kind: 'answer', call, value });
    try {
      const value = this.#find(seat, call, question);
      if (value instanceof Promise) value.then(answer, (error: unknown) => refuse(seat, call, error));
      else if (value !== undefined) answer(value);
    } catch (error) {
      refuse(seat, call, error);
    }
  }

  /** Undefined: it is answered by another shard. */
  #find(seat: Seat, call: number, question: JournalQuestion): unknown {
    const { journal, clock } = this.#options;
    const { shard } = seat;
    switch (question.name) {
      case 'count':
        return journal.countAfter(question.after, shard);
      case 'page':
        return journal.readPage(shard, question.first, question.after, limits.journalPageEntries);
      case 'live':
        return this.#live(seat, question.next);
      case 'hold':
        seat.holds.push(journal.hold());
        return null;
      case 'copy':
        return journal.copy(question.path, () => clock.now());
      case 'part':
        this.#relay({ from: seat, to: this.#seat(question.shard), call }, question.directory);
        return undefined;
    }
  }

  #live(seat: Seat, next: number): LiveAnswer {
    const { journal } = this.#options;
    journal.advanceTo(next);
    seat.isLive = true;
    if (seat.queue.length > 0) this.#schedule();
    if (this.#fullSinceMs !== null) this.#tellRoom();
    const lastBatchId = this.#lastBatchIds.get(seat.shard) ?? null;
    return { lastBatchId, nextSequence: journal.nextSequence, bytes: journal.sizeBytes() };
  }

  #relay(relay: Relay, directory: string): void {
    const call = ++this.#lastRelay;
    this.#relays.set(call, relay);
    relay.to.port.post({ kind: 'part', call, directory });
  }

  #passBack(answer: JournalAnswer): void {
    const relay = this.#relays.get(answer.call);
    this.#relays.delete(answer.call);
    relay?.from.port.post({ ...answer, call: relay.call });
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.fail(asBridgeError(error));
    }
  }
}
