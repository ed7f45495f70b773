/** The chunks of whatever `onChatMessage` answers: server-sent events, plain text, or a stream of chunks. */
import type { UIMessageChunk } from 'ai';
import { BridgeError } from '../../base/errors.ts';
import { isJsonObject } from '../merge-patch.ts';
import { chatErrorText } from './chat-failure.ts';
import type { Chunk } from './message-builder.ts';
import { SseReader } from './sse.ts';

/** The result of `streamText`, or anything else that has the AI SDK's stream of chunks. */
export interface ChunkStreamSource {
  toUIMessageStream(options?: { onError?: (error: unknown) => string }): ReadableStream<UIMessageChunk>;
}

/** What `onChatMessage` may answer. */
export type ChatAnswer = Response | ChunkStreamSource | ReadableStream<UIMessageChunk> | string | undefined;

/** Makes chunks of the pieces of a stream. */
interface Parser {
  push(piece: unknown): Chunk[];
  end(): Chunk[];
}

export class ChunkReader {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #parser: Parser;
  #isOver = false;

  constructor(stream: ReadableStream<unknown>, parser: Parser) {
    this.#reader = stream.getReader();
    this.#parser = parser;
  }

  /** The chunks that came next, perhaps none; undefined at the end. Rejects with what the stream fails with, or BRG_CHAT_STREAM. */
  async next(): Promise<Chunk[] | undefined> {
    if (this.#isOver) return undefined;
    const { done, value } = await this.#reader.read();
    if (!done) return this.#parser.push(value);
    this.#isOver = true;
    return this.#parser.end();
  }

  /** Tells the source that nobody wants the rest. */
  cancel(reason: unknown): void {
    this.#isOver = true;
    this.#reader.cancel(reason).catch(() => undefined); // a source that fails at its end is over as well
  }
}

/**
 * Undefined: there is nothing to read; a Response without a body.
 * @throws BridgeError BRG_CHAT_FAILED for what is no answer
 */
export function readerOf(answer: Exclude<ChatAnswer, undefined>): ChunkReader | undefined {
  if (typeof answer === 'string') return new ChunkReader(new Blob([answer]).stream(), new TextParser());
  if (answer instanceof Response) return responseReader(answer);
  if (answer instanceof ReadableStream) return new ChunkReader(answer, new ObjectParser());
  if (typeof (answer as Partial<ChunkStreamSource>).toUIMessageStream === 'function') {
    return new ChunkReader(answer.toUIMessageStream({ onError: chatErrorText }), new ObjectParser());
  }
  throw new BridgeError(
    'BRG_CHAT_FAILED',
    'onChatMessage answered neither a Response nor a stream nor a text',
  );
}

/** Nobody will read it. */
export function releaseAnswer(answer: ChatAnswer): void {
  const body = answer instanceof Response ? answer.body : answer;
  if (body instanceof ReadableStream && !body.locked) body.cancel().catch(() => undefined); // it is over anyway
}

function responseReader(response: Response): ChunkReader | undefined {
  if (!response.ok) {
    releaseAnswer(response);
    throw new BridgeError('BRG_CHAT_FAILED', `onChatMessage answered with status ${response.status}`);
  }
  if (response.body === null) return undefined;
  if (response.bodyUsed)
    throw new BridgeError('BRG_CHAT_FAILED', 'the body of the Response was read already');
  const isSse = response.headers.get('content-type')?.includes('text/event-stream') === true;
  return new ChunkReader(response.body, isSse ? new SseParser() : new TextParser());
}

class SseParser implements Parser {
  readonly #events = new SseReader();

  push(piece: unknown): Chunk[] {
    return this.#events.push(bytesOf(piece)).flatMap(chunkOf);
  }

  end(): Chunk[] {
    return this.#events.end().flatMap(chunkOf);
  }
}

/** The AI SDK ends its streams with this. */
const DONE = '[DONE]';

function chunkOf(data: string): Chunk[] {
  if (data.trim() === DONE) return [];
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new BridgeError('BRG_CHAT_STREAM', 'an event of the answer is no JSON');
  }
  return [checkedChunk(value)];
}

function checkedChunk(value: unknown): Chunk {
  if (isJsonObject(value) && typeof value['type'] === 'string') return value as Chunk; // checked
  throw new BridgeError('BRG_CHAT_STREAM', 'an event of the answer is no object with a type');
}

class TextParser implements Parser {
  readonly #decoder = new TextDecoder();
  #hasBegun = false;

  push(piece: unknown): Chunk[] {
    return this.#text(this.#decoder.decode(bytesOf(piece), { stream: true }));
  }

  end(): Chunk[] {
    const rest = this.#text(this.#decoder.decode());
    return this.#hasBegun ? [...rest, { type: 'text-end', id: 'text' }] : rest;
  }

  #text(delta: string): Chunk[] {
    if (delta === '') return [];
    const begin: Chunk[] = this.#hasBegun ? [] : [{ type: 'text-start', id: 'text' }];
    this.#hasBegun = true;
    return [...begin, { type: 'text-delta', id: 'text', delta }];
  }
}

/** Chunks as objects: they become what JSON can say, as the others are. */
class ObjectParser implements Parser {
  push(piece: unknown): Chunk[] {
    return [checkedChunk(JSON.parse(JSON.stringify(piece) ?? 'null'))];
  }

  end(): Chunk[] {
    return [];
  }
}

function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === 'string') return Buffer.from(piece);
  throw new BridgeError('BRG_CHAT_STREAM', 'the body of the answer holds something that is no bytes');
}
