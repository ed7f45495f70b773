/** The body of an endpoint's answer: its bytes as they come, each time it is its turn, and to our limit. */
import type { IncomingMessage } from 'node:http';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { PacedAnswer, Pacer } from './pacer.ts';

/** Who stops reading closes the connection. */
export function endpointBody(message: IncomingMessage, pacer: Pacer): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(new BodySource(message, pacer), { highWaterMark: 0 });
}

/** Who reads, and waits. */
interface Demand {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly isMet: () => void;
}

class BodySource implements PacedAnswer {
  readonly #message: IncomingMessage;
  readonly #pacer: Pacer;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #bytesEver = 0;
  #demand: Demand | undefined;
  #isQueued = false;
  /** Nothing more comes, and why. */
  #end: { readonly error?: unknown } | undefined;

  constructor(message: IncomingMessage, pacer: Pacer) {
    this.#message = message;
    this.#pacer = pacer;
    pacer.join(this);
    message.on('data', (chunk: Buffer) => this.#take(chunk));
    message.on('end', () => this.#ended({}));
    message.on('error', (error) => this.#ended({ error }));
    message.on('close', () => pacer.leave(this));
  }

  get isBehind(): boolean {
    return this.#bytes > limits.modelPaceBytes;
  }

  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    return new Promise((isMet) => {
      this.#demand = { controller, isMet };
      this.#queue();
    });
  }

  cancel(): void {
    this.#demand = undefined;
    this.#message.destroy();
  }

  handOn(): void {
    this.#isQueued = false;
    const demand = this.#demand;
    // Nobody wants it any more.
    if (demand === undefined) return;
    this.#demand = undefined;
    if (this.#bytes > 0) demand.controller.enqueue(this.#piece());
    else if (this.#end !== undefined && 'error' in this.#end) demand.controller.error(this.#end.error);
    else demand.controller.close();
    demand.isMet();
    if (this.#bytes < limits.modelPaceBufferBytes) this.#message.resume();
  }

  #take(chunk: Buffer): void {
    this.#bytesEver += chunk.length;
    if (this.#bytesEver > limits.modelAnswerBytesMax) {
      const text = `the answer is longer than ${limits.modelAnswerBytesMax} bytes`;
      this.#message.destroy(new BridgeError('BRG_MODEL_ANSWER', text));
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= limits.modelPaceBufferBytes) this.#message.pause();
    this.#queue();
  }

  #ended(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#queue();
  }

  /** Waits for its turn when there is something to say and somebody to say it to. */
  #queue(): void {
    const isReady = this.#demand !== undefined && (this.#bytes > 0 || this.#end !== undefined);
    if (!isReady || this.#isQueued) return;
    this.#isQueued = true;
    this.#pacer.wait(this);
  }

  #piece(): Uint8Array {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const bytes = all ?? Buffer.concat(this.#chunks);
    const piece = bytes.subarray(0, limits.modelPaceBytes);
    const rest = bytes.subarray(piece.length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return piece;
  }
}
