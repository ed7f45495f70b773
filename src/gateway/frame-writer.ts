/**
 * Frames of agents on their way into WebSockets.
 *
 * An agent's frame comes here once for each connection that gets it, in the same tick and as the same bytes.
 * I1 It is framed once (RFC 6455 section 5.2), however many connections get it: what a server sends is not masked,
 *    and without compression the bytes of all of them are the same.
 * I2 All frames of a tick leave a socket with one system call: a commit often has several for a connection.
 * I3 Nothing is kept beyond its tick.
 */

/** A socket for which frames wait. */
export interface FlushedSocket {
  /** Writes what waits. Never throws. */
  flush(): void;
}

/** Longer payloads are written as they are, behind their header, because joining them would copy them. */
const JOINED_BYTES_MAX = 16 * 1024;

const TEXT = 0x81;
const BINARY = 0x82;

export class FrameWriter {
  #waiting: FlushedSocket[] = [];
  #payload: Uint8Array | null = null;
  #isText = false;
  #framed: readonly Uint8Array[] = [];

  /** The bytes of a frame as they leave, in one piece or as header and payload. */
  framed(payload: Uint8Array, isText: boolean): readonly Uint8Array[] {
    if (payload === this.#payload && isText === this.#isText) return this.#framed;
    const header = frameHeader(payload.length, isText);
    this.#framed = payload.length > JOINED_BYTES_MAX ? [header, payload] : [Buffer.concat([header, payload])];
    this.#payload = payload;
    this.#isText = isText;
    return this.#framed;
  }

  /** `socket` has something to write; once a tick is enough. */
  schedule(socket: FlushedSocket): void {
    if (this.#waiting.push(socket) === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const sockets = this.#waiting;
    this.#waiting = [];
    this.#payload = null;
    this.#framed = [];
    for (const socket of sockets) socket.flush();
  }
}

/** Final, neither compressed nor masked. */
function frameHeader(payloadBytes: number, isText: boolean): Buffer {
  const first = isText ? TEXT : BINARY;
  if (payloadBytes < 126) return Buffer.from([first, payloadBytes]);
  if (payloadBytes < 65_536) return Buffer.from([first, 126, payloadBytes >> 8, payloadBytes & 255]);
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeUIntBE(payloadBytes, 4, 6);
  return header;
}
