/**
 * A WebSocket that uses little CPU, because it shares the cores with what it measures. It reads whole frames of
 * a server that neither fragments nor compresses, answers pings, and never sends anything else [RFC 6455].
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface RawWebSocketOptions {
  readonly port: number;
  readonly path: string;
  /** Empty: none. */
  readonly subprotocol: string;
  /** Called for each text or binary frame; the bytes are gone when it returns. */
  readonly onFrame: (payload: Uint8Array) => void;
  readonly onClose: (reason: string) => void;
}

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
/** No payload, and a mask of zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const NOTHING = Buffer.alloc(0);

export class RawWebSocket {
  readonly #options: RawWebSocketOptions;
  readonly #socket: Socket;
  /** The beginning of a frame, or of the answer to the upgrade, whose rest has not come. */
  #rest: Buffer = NOTHING;
  #isOpen = false;
  #opened: () => void = () => undefined;
  readonly opened: Promise<void>;

  /** @param readBuffer may be shared by all connections: nothing of it is kept */
  constructor(options: RawWebSocketOptions, readBuffer: Buffer) {
    this.#options = options;
    this.opened = new Promise((resolve) => (this.#opened = resolve));
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        this.#read(readBuffer, length);
        return true;
      },
    };
    this.#socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true, onread });
    this.#socket.on('error', (error) => options.onClose(error.message));
    this.#socket.on('close', () => options.onClose('closed'));
    this.#socket.write(upgradeRequest(options));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(buffer: Buffer, length: number): void {
    const chunk = buffer.subarray(0, length);
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = this.#isOpen ? 0 : this.#upgraded(data);
    if (this.#isOpen) at = this.#frames(data, at);
    this.#rest = at === data.length ? NOTHING : Buffer.from(data.subarray(at));
  }

  /** Where the frames begin; 0 while the answer has not come whole. */
  #upgraded(data: Buffer): number {
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const head = data.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#options.onClose(`the upgrade was refused: ${head}`);
      return data.length;
    }
    this.#isOpen = true;
    this.#opened();
    return end + 4;
  }

  /** Where the first frame begins that has not come whole. */
  #frames(data: Buffer, from: number): number {
    let at = from;
    while (at + 2 <= data.length) {
      let payloadBytes = data[at + 1]! & 0x7f;
      let start = at + 2;
      if (payloadBytes === 126) {
        if (start + 2 > data.length) break;
        payloadBytes = data.readUInt16BE(start);
        start += 2;
      } else if (payloadBytes === 127) {
        if (start + 8 > data.length) break;
        payloadBytes = Number(data.readBigUInt64BE(start));
        start += 8;
      }
      if (start + payloadBytes > data.length) break;
      this.#frame(data[at]! & 0x0f, data.subarray(start, start + payloadBytes));
      at = start + payloadBytes;
    }
    return at;
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === TEXT || opcode === BINARY) this.#options.onFrame(payload);
    else if (opcode === PING) this.#socket.write(PONG);
    else if (opcode === CLOSE) this.#options.onClose(`the server closed with ${payload.readUInt16BE(0)}`);
  }
}

function upgradeRequest({ port, path, subprotocol }: RawWebSocketOptions): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...(subprotocol === '' ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
