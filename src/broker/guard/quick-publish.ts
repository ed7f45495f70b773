/**
 * The shortest way through the guard: a PUBLISH of QoS 0 or 1 that lies whole in what was read, and whose topic is
 * checked and made a text only when it is another one than the last. Whatever is not exactly that, right or wrong, is
 * left to the packet guard, which also finds the words for what is wrong.
 */
import { limits } from '../../base/limits.ts';
import { PUBLISH } from './packets.ts';
import { topicNameFault } from './text.ts';

const QOS_2_OR_3 = 0x04;
const QOS_AND_DUP = 0x0e;
const DUP = 0x08;
/** More than these are left to the guard: 3 bytes are 2 MiB. */
const LENGTH_BYTES_MAX = 3;

/** See the head of this file. What it found stays readable until it reads the next. */
export class QuickPublish {
  topic = '';
  qos: 0 | 1 = 0;
  isDup = false;
  isRetained = false;
  /** 0 at QoS 0. */
  packetId = 0;
  payloadStart = 0;
  readonly #bytesMax: number;

  /** @param bytesMax remaining length a packet may have */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Reads the packet that begins at `start`. @returns where it ends; 0: it is for the packet guard */
  read(bytes: Uint8Array, start: number): number {
    const first = bytes[start]!;
    const isOther = first >> 4 !== PUBLISH || (first & QOS_2_OR_3) !== 0 || (first & QOS_AND_DUP) === DUP;
    if (isOther) return 0;
    let length = 0;
    let at = start + 1;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift === 7 * LENGTH_BYTES_MAX) return 0;
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const end = at + length;
    return end > bytes.length || length > this.#bytesMax || length < 2
      ? 0
      : this.#body(first, bytes, at, end);
  }

  #body(first: number, bytes: Uint8Array, start: number, end: number): number {
    const topicStart = start + 2;
    const topicEnd = topicStart + ((bytes[start]! << 8) | bytes[start + 1]!);
    const isAcknowledged = (first & 0x02) !== 0;
    const payloadStart = isAcknowledged ? topicEnd + 2 : topicEnd;
    if (payloadStart > end) return 0;
    const packetId = isAcknowledged ? (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]! : 0;
    if (isAcknowledged && packetId === 0) return 0;
    if (!this.#isSameTopic(bytes, topicStart, topicEnd) && !this.#setTopic(bytes, topicStart, topicEnd))
      return 0;
    this.qos = isAcknowledged ? 1 : 0;
    this.isDup = (first & DUP) !== 0;
    this.isRetained = (first & 0x01) !== 0;
    this.packetId = packetId;
    this.payloadStart = payloadStart;
    return end;
  }

  /** Compared with the text, which costs an idle connection no copy of the bytes; one that is not ASCII is never the same. */
  #isSameTopic(bytes: Uint8Array, start: number, end: number): boolean {
    const topic = this.topic;
    if (end - start !== topic.length || topic.length === 0) return false;
    // From its end: topics of devices begin alike.
    for (let i = topic.length - 1; i >= 0; i--) if (bytes[start + i] !== topic.charCodeAt(i)) return false;
    return true;
  }

  /** False: it is no topic name. */
  #setTopic(bytes: Uint8Array, start: number, end: number): boolean {
    if (topicNameFault(bytes, start, end, limits.mqttTopicLevelsMax) !== null) return false;
    this.topic = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    return true;
  }
}
