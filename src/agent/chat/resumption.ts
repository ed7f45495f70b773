/**
 * Clients that come back in the middle of an answer, or after its end. Without a cursor as in the Agents SDK: the
 * stream is offered, the client acknowledges, everything is sent again with `replay: true`. With the number of the
 * last chunk it has (`seq`), a client is sent what comes after it, without being asked.
 *
 * A long answer goes out in pages with a pause after each: all of it at once would be more than a socket may have
 * waiting, and a client that reads as fast as it can would be closed for being slow.
 *
 * I1 A connection to which a stream was offered gets nothing of it until it acknowledges, once.
 * I2 A connection that is sent the beginning of a stream gets nothing else of it until it has caught up.
 */
import type { ActorContext, Connection } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { Outbound } from '../outbound.ts';
import type { ChatStore } from './chat-store.ts';
import { chunkFrame, doneFrame, type LiveStream } from './live-stream.ts';
import type { Chunk } from './message-builder.ts';
import type { StreamLog } from './stream-log.ts';

type ResumeFrame = Extract<
  InboundFrame,
  { type: 'cf_agent_stream_resume_request' | 'cf_agent_stream_resume_ack' }
>;

export interface ResumptionHost {
  readonly context: ActorContext;
  readonly outbound: Outbound;
  readonly store: ChatStore;
  readonly log: StreamLog;
  /** The answer under way. */
  live(): LiveStream | undefined;
}

/** A stream that is being sent again. */
interface Replay {
  readonly id: string;
  /** The last chunk that was sent. */
  seq: number;
  cancelPause: () => void;
}

export class Resumption {
  readonly #host: ResumptionHost;
  /** The stream offered to a connection that has not acknowledged. */
  readonly #offers = new Map<number, string>();
  /** By connection: those that have not caught up. */
  readonly #replays = new Map<number, Replay>();

  constructor(host: ResumptionHost) {
    this.#host = host;
  }

  /** Something is still to be sent. */
  get isBusy(): boolean {
    return this.#replays.size > 0;
  }

  /** The connections that get nothing of this stream, as yet. */
  heldBack(id: string): ReadonlySet<number> | undefined {
    if (this.#offers.size === 0 && this.#replays.size === 0) return undefined;
    const held = new Set<number>();
    for (const [connection, offered] of this.#offers) if (offered === id) held.add(connection);
    for (const [connection, replay] of this.#replays) if (replay.id === id) held.add(connection);
    return held;
  }

  gone(connection: number): void {
    this.#offers.delete(connection);
    this.#end(connection);
  }

  stop(): void {
    for (const connection of [...this.#replays.keys()]) this.#end(connection);
  }

  offer(connection: Connection, live: LiveStream): void {
    const isSent = this.#host.outbound.send(connection, { type: 'cf_agent_stream_resuming', id: live.id });
    if (isSent) this.#offers.set(connection.id, live.id);
  }

  receive(connection: Connection, frame: ResumeFrame): void {
    if (frame.type === 'cf_agent_stream_resume_ack') {
      // Of two acknowledgements, and of one for a stream that was not offered, nothing comes: all of it would come twice.
      if (this.#offers.get(connection.id) !== frame.id) return;
      this.#begin(connection, frame.id, frame.seq ?? 0);
      return;
    }
    const live = this.#host.live();
    const id = frame.id ?? live?.id;
    if (id !== undefined && frame.seq !== undefined && this.#isKnown(id)) {
      this.#begin(connection, id, frame.seq);
    } else if (live !== undefined) {
      this.offer(connection, live);
    } else {
      this.#host.outbound.send(connection, { type: 'cf_agent_stream_resume_none' });
    }
  }

  #isKnown(id: string): boolean {
    return this.#host.store.exists && this.#host.log.get(id) !== undefined;
  }

  #begin(connection: Connection, id: string, afterSeq: number): void {
    this.#offers.delete(connection.id);
    this.#end(connection.id);
    const replay = { id, seq: Math.max(0, Math.floor(afterSeq)), cancelPause: noTimer };
    this.#replays.set(connection.id, replay);
    this.#page(connection, replay);
  }

  #end(connection: number): void {
    this.#replays.get(connection)?.cancelPause();
    this.#replays.delete(connection);
  }

  /** What comes next, as much as a page holds. */
  #page(connection: Connection, replay: Replay): void {
    const { log, outbound, live } = this.#host;
    const { id } = replay;
    const isLive = live()?.id === id;
    if (isLive) live()?.flush();
    const row = log.get(id);
    // Cleared since it was asked for.
    if (row === undefined) return this.#end(connection.id);
    const { chunks, isLast } = log.read(id, replay.seq, limits.chatReplayPageCharacters);
    for (const json of chunks) {
      const chunk = JSON.parse(json) as Chunk; // written from one
      const frame = chunkFrame(id, chunk, ++replay.seq, row.isContinuation);
      outbound.send(connection, { ...frame, replay: true });
    }
    if (!isLast) return this.#pause(connection, replay);
    this.#end(connection.id);
    if (isLive || row.status === 'queued') return;
    const { isContinuation: continuation, failure, lastSeq } = row;
    const done = doneFrame(id, { continuation, seq: lastSeq, failure: failure ?? undefined });
    outbound.send(connection, { ...done, replay: true });
  }

  #pause(connection: Connection, replay: Replay): void {
    const { context } = this.#host;
    replay.cancelPause = context.shard.after(limits.chatReplayPauseMs, () => {
      if (context.turn.isAbandoned) return;
      context.aside(() => {
        if (this.#replays.get(connection.id) === replay) this.#page(connection, replay);
      });
    });
  }
}

function noTimer(): void {}
