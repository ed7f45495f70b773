/**
 * One WebSocket of an agent: frames between the socket and the runtime, nothing of their meaning. Text on a
 * CBOR connection is handed on like any other frame: the agent's gate decides what happens (1003).
 *
 * Lifecycle: open -> closing (a close frame was sent, by whichever side) -> closed. Frames are sent only
 * while open; `closed` reaches the runtime exactly once.
 */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type {
  ActorRuntime,
  CodecName,
  ConnectionDetails,
  ConnectionHandle,
  ConnectionSink,
} from '../actor/index.ts';
import { addressKey } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { asBridgeError, errorSpec, publicMessage } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/index.ts';
import type { FrameWriter } from './frame-writer.ts';
import { mayListenerSend } from './listening.ts';

/** Counts frames and their payload bytes, by codec. */
export interface FrameCounters {
  framesIn(codec: CodecName, bytes: number): void;
  framesOut(codec: CodecName, bytes: number): void;
}

export interface AgentSocketContext {
  readonly runtime: ActorRuntime;
  readonly counters: FrameCounters;
  /** Shared by all sockets. */
  readonly writer: FrameWriter;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes waiting in one socket before it is closed with 1013. */
  readonly bufferBytesMax: number;
}

/** A WebSocket has its codec from the upgrade on, and who opened it. */
export type SocketDetails = ConnectionDetails & {
  readonly codec: CodecName;
  /** Null: nobody was asked. */
  readonly caller: Caller | null;
};

export class AgentSocket {
  readonly #socket: WebSocket;
  /** What the WebSocket writes to. */
  readonly #stream: Duplex;
  readonly #details: SocketDetails;
  readonly #context: AgentSocketContext;
  readonly #handle: ConnectionHandle | null;
  /** Whether anything came since the last `checkAlive`. */
  #isAlive = true;
  /** Frames of this tick, ready to be written, and their bytes. */
  #waiting: Uint8Array[] | null = null;
  #waitingBytes = 0;
  /** Bytes of a frame larger than the whole buffer that may be still on its way; 0 for none. */
  #largeFrameBytes = 0;
  #cancelPause = noTimer;
  #cancelTerminate = noTimer;

  /** Whether it may send nothing but what asks for what it is sent. */
  readonly #isListener: boolean;

  /** Opens the connection at the agent; when that fails the socket is closed and nothing thrown. */
  constructor(socket: WebSocket, stream: Duplex, details: SocketDetails, context: AgentSocketContext) {
    this.#socket = socket;
    this.#stream = stream;
    this.#details = details;
    this.#context = context;
    this.#isListener = details.caller?.may('approve') === false;
    socket.on('message', (data, isBinary) => this.#receive(data, !isBinary));
    socket.on('pong', () => (this.#isAlive = true));
    socket.on('error', (error) =>
      context.log.debug({ err: error, agent: addressKey(details.address) }, 'websocket failed'),
    );
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
    this.#handle = this.#open();
  }

  #open(): ConnectionHandle | null {
    const sink: ConnectionSink = {
      send: (frame, isText) => this.#send(frame, isText),
      close: (code, reason) => this.close(code, reason),
    };
    try {
      const { caller: _caller, ...details } = this.#details;
      return this.#context.runtime.openConnection(details, sink);
    } catch (error) {
      const failure = asBridgeError(error);
      const spec = errorSpec(failure.code);
      if (!spec.public) this.#context.log.error({ err: failure }, 'connection not opened');
      this.close(spec.closeCode ?? 1011, publicMessage(failure));
      return null;
    }
  }

  #send(frame: Uint8Array, isText: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (!this.#hasRoom(frame.byteLength)) {
      this.close(1013, 'the client reads too slowly');
      return;
    }
    const { counters, writer } = this.#context;
    counters.framesOut(this.#details.codec, frame.byteLength);
    const framed = writer.framed(frame, isText);
    if (this.#waiting === null) {
      this.#waiting = [...framed];
      writer.schedule(this);
    } else {
      this.#waiting.push(...framed);
    }
    this.#waitingBytes += frame.byteLength;
  }

  /** Past `ws`, which would frame each of them for each connection. */
  flush(): void {
    const chunks = this.#waiting;
    this.#waiting = null;
    this.#waitingBytes = 0;
    if (chunks === null || this.#socket.readyState !== this.#socket.OPEN) return; // `close` has written them
    const isOne = chunks.length === 1; // most ticks have one frame for a connection
    if (!isOne) this.#stream.cork();
    // A failed write ends in 'close'; without a callback it has nobody to tell, and needs nobody.
    for (const chunk of chunks) this.#stream.write(chunk);
    if (!isOne) this.#stream.uncork();
  }

  /** One frame larger than the whole buffer may be on its way (a large state), and the buffer behind it. */
  #hasRoom(bytes: number): boolean {
    const { bufferBytesMax } = this.#context;
    const bufferedAmount = this.#stream.writableLength + this.#waitingBytes;
    if (bufferedAmount <= bufferBytesMax) this.#largeFrameBytes = bytes > bufferBytesMax ? bytes : 0;
    else if (bytes > bufferBytesMax) return false;
    return bufferedAmount + (bytes > bufferBytesMax ? 0 : bytes) <= bufferBytesMax + this.#largeFrameBytes;
  }

  #receive(data: RawData, isText: boolean): void {
    this.#isAlive = true;
    if (this.#socket.readyState !== this.#socket.OPEN) return; // frames behind our own close frame
    const frame = toBytes(data);
    this.#context.counters.framesIn(this.#details.codec, frame.byteLength);
    if (this.#isListener && !mayListenerSend(frame, isText, this.#details.codec)) {
      this.close(1008, 'this token may listen, not speak: it takes the scope "approve"');
      return;
    }
    this.#handle?.receive(frame, isText);
    if (this.#context.runtime.isCongested()) this.#pause();
  }

  /** TCP carries the congestion back to the client. */
  #pause(): void {
    this.#socket.pause();
    this.#cancelPause();
    this.#cancelPause = this.#context.clock.after(limits.webSocketCongestedPauseMs, () => {
      if (this.#context.runtime.isCongested()) this.#pause();
      else this.#socket.resume();
    });
  }

  /** Pings; a peer that said nothing since the last call is gone (half-open), its socket is destroyed. */
  checkAlive(): void {
    if (!this.#isAlive && !this.#socket.isPaused) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /** Sends a close frame; the peer has `webSocketCloseMs` to answer it. */
  close(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    this.flush();
    socket.close(isCloseCode(code) ? code : 1011, truncateReason(reason));
    this.#cancelPause();
    socket.resume(); // a paused socket would never see the answer
    this.#cancelTerminate = this.#context.clock.after(limits.webSocketCloseMs, () => socket.terminate());
  }

  /** Ends it when who opened it is not who they were: the token has ended, or was taken back. Throws what the database does. */
  checkCaller(): void {
    if (this.#details.caller?.isCurrent === false) this.close(1008, 'the token holds no more');
  }

  checkExpiry(nowMs: number): void {
    const expiresAtMs = this.#details.caller?.expiresAtMs ?? Infinity;
    if (expiresAtMs <= nowMs) this.close(1008, 'the token has expired');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #closed(code: number, reason: string): void {
    this.#cancelPause();
    this.#cancelTerminate();
    this.#handle?.closed(code, reason, code !== 1006); // RFC 6455 section 7.1.5
  }
}

function noTimer(): void {}

/** A view where `ws` allows one: a frame is a Buffer unless somebody set another binaryType. */
function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** Codes an endpoint may send (RFC 6455 section 7.4). */
function isCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

/** A control frame has 125 bytes, two of them the code (RFC 6455 section 5.5). */
function truncateReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= 123) return reason;
  return new TextDecoder().decode(bytes.subarray(0, 120)).replace(/\uFFFD+$/, '');
}
