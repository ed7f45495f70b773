import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { decodeOutboundFrame, type Codec, type Frame } from '../../src/wire/index.ts';
import { until } from './until.ts';

export interface Received {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** A real WebSocket client that remembers everything it got, from the first byte on. */
export class FrameSocket {
  readonly socket: WebSocket;
  readonly received: Received[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly #frames: Frame[] = [];
  /** How many of `received` are in `#frames`. */
  #decoded = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => void this.received.push({ data, isBinary }));
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
  }

  static async open(url: string, protocols: string[]): Promise<FrameSocket> {
    const peer = new FrameSocket(new WebSocket(url, protocols));
    onTestFinished(() => peer.socket.terminate());
    await until(() => peer.socket.readyState === WebSocket.OPEN || peer.closed !== null, `${url} to open`);
    return peer;
  }

  get codec(): Codec {
    return this.socket.protocol === 'mooring.v1.cbor' ? 'cbor' : 'json';
  }

  /** The protocol frames so far; an author's own messages are left out. */
  get frames(): Frame[] {
    // Tests look again and again: each frame is decoded once.
    for (const { data } of this.received.slice(this.#decoded))
      this.#frames.push(...frameOf(data, this.codec));
    this.#decoded = this.received.length;
    return [...this.#frames];
  }

  ofType<T extends Frame['type']>(type: T): Extract<Frame, { type: T }>[] {
    // The filter is the cast.
    return this.frames.filter((frame) => frame.type === type) as Extract<Frame, { type: T }>[];
  }

  /** Waits for the `count`-th frame of a type. */
  async frame<T extends Frame['type']>(type: T, count = 1): Promise<Extract<Frame, { type: T }>> {
    return until(() => this.ofType(type)[count - 1], `frame ${count} of type ${type}`);
  }

  clear(): void {
    this.received.length = 0;
    this.#frames.length = 0;
    this.#decoded = 0;
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  async closing(): Promise<{ code: number; reason: string }> {
    return until(() => this.closed, 'the socket to close');
  }
}

/** A frame in a list, or nothing where the bytes are none. */
export function frameOf(data: Uint8Array, codec: Codec): Frame[] {
  try {
    return [decodeOutboundFrame(data, codec)];
  } catch {
    return [];
  }
}
