/**
 * The calls of a client that wait for an answer, by request id.
 *
 * queued (no connection yet) -> sent -> answered. A call that was never sent waits for the next connection. One
 * that was sent when the connection broke may have run: it is sent again, with the same id, only if it is
 * idempotent and no chunk of its stream has come; else it is rejected, since nobody can know.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Frame } from '../wire/index.ts';

/** Chunks of a streaming call as they come. */
export interface StreamListener {
  readonly onChunk?: (chunk: unknown) => void;
  /** The stream is complete; `final` is what the method ended it with. */
  readonly onDone?: (final: unknown) => void;
  readonly onError?: (message: string) => void;
}

/** What a call may take, and what becomes of it when the connection breaks. */
export interface CallOptions {
  /**
   * Time the answer, or the next chunk of a stream, may take, in ms; 30 s by default, Infinity for ever. It also
   * runs while there is no connection.
   */
  readonly timeoutMs?: number;
  /** Gives up. The agent is told: a stream's signal aborts there; another method may run on. */
  readonly signal?: AbortSignal;
  /** The method may run twice: the call is sent again when the connection breaks before its answer. */
  readonly idempotent?: boolean;
  readonly stream?: StreamListener;
}

type Reply = Extract<Frame, { type: 'rpc' }>;
/** A frame as it goes over the wire. */
export type Packet = string | Uint8Array;
export type Send = (packet: Packet) => void;

interface Call {
  readonly id: string;
  readonly method: string;
  readonly packet: Packet;
  readonly options: CallOptions;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: BridgeError) => void;
  phase: 'queued' | 'sent' | 'streaming';
  stopWaiting: () => void;
}

export class Calls {
  readonly #calls = new Map<string, Call>();
  readonly #cancel: (id: string) => void;

  /** `cancel` tells the agent that nobody waits for this call any more. */
  constructor(cancel: (id: string) => void) {
    this.#cancel = cancel;
  }

  /** Resolves to the result; rejects with BRG_TIMEOUT, BRG_CALL_FAILED, BRG_CONNECTION_CLOSED, BRG_ABORTED, BRG_BUSY. */
  start(
    id: string,
    method: string,
    packet: Packet,
    options: CallOptions,
    send: Send | null,
  ): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call: Call = {
      id,
      method,
      packet,
      options,
      resolve,
      reject,
      phase: 'queued',
      stopWaiting: () => {},
    };
    if (options.signal?.aborted === true) {
      this.#fail(call, aborted(method));
    } else if (this.#calls.size >= limits.clientCallsPendingMax) {
      this.#fail(
        call,
        new BridgeError('BRG_BUSY', `${this.#calls.size} calls are waiting for their answers`),
      );
    } else {
      this.#calls.set(id, call);
      this.#waitFor(call);
      if (send !== null) this.#send(call, send);
    }
    return promise;
  }

  /** What waited for a connection, and what may be sent again. */
  connected(send: Send): void {
    for (const call of [...this.#calls.values()]) if (call.phase === 'queued') this.#send(call, send);
  }

  disconnected(error: BridgeError): void {
    for (const call of [...this.#calls.values()]) {
      if (call.phase === 'queued') continue;
      if (call.options.idempotent === true && call.phase === 'sent') {
        call.phase = 'queued';
        continue;
      }
      const message = `Connection closed: ${call.method} may or may not have run`;
      this.#fail(call, new BridgeError('BRG_CONNECTION_CLOSED', message, { cause: error }));
    }
  }

  closed(error: BridgeError): void {
    for (const call of [...this.#calls.values()]) this.#fail(call, error);
  }

  /** Late answers, of calls nobody waits for any more, are dropped. */
  answered(reply: Reply): void {
    const call = this.#calls.get(reply.id);
    if (call === undefined) return;
    if (!reply.success) {
      this.#fail(call, new BridgeError('BRG_CALL_FAILED', reply.error ?? 'Unknown error occurred'));
    } else if (reply.done === false) {
      call.phase = 'streaming';
      this.#waitFor(call);
      tell(() => call.options.stream?.onChunk?.(reply.result));
    } else {
      this.#settle(call);
      tell(() => call.options.stream?.onDone?.(reply.result));
      call.resolve(reply.result);
    }
  }

  #send(call: Call, send: Send): void {
    try {
      send(call.packet);
      call.phase = 'sent';
    } catch (error) {
      const failure =
        error instanceof BridgeError ? error : new BridgeError('BRG_CONNECTION_CLOSED', String(error));
      this.#fail(call, failure);
    }
  }

  /** Starts the deadline anew. */
  #waitFor(call: Call): void {
    call.stopWaiting();
    const { timeoutMs = limits.requestTimeoutMs, signal } = call.options;
    const message = `RPC call to ${call.method} timed out after ${timeoutMs}ms`;
    const expire = (): void => this.#giveUp(call, new BridgeError('BRG_TIMEOUT', message));
    // setTimeout counts in a signed 32-bit number of ms; what is longer is for ever.
    const timer = timeoutMs < 2 ** 31 ? setTimeout(expire, timeoutMs) : undefined;
    const abort = (): void => this.#giveUp(call, aborted(call.method));
    signal?.addEventListener('abort', abort);
    call.stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
  }

  #giveUp(call: Call, error: BridgeError): void {
    if (call.phase !== 'queued') this.#cancel(call.id);
    this.#fail(call, error);
  }

  #fail(call: Call, error: BridgeError): void {
    this.#settle(call);
    tell(() => call.options.stream?.onError?.(error.message));
    call.reject(error);
  }

  #settle(call: Call): void {
    call.stopWaiting();
    this.#calls.delete(call.id);
  }
}

function aborted(method: string): BridgeError {
  return new BridgeError('BRG_ABORTED', `RPC call to ${method} was aborted`);
}

/** A listener's failure is its own: uncaught, but not in the middle of ours. */
function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
