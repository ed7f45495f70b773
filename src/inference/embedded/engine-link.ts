/**
 * Asks the engine of one model file, from whichever thread: over a port of its own, which is made with the first
 * question and again after the engine's thread has ended.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { BridgeError } from '../../base/errors.ts';
import type { KvBlob } from './chat-memory.ts';
import type { EngineGate, EngineOrder, EngineRefusal, EngineWord } from './engine-words.ts';
import type { Choice, ChoiceRequest, Generation, GenerationRequest } from './generation.ts';

/** What a request of a caller may have besides itself. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pieces of the text as they come. */
  readonly onText?: (delta: string) => void;
  /** What the agent kept of its last prompt. */
  readonly blob?: KvBlob | undefined;
}

interface Pending {
  readonly onText: ((delta: string) => void) | undefined;
  readonly resolve: (word: EngineWord) => void;
  readonly reject: (error: Error) => void;
}

type Unsent<T> = T extends EngineOrder ? Omit<T, 'id'> : never;

export class EngineLink {
  readonly path: string;
  readonly #gate: EngineGate;
  readonly #pending = new Map<number, Pending>();
  #port: MessagePort | undefined;
  #lastId = 0;

  constructor(path: string, gate: EngineGate) {
    this.path = path;
    this.#gate = gate;
  }

  /** Requests that are out. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Text after the prompt. @throws BridgeError BRG_MODEL_...; the reason of the signal when aborted */
  async generate(request: GenerationRequest, options: AskOptions = {}): Promise<Generation> {
    const wantsPieces = options.onText !== undefined;
    const word = await this.#ask({ ...request, ...(wantsPieces ? { wantsPieces } : {}) }, options);
    return word.result as Generation; // what the engine answers to this kind of request
  }

  /** Which of the options is the likeliest to follow. @throws BridgeError BRG_MODEL_...; the reason of the signal */
  async choose(request: ChoiceRequest, options: AskOptions = {}): Promise<Choice> {
    return (await this.#ask(request, options)).result as Choice; // what the engine answers to this kind of request
  }

  /** What the agent should keep of its last prompt while it sleeps; undefined: nothing worth it. */
  async save(agent: string): Promise<KvBlob | undefined> {
    // Without a thread there is no memory: nothing is started to find that out.
    if (this.#port === undefined) return undefined;
    const word = await this.#send({ kind: 'save', agent }, {});
    return word.kind === 'saved' ? word.blob : undefined;
  }

  /** Gives up whatever is out. */
  close(): void {
    this.#port?.close();
  }

  async #ask(
    request: GenerationRequest | ChoiceRequest,
    options: AskOptions,
  ): Promise<EngineWord & { kind: 'done' }> {
    options.signal?.throwIfAborted();
    const { blob } = options;
    const order = {
      kind: 'ask',
      request,
      askedMs: Date.now(),
      ...(blob === undefined ? {} : { blob }),
    } as const;
    const word = await this.#send(order, options);
    if (word.kind !== 'done') throw new BridgeError('BRG_INTERNAL', 'a question ends with an answer');
    return word;
  }

  async #send(order: Unsent<EngineOrder>, { signal, onText }: AskOptions): Promise<EngineWord> {
    const id = ++this.#lastId;
    const port = this.#connected();
    const { promise, resolve, reject } = Promise.withResolvers<EngineWord>();
    this.#pending.set(id, { onText, resolve, reject });
    const aborted = (): void => {
      if (!this.#pending.delete(id)) return;
      port.postMessage({ kind: 'abort', id } satisfies EngineOrder);
      reject(signal?.reason as Error); // any value may be the reason of a signal
    };
    signal?.addEventListener('abort', aborted, { once: true });
    port.ref();
    port.postMessage({ ...order, id });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', aborted);
      if (this.#pending.size === 0) this.#port?.unref();
    }
  }

  #connected(): MessagePort {
    if (this.#port !== undefined) return this.#port;
    const { port1: port, port2 } = new MessageChannel();
    this.#port = port;
    const ended = (why: BridgeError): void => {
      if (this.#port !== port) return;
      this.#port = undefined;
      const pending = [...this.#pending.values()];
      this.#pending.clear();
      for (const { reject } of pending) reject(why);
    };
    port.on('message', (said: EngineWord[] | EngineRefusal) => {
      if (Array.isArray(said)) for (const word of said) this.#heard(word);
      else {
        ended(new BridgeError(said.code, said.message));
        port.close();
      }
    });
    port.on('close', () => ended(new BridgeError('BRG_MODEL_UNAVAILABLE', 'the engine of the model ended')));
    this.#gate(this.path, port2);
    return port;
  }

  #heard(word: EngineWord): void {
    const pending = this.#pending.get(word.id);
    // Given up meanwhile.
    if (pending === undefined) return;
    if (word.kind === 'text') {
      pending.onText?.(word.delta);
      return;
    }
    this.#pending.delete(word.id);
    if (word.kind === 'failed') {
      const { code, message, details } = word;
      pending.reject(new BridgeError(code, message, details === undefined ? {} : { details }));
    } else pending.resolve(word);
  }
}
