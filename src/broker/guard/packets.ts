/** Whole packets of a client, held against MQTT 3.1.1 (and 3.1, level 3) clause by clause. */
import { limits } from '../../base/limits.ts';
import { isText, NOT_TEXT, textEnd, topicFilterFault, topicNameFault } from './text.ts';

export const CONNECT = 1;
export const PUBLISH = 3;
const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 10;
const PINGREQ = 12;
export const DISCONNECT = 14;

/** Whether the broker has to do something for it that it has not begun itself. */
export function isRequest(type: number): boolean {
  return type === PUBLISH || type === SUBSCRIBE || type === UNSUBSCRIBE || type === PINGREQ;
}

/** Why a connection ends. */
export interface Violation {
  readonly kind: 'malformed-packet' | 'packet-too-large' | 'client-id';
  readonly reason: string;
  /** Return code of a CONNACK that is sent first (section 3.2.2.3); 0: none is. */
  readonly returnCode: 0 | 1 | 2;
}

export function violation(
  reason: string,
  returnCode: Violation['returnCode'] = 0,
  kind: Violation['kind'] = 'malformed-packet',
): Violation {
  return { kind, reason, returnCode };
}

/** Flags of the first byte that each type must have (table 2.2); -1: the type is not one a client sends, or has flags of its own. */
const FLAGS: readonly number[] = [-1, 0, -1, -1, 0, 0, 2, 0, 2, -1, 2, -1, 0, -1, 0, -1];
/** Exact remaining length of types without a payload; -1: any. */
const LENGTHS: readonly number[] = [-1, -1, -1, -1, 2, 2, 2, 2, -1, -1, -1, -1, 0, -1, 0, -1];
/** Shortest remaining length there can be: packet id and one filter, a topic, the fields of CONNECT. */
const SHORTEST: readonly number[] = [0, 12, 0, 3, 2, 2, 2, 2, 6, 0, 5, 0, 0, 0, 0, 0];

/** What is wrong with a fixed header; null: nothing. @param first its first byte, @param length remaining length */
export function headerFault(first: number, length: number): Violation | null {
  const type = first >> 4;
  const flags = first & 0x0f;
  if (type === PUBLISH) {
    const qos = (flags >> 1) & 3;
    if (qos === 3) return violation('PUBLISH with QoS 3 [MQTT-3.3.1-4]');
    if (qos === 0 && flags >= 8) return violation('PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]');
    const shortest = qos === 0 ? SHORTEST[PUBLISH]! : SHORTEST[PUBLISH]! + 2;
    return length < shortest ? violation('PUBLISH too short for its topic') : null;
  }
  if (FLAGS[type] === -1) return violation(`packet type ${type}, which no client sends`);
  if (flags !== FLAGS[type]) return violation('reserved flags of the fixed header [MQTT-2.2.2-2]');
  const exact = LENGTHS[type]!;
  if (exact !== -1 && length !== exact) return violation(`remaining length ${length} instead of ${exact}`);
  return length < SHORTEST[type]! ? violation('a packet too short for what it has to hold') : null;
}

/**
 * What is wrong with a packet's body; null: nothing. Of a PUBLISH the bytes up to its payload are enough.
 * @param first the packet's first byte, whose header was found right
 * @param start where the body is in `bytes`, @param end behind it
 */
export function bodyFault(first: number, bytes: Uint8Array, start: number, end: number): Violation | null {
  switch (first >> 4) {
    case PUBLISH:
      return publishFault(first, bytes, start, end);
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return hasPacketId(bytes, start, end) ? null : ID_ZERO;
    case SUBSCRIBE:
      return filtersFault(bytes, start, end, true);
    case UNSUBSCRIBE:
      return filtersFault(bytes, start, end, false);
    case CONNECT:
      return connectFault(bytes, start, end);
    case PINGREQ:
    case DISCONNECT:
      return null;
    default:
      return violation('a packet no client sends'); // headerFault has refused it
  }
}

const ID_ZERO = violation('packet id 0 [MQTT-2.3.1-1]');
const TOO_SHORT = violation('a field that is longer than its packet');

/** Bytes of a PUBLISH in front of its payload; -1: more than the packet has. */
export function publishHeadEnd(first: number, bytes: Uint8Array, start: number, end: number): number {
  const topicEnd = textEnd(bytes, start, end);
  if (topicEnd === -1) return -1;
  const headEnd = (first & 0x06) === 0 ? topicEnd : topicEnd + 2;
  return headEnd > end ? -1 : headEnd;
}

function publishFault(first: number, bytes: Uint8Array, start: number, end: number): Violation | null {
  const headEnd = publishHeadEnd(first, bytes, start, end);
  if (headEnd === -1) return TOO_SHORT;
  const isAcknowledged = (first & 0x06) !== 0;
  const topicEnd = isAcknowledged ? headEnd - 2 : headEnd;
  const fault = topicNameFault(bytes, start + 2, topicEnd, limits.mqttTopicLevelsMax);
  if (fault !== null) return violation(fault);
  return isAcknowledged && !hasPacketId(bytes, topicEnd, headEnd) ? ID_ZERO : null;
}

function hasPacketId(bytes: Uint8Array, start: number, end: number): boolean {
  return start + 2 <= end && (bytes[start] !== 0 || bytes[start + 1] !== 0);
}

function filtersFault(bytes: Uint8Array, start: number, end: number, isSubscribe: boolean): Violation | null {
  if (!hasPacketId(bytes, start, end)) return ID_ZERO;
  let at = start + 2;
  if (at === end) return violation('no topic filter [MQTT-3.8.3-3, MQTT-3.10.3-2]');
  while (at < end) {
    const filterEnd = textEnd(bytes, at, end);
    if (filterEnd === -1) return TOO_SHORT;
    const fault = topicFilterFault(bytes, at + 2, filterEnd, limits.mqttTopicLevelsMax);
    if (fault !== null) return violation(fault);
    at = filterEnd;
    if (!isSubscribe) continue;
    if (at === end) return TOO_SHORT;
    if (bytes[at]! > 2) return violation('a requested QoS above 2 or reserved bits [MQTT-3.8.3-4]');
    at++;
  }
  return null;
}

const PROTOCOLS: readonly { readonly name: string; readonly level: number }[] = [
  { name: 'MQTT', level: 4 },
  { name: 'MQIsdp', level: 3 },
];

function connectFault(bytes: Uint8Array, start: number, end: number): Violation | null {
  const nameEnd = textEnd(bytes, start, end);
  // Level, flags and keep alive follow.
  if (nameEnd === -1 || nameEnd + 4 > end) return TOO_SHORT;
  const protocol = PROTOCOLS.find(({ name }) => isAscii(bytes, start + 2, nameEnd, name));
  if (protocol === undefined) return violation('a protocol name that is not MQTT [MQTT-3.1.2-1]');
  if (bytes[nameEnd] !== protocol.level)
    return violation(`protocol level ${bytes[nameEnd]} [MQTT-3.1.2-2]`, 1);
  const flags = bytes[nameEnd + 1]!;
  const fault = connectFlagsFault(flags);
  return fault ?? connectPayloadFault({ bytes, at: nameEnd + 4, end, flags, level: protocol.level });
}

function isAscii(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

const CLEAN = 0x02;
const WILL = 0x04;
const WILL_QOS = 0x18;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USER_NAME = 0x80;

function connectFlagsFault(flags: number): Violation | null {
  if ((flags & 1) !== 0) return violation('the reserved flag of CONNECT [MQTT-3.1.2-3]');
  if ((flags & WILL) === 0 && (flags & (WILL_QOS | WILL_RETAIN)) !== 0)
    return violation('flags of a will without a will [MQTT-3.1.2-11]');
  if ((flags & WILL_QOS) === WILL_QOS) return violation('a will with QoS 3 [MQTT-3.1.2-14]');
  if ((flags & USER_NAME) === 0 && (flags & PASSWORD) !== 0)
    return violation('a password without a user name [MQTT-3.1.2-22]');
  return null;
}

interface ConnectPayload {
  readonly bytes: Uint8Array;
  /** Where the client id is. */
  readonly at: number;
  readonly end: number;
  readonly flags: number;
  readonly level: number;
}

function connectPayloadFault({ bytes, at, end, flags, level }: ConnectPayload): Violation | null {
  const idEnd = textEnd(bytes, at, end);
  if (idEnd === -1) return TOO_SHORT;
  if (!isText(bytes, at + 2, idEnd)) return violation(NOT_TEXT);
  let next = idEnd;
  if ((flags & WILL) !== 0) {
    const topicEnd = textEnd(bytes, next, end);
    if (topicEnd === -1) return TOO_SHORT;
    const fault = topicNameFault(bytes, next + 2, topicEnd, limits.mqttTopicLevelsMax);
    if (fault !== null) return violation(`the will: ${fault}`);
    next = textEnd(bytes, topicEnd, end); // its message: any bytes
    if (next === -1) return TOO_SHORT;
  }
  if ((flags & USER_NAME) !== 0) {
    const nameEnd = textEnd(bytes, next, end);
    if (nameEnd === -1) return TOO_SHORT;
    if (!isText(bytes, next + 2, nameEnd)) return violation(NOT_TEXT);
    next = nameEnd;
  }
  if ((flags & PASSWORD) !== 0) {
    next = textEnd(bytes, next, end);
    if (next === -1) return TOO_SHORT;
  }
  if (next !== end) return violation('bytes behind the last field of CONNECT');
  // An id is given by the server only in a clean session, and by MQTT 3.1 (level 3) never.
  const isIdMissing = idEnd === at + 2 && ((flags & CLEAN) === 0 || level === 3);
  return isIdMissing ? violation('no client id [MQTT-3.1.3-8]', 2, 'client-id') : null;
}
