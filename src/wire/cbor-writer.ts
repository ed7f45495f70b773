/**
 * Writes JSON values as CBOR in the shortest form any decoder reads: definite lengths, shortest heads,
 * integers as integers up to 2^53 - 1 (a time in ms takes 9 bytes either way, but stays an integer),
 * other numbers as float32 where that is exact and float64 where not, no tags, no half floats (not
 * every decoder for small devices reads them). cbor-x can do none of the number rules.
 *
 * What JSON.stringify leaves out or replaces is left out or replaced here: undefined, functions and
 * symbols are dropped from maps and null in arrays, NaN and the infinities are null, `toJSON` is
 * called (so a Date is ISO text). The one difference: a Uint8Array is a byte string.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

const UINT = 0x00;
const NEGATIVE = 0x20;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const MAP = 0xa0;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const FLOAT32 = 0xfa;
const FLOAT64 = 0xfb;
const HEAD_BYTES_MAX = 9;
const CAPACITY_BYTES = 256;
const UTF8 = new TextEncoder();

/**
 * `value` as one CBOR data item. Throws BRG_CBOR_DEPTH beyond `limits.cborDepthMax` (also for a value
 * that contains itself), and a TypeError for a bigint as JSON.stringify does.
 */
export function encodeCbor(value: unknown): Uint8Array {
  const writer = new CborWriter();
  writer.value(jsonValue(value), 0);
  return writer.bytes();
}

/** A map with integer keys: the top level of a frame. Values that JSON leaves out are left out with their key. */
export function encodeCborFields(keys: readonly number[], values: readonly unknown[]): Uint8Array {
  const present = values.map(jsonValue);
  const writer = new CborWriter();
  writer.head(
    MAP,
    present.reduce<number>((count, value) => (value === undefined ? count : count + 1), 0),
  );
  keys.forEach((key, i) => {
    if (present[i] === undefined) return;
    writer.number(key);
    writer.value(present[i], 1);
  });
  return writer.bytes();
}

/** What JSON.stringify would write for it; undefined = nothing. */
function jsonValue(value: unknown): unknown {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      return value !== null && 'toJSON' in value && !(value instanceof Uint8Array)
        ? callToJson(value)
        : value;
    default:
      return value;
  }
}

function callToJson(value: { toJSON: unknown }): unknown {
  if (typeof value.toJSON !== 'function') return value;
  const json: unknown = value.toJSON();
  return typeof json === 'function' || typeof json === 'symbol' ? undefined : json;
}

/** Grows as needed; its buffer is its own, so the result may be kept and transferred. */
class CborWriter {
  #bytes = new Uint8Array(CAPACITY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return this.number(value);
      case 'boolean':
        return this.#byte(value ? TRUE : FALSE);
      case 'object':
        return value === null ? this.#byte(NULL) : this.#object(value, depth);
      case 'bigint':
        throw new TypeError('a bigint cannot be sent: JSON has none');
      default:
        return this.#byte(NULL);
    }
  }

  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      return value >= 0 ? this.head(UINT, value) : this.head(NEGATIVE, -1 - value);
    }
    if (!Number.isFinite(value)) return this.#byte(NULL);
    this.#reserve(HEAD_BYTES_MAX);
    if (Math.fround(value) === value) {
      this.#bytes[this.#length] = FLOAT32;
      this.#view.setFloat32(this.#length + 1, value);
      this.#length += 5;
    } else {
      this.#bytes[this.#length] = FLOAT64;
      this.#view.setFloat64(this.#length + 1, value);
      this.#length += 9;
    }
  }

  /** RFC 8949 section 3: the major type with the shortest argument. */
  head(major: number, argument: number): void {
    this.#reserve(HEAD_BYTES_MAX);
    const at = this.#length;
    if (argument < 24) {
      this.#bytes[at] = major | argument;
      this.#length = at + 1;
    } else if (argument < 0x100) {
      this.#bytes[at] = major | 24;
      this.#bytes[at + 1] = argument;
      this.#length = at + 2;
    } else if (argument < 0x10000) {
      this.#bytes[at] = major | 25;
      this.#view.setUint16(at + 1, argument);
      this.#length = at + 3;
    } else if (argument < 0x100000000) {
      this.#bytes[at] = major | 26;
      this.#view.setUint32(at + 1, argument);
      this.#length = at + 5;
    } else {
      this.#bytes[at] = major | 27;
      this.#view.setUint32(at + 1, Math.floor(argument / 0x100000000));
      this.#view.setUint32(at + 5, argument >>> 0);
      this.#length = at + 9;
    }
  }

  #object(object: object, depth: number): void {
    if (object instanceof Uint8Array) return this.#string(BYTES, object);
    if (depth >= limits.cborDepthMax) {
      throw new BridgeError('BRG_CBOR_DEPTH', `nested deeper than ${limits.cborDepthMax}`);
    }
    if (!Array.isArray(object)) return this.#map(object, depth);
    this.head(ARRAY, object.length);
    for (const item of object as unknown[]) this.value(jsonValue(item), depth + 1); // isArray says any[]
  }

  #map(object: object, depth: number): void {
    const keys: string[] = [];
    const values: unknown[] = [];
    for (const [key, field] of Object.entries(object)) {
      const value = jsonValue(field);
      if (value === undefined) continue;
      keys.push(key);
      values.push(value);
    }
    this.head(MAP, keys.length);
    for (let i = 0; i < keys.length; i++) {
      this.#text(keys[i] ?? '');
      this.value(values[i], depth + 1);
    }
  }

  #text(text: string): void {
    const length = text.length;
    if (length > 64 || !this.#ascii(text, length)) this.#string(TEXT, UTF8.encode(text));
  }

  /** The common case, without a second buffer. False (and nothing written) for other texts. */
  #ascii(text: string, length: number): boolean {
    const before = this.#length;
    this.#reserve(HEAD_BYTES_MAX + length);
    this.head(TEXT, length);
    const at = this.#length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.#length = before;
        return false;
      }
      this.#bytes[at + i] = code;
    }
    this.#length = at + length;
    return true;
  }

  #string(major: number, content: Uint8Array): void {
    this.head(major, content.length);
    this.#reserve(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
