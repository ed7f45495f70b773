/** What a streaming callable writes to. Each method returns false once the stream has ended. */
export class StreamingResponse {
  /** Aborted when nobody waits for more: cancelled, over its deadline, or the caller has gone. */
  readonly signal: AbortSignal;
  readonly #write: (part: StreamPart) => void;
  #isClosed = false;

  constructor(write: (part: StreamPart) => void, signal: AbortSignal) {
    this.#write = write;
    this.signal = signal;
    // Later writes go nowhere.
    signal.addEventListener('abort', () => (this.#isClosed = true));
  }

  /** Whether the stream has ended, whoever ended it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends one chunk (a JSON value). One that cannot be sent ends the stream with an error. */
  send(chunk: unknown): boolean {
    if (this.#isClosed) return false;
    this.#write({ kind: 'chunk', value: chunk });
    return !this.isClosed;
  }

  /** Ends the stream, with a last value or without. */
  end(finalChunk?: unknown): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#write({ kind: 'end', value: finalChunk });
    return true;
  }

  /** Ends the stream with an error. */
  error(message: string): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#write({ kind: 'error', message });
    return true;
  }
}

export type StreamPart =
  | { readonly kind: 'chunk'; readonly value: unknown }
  | { readonly kind: 'end'; readonly value: unknown }
  | { readonly kind: 'error'; readonly message: string };
