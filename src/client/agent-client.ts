/** The public face of a client: the session, with the types of its agent. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Frame, InboundFrame } from '../wire/index.ts';
import { AsyncQueue } from './async-queue.ts';
import type { CallOptions } from './calls.ts';
import type { ClientEvents, ClientStatus, Emitter } from './events.ts';
import type { AgentClientOptions } from './options.ts';
import { Session } from './session.ts';
import type { ArgumentsOf, MethodOf, ResultOf, StateOf, Stub } from './typing.ts';

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

/**
 * A client of one agent. `A` is the agent: its class (with `static callables`), its type, or an interface with
 * `state` and methods. It connects at once, and again whenever the connection breaks, until `close()`.
 */
export class AgentClient<A = unknown> {
  readonly #session: Session;
  readonly #emitter: Emitter<ClientEvents<StateOf<A>>>;

  /** One function per callable method: `await client.stub.add(1, 2)`. */
  readonly stub: Stub<A>;

  /** @throws BridgeError BRG_ADDRESS, BRG_CONFIG (no WebSocket here) */
  constructor(options: AgentClientOptions<StateOf<A>>) {
    // What the agent says of its state is taken to be of the type the caller names.
    this.#session = new Session(options as unknown as AgentClientOptions);
    this.#emitter = this.#session.emitter as unknown as Emitter<ClientEvents<StateOf<A>>>;
    this.stub = newStub(this.#session) as Stub<A>;
    if (options.onStateUpdate) this.on('state', options.onStateUpdate);
    if (options.onStateUpdateError) this.on('stateError', options.onStateUpdateError);
    if (options.onIdentity) this.on('identity', options.onIdentity);
    if (options.onFrame) this.on('frame', options.onFrame);
    if (options.onError) this.on('error', options.onError);
    this.#session.open();
  }

  /** Model of the agent, as it said; undefined until then. */
  get agent(): string | undefined {
    return this.#session.identity?.agent;
  }

  /** Id of the agent, as it said; undefined until then. */
  get name(): string | undefined {
    return this.#session.identity?.name;
  }

  /** Where its connection stands. */
  get status(): ClientStatus {
    return this.#session.status;
  }

  /**
   * Resolves when the agent has answered on the current connection; its state, if it has one, is here then. After a
   * loss it is a new promise. Rejects when the client is closed or gives up.
   */
  get ready(): Promise<void> {
    return this.#session.ready;
  }

  /** The local copy: what this client set last or the agent said; undefined while there is none. */
  get state(): StateOf<A> | undefined {
    return this.#session.state as StateOf<A> | undefined; // as above
  }

  /** The version of the state, null when the agent counts none. */
  get stateVersion(): number | null {
    return this.#session.stateVersion;
  }

  /**
   * Replaces the state: here at once, at the agent as soon as there is a connection. Resolves when the agent took it;
   * when it refused, the old state is back, `stateError` was told and the promise rejects with BRG_STATE_REJECTED.
   * Other rejections: BRG_CONNECTION_CLOSED (nobody knows), BRG_FRAME_TOO_LARGE, BRG_BUSY. Need not be awaited.
   */
  setState(state: StateOf<A>): Promise<void> {
    const done = this.#session.setState(state);
    // Whoever does not wait for it listens to `stateError`.
    done.catch(() => undefined);
    return done;
  }

  /**
   * Calls a method. Rejects with BRG_CALL_FAILED (its error), BRG_TIMEOUT, BRG_ABORTED, BRG_CONNECTION_CLOSED (it may
   * have run), BRG_FRAME_TOO_LARGE, BRG_BUSY (too many calls wait). Without a connection it waits for one.
   */
  async call<M extends MethodOf<A>>(
    method: M,
    ...[args, options]: [] extends ArgumentsOf<A, M>
      ? [args?: ArgumentsOf<A, M>, options?: CallOptions]
      : [args: ArgumentsOf<A, M>, options?: CallOptions]
  ): Promise<ResultOf<A, M>> {
    const result = await this.#session.call(method, args ?? [], options ?? {});
    return result as ResultOf<A, M>; // as above
  }

  /**
   * Calls a streaming method; its chunks are the values of a `for await` loop, which throws what `call` rejects with.
   * Leaving the loop gives the call up.
   */
  stream<M extends MethodOf<A>>(
    method: M,
    args: ArgumentsOf<A, M>,
    options: Omit<CallOptions, 'stream'> = {},
  ): AsyncIterableIterator<unknown> {
    const left = new AbortController();
    const queue = new AsyncQueue<unknown>(limits.clientFramesWaitingMax, tooSlow, () => left.abort());
    const signal =
      options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
    const stream = { onChunk: (chunk: unknown) => queue.push(chunk) };
    this.#session.call(method, args, { ...options, signal, stream }).then(
      () => queue.end(),
      (error: Error) => queue.fail(error),
    );
    return queue;
  }

  /** Calls `listener` on each such event; the returned function ends that. */
  on<K extends keyof ClientEvents<StateOf<A>>>(
    event: K,
    listener: (...values: ClientEvents<StateOf<A>>[K]) => void,
  ): () => void {
    return this.#emitter.on(event, listener);
  }

  /**
   * Frames as they come, for a `for await` loop: of one type or all, across reconnects, until `close()`. Throws
   * BRG_SLOW_CLIENT in a loop that lags behind by `clientFramesWaitingMax`.
   */
  frames<T extends Frame['type'] = Frame['type']>(type?: T): AsyncIterableIterator<FrameOf<T>> {
    const stops: (() => void)[] = [];
    const queue = new AsyncQueue<FrameOf<T>>(limits.clientFramesWaitingMax, tooSlow, () => {
      for (const stop of stops) stop();
    });
    stops.push(
      this.#emitter.on('frame', (frame) => {
        if (type === undefined || frame.type === type) queue.push(frame as FrameOf<T>); // by its type
      }),
      this.#emitter.on('status', (status) => {
        if (status === 'closed') queue.end();
      }),
    );
    if (this.status === 'closed') queue.end();
    return queue;
  }

  /** Sends a frame of the protocol, e.g. of a chat. @throws BridgeError BRG_CONNECTION_CLOSED, BRG_FRAME_TOO_LARGE, BRG_BUSY */
  sendFrame(frame: InboundFrame): void {
    this.#session.sendFrame(frame);
  }

  /** Sends a message to the agent's `onMessage`: bytes, text, or a value in the codec. Throws as `sendFrame`. */
  send(message: unknown): void {
    this.#session.sendMessage(message);
  }

  /** Ends the connection for good; what waits is rejected with BRG_CONNECTION_CLOSED. */
  close(): void {
    this.#session.close();
  }
}

/** A method for every name but `then`, by which `await` would take it for a promise. */
function newStub(session: Session): object {
  return new Proxy(
    {},
    {
      get: (_target, name) =>
        typeof name === 'symbol' || name === 'then'
          ? undefined
          : (...args: unknown[]) => session.call(name, args, {}),
    },
  );
}

function tooSlow(): BridgeError {
  const message = `the loop lags behind by more than ${limits.clientFramesWaitingMax} frames`;
  return new BridgeError('BRG_SLOW_CLIENT', message);
}
