/**
 * Follows the bytes of one connection from packet to packet and says where they stop being MQTT, before the broker's
 * parser sees the packet's end. A packet that lies whole in what was read is checked where it is; of one that comes in
 * pieces the bytes that are checked are collected: all of it, of a PUBLISH only what is in front of its payload.
 */
import {
  bodyFault,
  CONNECT,
  DISCONNECT,
  headerFault,
  isRequest,
  PUBLISH,
  publishHeadEnd,
  violation,
  type Violation,
} from './packets.ts';

export interface GuardLimits {
  /** Remaining length of a CONNECT, in bytes. */
  readonly connectBytesMax: number;
  /** Remaining length of a later packet, in bytes. */
  readonly packetBytesMax: number;
}

/** What became of the bytes. */
export interface Checked {
  /** Bytes that are right, or may still become so: they go to the parser. */
  readonly end: number;
  /** A CONNECT ends there: what follows waits for its CONNACK. */
  readonly isConnect: boolean;
  readonly violation: Violation | null;
}

/** Remaining length has at most four bytes (section 2.2.3). */
const LENGTH_BYTES_MAX = 4;
const EMPTY = new Uint8Array(0);

/** See the head of this file. One for each connection; after a violation it is of no more use. */
export class PacketGuard {
  /** First byte of the packet that is coming in; 0: none is. */
  #first = 0;
  /** Remaining length so far, and how many of its bytes have come; LENGTH_BYTES_MAX + 1: all. */
  #length = 0;
  #lengthBytes = 0;
  /** Bytes of the body that have come. */
  #received = 0;
  /** What is collected of the body; as much of it is used as `#collectedBytes` says. */
  #collected = EMPTY;
  #collectedBytes = 0;
  #isChecked = false;
  #isConnected = false;
  #isEnded = false;
  #requests = 0;
  readonly #limits: GuardLimits;

  constructor(limits: GuardLimits) {
    this.#limits = limits;
  }

  /** Whether the next byte is the first one of a packet that may follow a CONNECT. */
  get isBetweenPackets(): boolean {
    return this.#first === 0 && this.#isConnected && !this.#isEnded;
  }

  /** Follows `bytes` from `start` to the end of a packet, to their end, or to a violation. */
  check(bytes: Uint8Array, start: number): Checked {
    if (this.#isEnded)
      return { end: start, isConnect: false, violation: violation('bytes after DISCONNECT') };
    const bodyStart = this.#header(bytes, start);
    if (typeof bodyStart !== 'number') return { end: start, isConnect: false, violation: bodyStart };
    if (!this.#isLengthKnown) return { end: bytes.length, isConnect: false, violation: null };
    const available = Math.min(bytes.length - bodyStart, this.#length - this.#received);
    const fault = this.#body(bytes, bodyStart, bodyStart + available);
    if (fault !== null) return { end: start, isConnect: false, violation: fault };
    const isConnect = this.#received === this.#length && this.#finish();
    return { end: bodyStart + available, isConnect, violation: null };
  }

  /** Packets that ask for something (PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ), since it was asked last. */
  takeRequests(): number {
    const requests = this.#requests;
    this.#requests = 0;
    return requests;
  }

  get #isLengthKnown(): boolean {
    return this.#lengthBytes > LENGTH_BYTES_MAX;
  }

  /** Reads what is missing of the fixed header; answers where the body goes on. */
  #header(bytes: Uint8Array, start: number): number | Violation {
    let at = start;
    if (this.#first === 0 && at < bytes.length) {
      this.#first = bytes[at++]!;
      const type = this.#first >> 4;
      if (!this.#isConnected && type !== CONNECT)
        return violation('a first packet that is not CONNECT [MQTT-3.1.0-1]');
      if (this.#isConnected && type === CONNECT) return violation('a second CONNECT [MQTT-3.1.0-2]');
      if (type === 0) return violation('packet type 0, which no client sends');
    }
    while (!this.#isLengthKnown && at < bytes.length) {
      const byte = bytes[at++]!;
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
      this.#lengthBytes++;
      if (byte < 0x80) {
        this.#lengthBytes = LENGTH_BYTES_MAX + 1;
        const fault = this.#lengthFault() ?? headerFault(this.#first, this.#length);
        if (fault !== null) return fault;
      } else if (this.#lengthBytes === LENGTH_BYTES_MAX) {
        return violation('a remaining length of more than four bytes');
      }
    }
    return at;
  }

  #lengthFault(): Violation | null {
    const { connectBytesMax, packetBytesMax } = this.#limits;
    const max = this.#isConnected ? packetBytesMax : connectBytesMax;
    return this.#length > max
      ? violation(`a packet of ${this.#length} bytes, over ${max}`, 0, 'packet-too-large')
      : null;
  }

  /** The next piece of the body. */
  #body(bytes: Uint8Array, start: number, end: number): Violation | null {
    const isWhole = this.#received === 0 && end - start === this.#length;
    this.#received += end - start;
    if (isWhole) return bodyFault(this.#first, bytes, start, end);
    if (this.#isChecked) return null; // the payload of a PUBLISH
    this.#collect(bytes, start, end);
    if (this.#first >> 4 !== PUBLISH)
      return this.#received < this.#length
        ? null
        : bodyFault(this.#first, this.#collected, 0, this.#collectedBytes);
    const head = publishHeadEnd(this.#first, this.#collected, 0, this.#collectedBytes);
    if (head === -1 && this.#received < this.#length) return null; // not all of it has come
    this.#isChecked = true;
    const fault = bodyFault(this.#first, this.#collected, 0, this.#collectedBytes);
    this.#forget();
    return fault;
  }

  #collect(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#collectedBytes + end - start;
    if (needed > this.#collected.length) {
      // Doubled, so that a packet byte by byte is not copied over and over; never for a length only declared.
      const larger = new Uint8Array(Math.min(this.#length, Math.max(64, 2 * needed)));
      larger.set(this.#collected.subarray(0, this.#collectedBytes));
      this.#collected = larger;
    }
    this.#collected.set(bytes.subarray(start, end), this.#collectedBytes);
    this.#collectedBytes = needed;
  }

  #forget(): void {
    this.#collected = EMPTY;
    this.#collectedBytes = 0;
  }

  /** The packet is complete. @returns whether it was CONNECT */
  #finish(): boolean {
    const type = this.#first >> 4;
    this.#first = 0;
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#received = 0;
    this.#isChecked = false;
    this.#forget();
    if (isRequest(type)) this.#requests += 1;
    if (type === DISCONNECT) this.#isEnded = true;
    if (type === CONNECT) this.#isConnected = true;
    return type === CONNECT;
  }
}
