/**
 * The answer that is under way: numbers its chunks, makes the message of them, stores them and sends them.
 *
 * I1 What leaves has a number and is stored in the same commit: a chunk that a client has seen is never lost.
 */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Frame } from '../../wire/index.ts';
import type { Outbound } from '../outbound.ts';
import type { ChatMessage } from './chat-message.ts';
import { failureOfText, type ChatFailure } from './chat-failure.ts';
import { checkedData } from './data-parts.ts';
import type { DataSchemas } from './chat-author.ts';
import { MessageBuilder, type Chunk } from './message-builder.ts';
import type { StreamLog } from './stream-log.ts';

/** Where a stream's chunks go. */
export interface StreamPlaces {
  readonly context: ActorContext;
  readonly outbound: Outbound;
  readonly log: StreamLog;
  readonly schemas: DataSchemas | undefined;
  /** Connections that do not get this stream, as yet. */
  heldBack(id: string): ReadonlySet<number> | undefined;
}

type ResponseFrame = Extract<Frame, { type: 'cf_agent_use_chat_response' }>;

export class LiveStream {
  readonly id: string;
  readonly isContinuation: boolean;
  readonly builder: MessageBuilder;
  readonly abort = new AbortController();
  readonly startedAtMs: number;
  /** What an `error` chunk said, or the end. */
  failure: ChatFailure | undefined;
  readonly #places: StreamPlaces;
  #lastSeq = 0;
  #pending: string[] = [];
  #pendingBytes = 0;
  #bytes = 0;
  #hasStarted = false;

  /** @param base the message that the answer adds to, empty for a new one */
  constructor(id: string, base: ChatMessage, isContinuation: boolean, places: StreamPlaces) {
    this.id = id;
    this.isContinuation = isContinuation;
    this.builder = new MessageBuilder(base);
    this.#places = places;
    this.startedAtMs = places.context.now();
    places.log.begin(id, base.id, this.builder.baseParts, isContinuation);
  }

  get chunks(): number {
    return this.#lastSeq;
  }

  /**
   * Takes the next chunk. False: it is about a tool call of an earlier message.
   * @throws BridgeError BRG_CHAT_STREAM, BRG_CHAT_DATA (of a schema); the chunk is not taken then
   */
  take(chunk: Chunk): boolean {
    const own = chunk.type.startsWith('data-')
      ? checkedData(chunk, this.#places.schemas)
      : this.#named(chunk);
    const isOwn = this.builder.apply(own);
    if (own.type === 'error') this.failure = failureOfText(String(own['errorText']));
    this.#keep(own);
    return isOwn;
  }

  /** Clients have to know the id of the message: what they send next has it. */
  #named(chunk: Chunk): Chunk {
    if (this.#hasStarted) return chunk;
    this.#hasStarted = true;
    const { id } = this.builder;
    if (chunk.type !== 'start') {
      const start: Chunk = { type: 'start', messageId: id };
      this.builder.apply(start);
      this.#keep(start);
      return chunk;
    }
    const isNamed = typeof chunk['messageId'] === 'string' && !this.isContinuation;
    return isNamed ? chunk : { ...chunk, messageId: id };
  }

  #keep(chunk: Chunk): void {
    const json = JSON.stringify(chunk);
    this.#bytes += json.length;
    if (json.length > limits.chatChunkBytesMax || this.#bytes > limits.chatAnswerBytesMax) {
      throw new BridgeError('BRG_CHAT_STREAM', 'the answer is too large');
    }
    this.#lastSeq++;
    // What this asks for is a commit; `flush` comes before it.
    if (this.#pending.length === 0) this.#places.context.aside(() => undefined);
    this.#pending.push(json);
    this.#pendingBytes += json.length;
    if (this.#pendingBytes > limits.chatPendingBytesMax) this.flush();
    const { outbound } = this.#places;
    const frame = chunkFrame(this.id, chunk, this.#lastSeq, this.isContinuation);
    outbound.broadcast(frame, this.#places.heldBack(this.id));
  }

  /** Stores what was not stored yet. @throws BridgeError BRG_AGENT_FULL */
  flush(): void {
    if (this.#pending.length === 0) return;
    const chunks = this.#pending;
    this.#places.log.append(this.id, this.#lastSeq - chunks.length + 1, chunks);
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** The last frame of the answer. */
  done(failure: ChatFailure | undefined): void {
    const continuation = this.isContinuation;
    const { outbound, heldBack } = this.#places;
    const frame = doneFrame(this.id, { continuation, seq: this.#lastSeq, failure });
    outbound.broadcast(frame, heldBack(this.id));
  }
}

/** The frame of one chunk, as the Agents SDK has it; an error's body is its text. */
export function chunkFrame(id: string, chunk: Chunk, seq: number, isContinuation: boolean): ResponseFrame {
  const facts = { ...(isContinuation ? { continuation: true } : {}), seq };
  if (chunk.type !== 'error') {
    return { type: 'cf_agent_use_chat_response', id, body: chunk, done: false, ...facts };
  }
  const { code, text } = failureOfText(String(chunk['errorText']));
  return { type: 'cf_agent_use_chat_response', id, body: text, done: false, error: true, code, ...facts };
}

/** The last frame of a request. */
export function doneFrame(
  id: string,
  {
    failure,
    seq,
    continuation = false,
    text = '',
  }: { failure?: ChatFailure | undefined; seq?: number; continuation?: boolean; text?: string } = {},
): ResponseFrame {
  return {
    type: 'cf_agent_use_chat_response',
    id,
    body: failure?.text ?? text,
    done: true,
    ...(failure === undefined ? {} : { error: true, code: failure.code }),
    ...(continuation ? { continuation } : {}),
    ...(seq === undefined ? {} : { seq }),
  };
}
