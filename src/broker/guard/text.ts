/**
 * UTF-8 strings of MQTT (MQTT 3.1.1 section 1.5.3), and the grammar of topic names and filters (section 4.7), checked
 * on the bytes of the packet. Nothing is decoded or copied.
 */

const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;
/** Length of the prefix of a string. */
const PREFIX_BYTES = 2;

/** Where a string ends and what is between; `end` is -1 when the packet is too short for it. */
export function textEnd(bytes: Uint8Array, at: number, limit: number): number {
  if (at + PREFIX_BYTES > limit) return -1;
  const end = at + PREFIX_BYTES + ((bytes[at]! << 8) | bytes[at + 1]!);
  return end > limit ? -1 : end;
}

/**
 * Whether the bytes are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF) without U+0000
 * [MQTT-1.5.3-1, MQTT-1.5.3-2] and without what section 1.5.3 lets a server refuse: control characters and
 * non-characters. U+FEFF is a character as any other [MQTT-1.5.3-3].
 */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && at !== -1) at = characterEnd(bytes, at, end);
  return at === end;
}

/** Where the character at `at` ends; -1: there is none that is allowed. */
function characterEnd(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at]!;
  if (byte >= 0x20 && byte < 0x7f) return at + 1;
  if (byte < 0xc2 || byte > 0xf4) return -1; // a control character, a stray or an overlong byte
  const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  if (at + length > end) return -1;
  let point = byte & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i]!;
    if ((next & 0xc0) !== 0x80) return -1;
    point = (point << 6) | (next & 0x3f);
  }
  return isAllowedPoint(point, length) ? at + length : -1;
}

/** @param length bytes the code point was written with */
function isAllowedPoint(point: number, length: number): boolean {
  if (length === 2) return point > 0x9f; // C1 control characters are those from U+0080 on
  if (length === 3) {
    if (point < 0x800 || (point >= 0xd800 && point <= 0xdfff)) return false;
    return !(point >= 0xfdd0 && point <= 0xfdef) && (point & 0xfffe) !== 0xfffe;
  }
  return point >= 0x10000 && point <= 0x10ffff && (point & 0xfffe) !== 0xfffe;
}

/** What is wrong with a topic name; null: nothing. @param levelsMax levels it may have */
export function topicNameFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  levelsMax: number,
): string | null {
  if (start === end) return 'an empty topic name [MQTT-4.7.3-1]';
  let levels = 1;
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte === SLASH) levels++;
    else if (byte === PLUS || byte === HASH) return 'a wildcard in a topic name [MQTT-3.3.2-2]';
    at = characterEnd(bytes, at, end);
    if (at === -1) return NOT_TEXT;
  }
  return levels > levelsMax ? `a topic of more than ${levelsMax} levels` : null;
}

/** What is wrong with a topic filter; null: nothing. @param levelsMax levels it may have */
export function topicFilterFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  levelsMax: number,
): string | null {
  if (start === end) return 'an empty topic filter [MQTT-4.7.3-1]';
  let levels = 1;
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte === SLASH) levels++;
    else if (byte === HASH || byte === PLUS) {
      const isLevel =
        (at === start || bytes[at - 1] === SLASH) && (at + 1 === end || bytes[at + 1] === SLASH);
      if (!isLevel) return 'a wildcard that is not a whole level [MQTT-4.7.1-2, MQTT-4.7.1-3]';
      if (byte === HASH && at + 1 !== end) return '"#" before the end of a filter [MQTT-4.7.1-2]';
    }
    at = characterEnd(bytes, at, end);
    if (at === -1) return NOT_TEXT;
  }
  return levels > levelsMax ? `a topic filter of more than ${levelsMax} levels` : null;
}

export const NOT_TEXT = 'text that is not UTF-8, or has control characters [MQTT-1.5.3-1, MQTT-1.5.3-2]';
