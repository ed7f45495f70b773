/**
 * One WebSocket, kept alive: idle -> connecting -> open -> waiting -> connecting ... -> closed.
 *
 * A browser shows neither pings nor pongs, so a half-open connection is found with messages: after
 * `heartbeatMs` of silence a probe goes out, and whatever comes within `heartbeatTimeoutMs` is a sign of life.
 *
 * I1 Only the socket of the current phase is listened to; one that was given up cannot speak later.
 * I2 `onLost` follows each `onOpen` exactly once, before the next `onOpen`.
 */
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { backoffMs } from './backoff.ts';
import { onWake, type SocketConstructor, type SocketLike } from './socket.ts';

/** Waits of a connection in ms; `base/limits.ts` has the defaults and their reasons. */
export interface LinkTimings {
  readonly heartbeatMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface LinkOptions extends LinkTimings {
  readonly socket: SocketConstructor;
  readonly subprotocols: readonly string[];
  /** Failed attempts in a row before the link closes itself. */
  readonly attemptsMax: number;
  /** Asked before every attempt: a token may have changed. */
  readonly url: () => string | Promise<string>;
}

export interface LinkEvents {
  onConnecting(): void;
  onOpen(): void;
  onMessage(data: string | Uint8Array): void;
  /** Time to send something that gets an answer. */
  onProbe(): void;
  /** A connection or an attempt failed; another one follows. */
  onLost(error: BridgeError): void;
  /** It ends here, by `close()` (`isOwn`) or because another try cannot change anything. */
  onClosed(error: BridgeError, isOwn: boolean): void;
}

type Timer = ReturnType<typeof setTimeout>;

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; socket: SocketLike | null; readonly timer: Timer }
  | {
      readonly kind: 'open';
      readonly socket: SocketLike;
      readonly openedAtMs: number;
      heardAtMs: number;
      isProbed: boolean;
      timer: Timer;
    }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #phase: Phase = { kind: 'idle' };
  #attempt = 0;
  #stopWaking = (): void => {};

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  open(): void {
    if (this.#phase.kind !== 'idle') return;
    this.#stopWaking = onWake(() => this.#wake());
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#phase.kind === 'open';
  }

  /** Only while open. @throws BridgeError BRG_CONNECTION_CLOSED, BRG_BUSY (the network is slower than the caller) */
  send(data: string | Uint8Array): void {
    if (this.#phase.kind !== 'open') throw new BridgeError('BRG_CONNECTION_CLOSED', 'there is no connection');
    const { socket } = this.#phase;
    if (socket.bufferedAmount + data.length > limits.socketBufferBytesMax) {
      throw new BridgeError('BRG_BUSY', `${socket.bufferedAmount} bytes are still waiting to be sent`);
    }
    socket.send(data);
  }

  /** Ends the link for good. */
  close(): void {
    this.#end(new BridgeError('BRG_CONNECTION_CLOSED', 'Connection closed'), true);
  }

  /** Gives up the connection and makes another one. */
  restart(error: BridgeError): void {
    if (this.#phase.kind !== 'open') return;
    this.#lost(error);
  }

  #connect(): void {
    const timer = setTimeout(
      () => this.#lost(closed(`no connection within ${this.#options.connectTimeoutMs} ms`)),
      this.#options.connectTimeoutMs,
    );
    const phase: Phase = { kind: 'connecting', socket: null, timer };
    this.#phase = phase;
    this.#events.onConnecting();
    // Never rejects: every failure is caught below.
    void this.#dial(phase);
  }

  async #dial(phase: Extract<Phase, { kind: 'connecting' }>): Promise<void> {
    try {
      const url = await this.#options.url();
      if (this.#phase !== phase) return;
      phase.socket = new this.#options.socket(url, [...this.#options.subprotocols]);
      this.#listen(phase.socket);
    } catch (error) {
      if (this.#phase !== phase) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#lost(new BridgeError('BRG_CONNECTION_CLOSED', `Connection failed: ${reason}`, { cause: error }));
    }
  }

  #listen(socket: SocketLike): void {
    const isCurrent = (): boolean => 'socket' in this.#phase && this.#phase.socket === socket; // I1
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      if (isCurrent()) this.#opened(socket);
    });
    socket.addEventListener('message', ({ data }) => {
      if (isCurrent()) this.#heard(data);
    });
    // The close event follows and says more; `ws` wants a listener all the same.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code, reason }) => {
      if (isCurrent()) this.#closedByPeer(code, reason);
    });
  }

  #opened(socket: SocketLike): void {
    this.#clearTimer();
    const now = performance.now();
    const timer = setTimeout(() => this.#beat(), this.#options.heartbeatMs);
    this.#phase = { kind: 'open', socket, openedAtMs: now, heardAtMs: now, isProbed: false, timer };
    this.#events.onOpen();
  }

  #heard(data: unknown): void {
    if (this.#phase.kind !== 'open') return;
    this.#phase.heardAtMs = performance.now();
    this.#phase.isProbed = false;
    if (typeof data === 'string') this.#events.onMessage(data);
    else if (data instanceof ArrayBuffer) this.#events.onMessage(new Uint8Array(data));
  }

  /** One timer a connection: it looks when the last message came instead of being set anew by each. */
  #beat(): void {
    const phase = this.#phase;
    if (phase.kind !== 'open') return;
    const { heartbeatMs, heartbeatTimeoutMs } = this.#options;
    const silentMs = performance.now() - phase.heardAtMs;
    if (phase.isProbed) {
      this.#lost(closed(`nothing came for ${Math.round(silentMs)} ms, not even an answer`));
      return;
    }
    // Timers may be early by a fraction of a millisecond.
    const isSilent = silentMs >= heartbeatMs - 1;
    if (isSilent) this.#probe();
    if (this.#phase !== phase) return;
    phase.timer = setTimeout(() => this.#beat(), isSilent ? heartbeatTimeoutMs : heartbeatMs - silentMs);
  }

  #probe(): void {
    if (this.#phase.kind !== 'open') return;
    this.#phase.isProbed = true;
    this.#events.onProbe();
  }

  /** The network or the tab came back: do not sit out the wait, do not trust the old connection. */
  #wake(): void {
    if (this.#phase.kind === 'waiting') {
      this.#clearTimer();
      this.#connect();
    } else if (this.#phase.kind === 'open' && !this.#phase.isProbed) {
      this.#clearTimer();
      this.#probe();
      this.#phase.timer = setTimeout(() => this.#beat(), this.#options.heartbeatTimeoutMs);
    }
  }

  #closedByPeer(code: number, reason: string): void {
    const detail = `${code}${reason === '' ? '' : ` ${reason}`}`;
    const error =
      this.#phase.kind === 'connecting'
        ? new BridgeError('BRG_CONNECTION_CLOSED', `Connection failed: ${detail}`)
        : closed(detail, codeOf(code));
    // Policy (docs/protocol.md): the same token gets the same answer.
    if (code === 1008) this.#end(error, false);
    else this.#lost(error);
  }

  #lost(error: BridgeError): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    this.#clearTimer();
    this.#drop();
    if (phase.kind === 'open' && performance.now() - phase.openedAtMs >= limits.clientStableMs)
      this.#attempt = 0;
    this.#attempt++;
    if (this.#attempt >= this.#options.attemptsMax) {
      this.#end(error, false);
      return;
    }
    const { backoffBaseMs, backoffMaxMs } = this.#options;
    const waitMs = backoffMs(this.#attempt - 1, backoffBaseMs, backoffMaxMs, Math.random());
    this.#phase = { kind: 'waiting', timer: setTimeout(() => this.#connect(), waitMs) };
    this.#events.onLost(error);
  }

  #end(error: BridgeError, isOwn: boolean): void {
    if (this.#phase.kind === 'closed') return;
    this.#clearTimer();
    if (!isOwn) this.#drop();
    else if ('socket' in this.#phase) this.#phase.socket?.close(1000);
    this.#phase = { kind: 'closed' };
    this.#stopWaking();
    this.#events.onClosed(error, isOwn);
  }

  /** A dead peer would never finish the closing handshake. */
  #drop(): void {
    const socket = 'socket' in this.#phase ? this.#phase.socket : null;
    if (socket?.terminate) socket.terminate();
    else socket?.close();
  }

  #clearTimer(): void {
    if ('timer' in this.#phase) clearTimeout(this.#phase.timer);
  }
}

function closed(detail: string, code: ErrorCode = 'BRG_CONNECTION_CLOSED'): BridgeError {
  return new BridgeError(code, `Connection closed: ${detail}`);
}

/** What close codes of docs/protocol.md mean; the rest is the network's. */
function codeOf(closeCode: number): ErrorCode {
  switch (closeCode) {
    case 1001:
      return 'BRG_STOPPING';
    case 1008:
      return 'BRG_FORBIDDEN';
    case 1009:
      return 'BRG_FRAME_TOO_LARGE';
    case 1013:
      return 'BRG_BUSY';
    default:
      return 'BRG_CONNECTION_CLOSED';
  }
}
