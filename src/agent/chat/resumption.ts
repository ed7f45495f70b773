/**
 * Clients that come back in the middle of an answer, or after its end. Without a cursor as in the Agents SDK: the
 * stream is offered, the client acknowledges, everything is sent again with `replay: true`. With the number of the
 * last chunk it has (`seq`), a client is sent what comes after it, without being asked.
 *
 * I1 A connection to which a stream was offered gets nothing of it until it acknowledges, once.
 */
import type { Connection } from '../../actor/index.ts';
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

export class Resumption {
  readonly #outbound: Outbound;
  readonly #store: ChatStore;
  readonly #log: StreamLog;
  /** The stream offered to a connection that has not acknowledged. */
  readonly #offers = new Map<number, string>();

  constructor(outbound: Outbound, store: ChatStore, log: StreamLog) {
    this.#outbound = outbound;
    this.#store = store;
    this.#log = log;
  }

  /** The connections that get nothing of this stream, as yet. */
  heldBack(id: string): ReadonlySet<number> | undefined {
    if (this.#offers.size === 0) return undefined;
    const offers = [...this.#offers].filter(([, offered]) => offered === id);
    return new Set(offers.map(([connection]) => connection));
  }

  gone(connection: number): void {
    this.#offers.delete(connection);
  }

  offer(connection: Connection, live: LiveStream): void {
    const isSent = this.#outbound.send(connection, { type: 'cf_agent_stream_resuming', id: live.id });
    if (isSent) this.#offers.set(connection.id, live.id);
  }

  receive(connection: Connection, frame: ResumeFrame, live: LiveStream | undefined): void {
    if (frame.type === 'cf_agent_stream_resume_ack') {
      // Of two acknowledgements, and of one for a stream that was not offered, nothing comes: all of it would come twice.
      if (this.#offers.get(connection.id) !== frame.id) return;
      this.#send(connection, frame.id, frame.seq ?? 0, live);
      return;
    }
    const id = frame.id ?? live?.id;
    if (id !== undefined && frame.seq !== undefined && this.#isKnown(id)) {
      this.#send(connection, id, frame.seq, live);
    } else if (live !== undefined) {
      this.offer(connection, live);
    } else {
      this.#outbound.send(connection, { type: 'cf_agent_stream_resume_none' });
    }
  }

  #isKnown(id: string): boolean {
    return this.#store.exists && this.#log.get(id) !== undefined;
  }

  #send(connection: Connection, id: string, afterSeq: number, live: LiveStream | undefined): void {
    this.#offers.delete(connection.id);
    const isLive = live?.id === id;
    if (isLive) live.flush();
    const row = this.#log.get(id);
    // Cleared since it was offered.
    if (row === undefined) return;
    let seq = Math.max(0, Math.floor(afterSeq));
    for (const json of this.#log.read(id, seq)) {
      const chunk = JSON.parse(json) as Chunk; // written from one
      const frame = chunkFrame(id, chunk, ++seq, row.isContinuation);
      this.#outbound.send(connection, { ...frame, replay: true });
    }
    if (isLive || row.status === 'queued') return;
    const { isContinuation: continuation, failure, lastSeq } = row;
    const done = doneFrame(id, { continuation, seq: lastSeq, failure: failure ?? undefined });
    this.#outbound.send(connection, { ...done, replay: true });
  }
}
