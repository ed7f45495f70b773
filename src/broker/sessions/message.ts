/** A message on its way out, and the bytes of the PUBLISH packets it becomes (MQTT 3.1.1 section 3.3). */

/** Bytes that may stay in memory beside a payload that is kept. */
const KEPT_WITH_BYTES = 256;

/** One message, shared by all who get it. */
export class Message {
  readonly topic: string;
  payload: Buffer;
  /** Of its row; 0: it has none yet. */
  number = 0;
  /** Stored places in queues that it is in. */
  storedPlaces = 0;
  /** As QoS 0 without RETAIN: the same for every subscriber. */
  #plain: Buffer | null = null;

  constructor(topic: string, payload: Uint8Array | string) {
    this.topic = topic;
    this.payload =
      typeof payload === 'string'
        ? Buffer.from(payload)
        : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  /** What it takes of a queue's bytes. */
  get bytes(): number {
    return this.topic.length + this.payload.length;
  }

  /**
   * It is to be kept: its payload becomes a copy, where it is a small part of what was read with it, which would stay in
   * memory as long (64 KiB for a payload of some bytes).
   */
  keep(): void {
    if (this.payload.buffer.byteLength <= 2 * this.payload.length + KEPT_WITH_BYTES) return;
    const copy = Buffer.allocUnsafeSlow(this.payload.length);
    this.payload.copy(copy);
    this.payload = copy;
    this.#plain = null;
  }

  /** The packet is made again when it is asked for: small buffers are parts of larger ones, which stay with them. */
  forgetPacket(): void {
    this.#plain = null;
  }

  /** The packet of QoS 0. */
  plain(isRetained: boolean): Buffer {
    if (isRetained) return Buffer.concat([this.head(0x31, 0), this.payload]);
    return (this.#plain ??= Buffer.concat([this.head(0x30, 0), this.payload]));
  }

  /** All of a packet but the payload. @param packetId 0: it has none */
  head(first: number, packetId: number): Buffer {
    const topicBytes = Buffer.byteLength(this.topic);
    const idBytes = packetId === 0 ? 0 : 2;
    const remaining = 2 + topicBytes + idBytes + this.payload.length;
    const lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4;
    const head = Buffer.allocUnsafe(1 + lengthBytes + 2 + topicBytes + idBytes);
    head[0] = first;
    let at = 1;
    for (let left = remaining; at <= lengthBytes; left >>= 7)
      head[at++] = (left & 127) | (left > 127 ? 128 : 0);
    at = head.writeUInt16BE(topicBytes, at);
    head.write(this.topic, at);
    if (idBytes > 0) head.writeUInt16BE(packetId, at + topicBytes);
    return head;
  }
}

/** How one client gets it. */
export interface Sending {
  readonly qos: 0 | 1 | 2;
  readonly isRetained: boolean;
  /** It may have been sent before [MQTT-3.3.1-1]. */
  readonly isDup: boolean;
  /** 0 with QoS 0. */
  readonly packetId: number;
}

/** First byte of its PUBLISH. */
export function firstByte({ qos, isRetained, isDup }: Sending): number {
  return 0x30 | (isDup ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0);
}

/** PUBREL [MQTT-3.6.1-1]. */
export function pubrel(packetId: number): Buffer {
  return Buffer.from([0x62, 2, packetId >> 8, packetId & 255]);
}
