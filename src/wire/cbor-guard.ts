/**
 * Looks at every head of a CBOR item before anything is decoded, in one linear pass with an explicit
 * stack, so that the cost of hostile bytes is bounded by their number: a bignum of 64 KB alone would
 * keep the decoder busy for seconds, and deep nesting would overflow its stack.
 *
 * Accepted is RFC 8949 without: tags other than 0, 1 and (first thing only) 55799; strings of
 * indefinite length; simple values other than false, true, null, undefined; map keys that are
 * neither text nor integer, or are `__proto__`; integers beyond 2^53 - 1; ill-formed UTF-8.
 * Arrays and maps of indefinite length are accepted. Of duplicate keys the last one counts.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

export interface CborBounds {
  /** Arrays, maps and tags inside each other. */
  readonly depthMax: number;
  readonly arrayItemsMax: number;
  readonly mapEntriesMax: number;
}

/** For what devices and clients send. */
export const HOSTILE_BOUNDS: CborBounds = {
  depthMax: limits.cborDepthMax,
  arrayItemsMax: limits.cborArrayItemsMax,
  mapEntriesMax: limits.cborMapEntriesMax,
};

/** For what the bridge itself sent: counts are bounded by the number of bytes only. */
export const CLIENT_BOUNDS: CborBounds = {
  depthMax: limits.cborDepthMax,
  arrayItemsMax: Number.MAX_SAFE_INTEGER,
  mapEntriesMax: Number.MAX_SAFE_INTEGER,
};

/** What the bytes hold that JSON has no word for, so that only such values are walked afterwards. */
export interface CborScan {
  /** Offset of the value: behind the self-description tag, if there is one. */
  readonly start: number;
  readonly hasBytes: boolean;
  /** NaN, an infinity or undefined may be there: any float, or f7. */
  readonly hasNonJson: boolean;
}

const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;

const TAG_DATE_TEXT = 0; // RFC 8949 section 3.4.1
const TAG_EPOCH = 1; // RFC 8949 section 3.4.2
const BREAK = 0xff;
const PROTO = new TextEncoder().encode('__proto__');
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What must come next because of the tag just read. */
type Expected = 'any' | 'text' | 'number';

/** Checks one whole data item; throws BRG_CBOR_*. Time and memory are linear in the bytes. */
export function scanCbor(bytes: Uint8Array, bounds: CborBounds): CborScan {
  return new Scan(bytes, bounds).run();
}

/** One pass. `#remaining` counts items of the innermost open container; Infinity = until a break. */
class Scan {
  readonly #bytes: Uint8Array;
  readonly #bounds: CborBounds;
  readonly #outer: number[] = [];
  #position = 0;
  #remaining = 1;
  #isMap = false;
  #isKey = false;
  /** Items counted in an open container of indefinite length. */
  #indefiniteItems = 0;
  #expected: Expected = 'any';
  #hasBytes = false;
  #hasNonJson = false;

  constructor(bytes: Uint8Array, bounds: CborBounds) {
    this.#bytes = bytes;
    this.#bounds = bounds;
  }

  run(): CborScan {
    const bytes = this.#bytes;
    // RFC 8949 section 3.4.6: d9d9f7 in front means nothing but "this is CBOR".
    const start = bytes[0] === 0xd9 && bytes[1] === 0xd9 && bytes[2] === 0xf7 ? 3 : 0;
    this.#position = start;
    for (;;) {
      while (this.#remaining === 0) {
        if (this.#outer.length === 0) {
          if (this.#position !== bytes.length) throw syntax('bytes after the end of the value');
          return { start, hasBytes: this.#hasBytes, hasNonJson: this.#hasNonJson };
        }
        this.#close();
      }
      this.#item();
    }
  }

  /** One head, and the content of a string. */
  #item(): void {
    const head = this.#bytes[this.#position];
    if (head === undefined) throw syntax('the value ends too early');
    this.#position++;
    if (head === BREAK) return this.#break();
    const major = head >> 5;
    const isKey = this.#isMap && this.#isKey;
    if (isKey && major !== TEXT && major > NEGATIVE) {
      throw new BridgeError('BRG_CBOR_KEY', 'a map key is neither text nor an integer');
    }
    if (this.#expected !== 'any') this.#checkTagContent(major, head);
    this.#remaining--;
    if (this.#remaining === Infinity) this.#countIndefinite();
    this.#isKey = !isKey;
    const info = head & 31;
    if (major === 7) return this.#simple(info);
    if (info === 31) return this.#indefinite(major);
    const argument = info < 24 ? info : this.#argument(info);
    switch (major) {
      case UINT:
      case NEGATIVE:
        if (argument > Number.MAX_SAFE_INTEGER - major) {
          throw new BridgeError('BRG_CBOR_INTEGER', 'an integer is beyond 2^53 - 1');
        }
        return;
      case BYTES:
        this.#hasBytes = true;
        this.#skip(argument);
        return;
      case TEXT:
        return this.#text(argument, isKey);
      case ARRAY:
        return this.#open(argument, argument, this.#bounds.arrayItemsMax, false);
      case MAP:
        return this.#open(argument, 2 * argument, this.#bounds.mapEntriesMax, true);
      default: // 6, a tag; 7 was handled above
        return this.#tag(argument);
    }
  }

  /** RFC 8949 section 3: 24..27 announce 1, 2, 4 or 8 bytes. Above 2^53 the result is rounded, never less. */
  #argument(info: number): number {
    if (info > 27) throw syntax(`additional information ${info} is reserved`);
    const size = 1 << (info - 24);
    const position = this.#skip(size);
    let argument = 0;
    for (let i = 0; i < size; i++) argument = argument * 256 + (this.#bytes[position + i] ?? 0);
    return argument;
  }

  /** Moves on by `length` bytes, which must be there; returns where they begin. */
  #skip(length: number): number {
    const position = this.#position;
    if (length > this.#bytes.length - position) throw syntax('the value ends too early');
    this.#position = position + length;
    return position;
  }

  #text(length: number, isKey: boolean): void {
    const from = this.#skip(length);
    const to = this.#position;
    const bytes = this.#bytes;
    let i = from;
    while (i < to && (bytes[i] ?? 0) < 0x80) i++;
    if (i < to && !isUtf8(bytes.subarray(i, to))) throw syntax('a text is not UTF-8');
    if (isKey && length === PROTO.length && PROTO.every((byte, n) => bytes[from + n] === byte)) {
      throw new BridgeError('BRG_CBOR_KEY', 'a map key is __proto__');
    }
  }

  /** `count` is what the head said, `items` how many data items that is. */
  #open(count: number, items: number, countMax: number, isMap: boolean): void {
    if (count > countMax) throw limit(isMap, countMax);
    // Every item takes a byte at least: a head cannot make anybody allocate what is not there.
    if (items > this.#bytes.length - this.#position) throw syntax('the value ends too early');
    this.#push(items, isMap);
  }

  #push(items: number, isMap: boolean): void {
    if (this.#depth() >= this.#bounds.depthMax) {
      throw new BridgeError('BRG_CBOR_DEPTH', `nested deeper than ${this.#bounds.depthMax}`);
    }
    this.#outer.push(this.#remaining, this.#isMap ? 1 : 0, this.#indefiniteItems);
    this.#remaining = items;
    this.#isMap = isMap;
    this.#isKey = isMap;
    this.#indefiniteItems = 0;
  }

  #depth(): number {
    return this.#outer.length / 3;
  }

  #close(): void {
    this.#indefiniteItems = this.#outer.pop() ?? 0;
    this.#isMap = this.#outer.pop() === 1;
    this.#remaining = this.#outer.pop() ?? 0;
    this.#isKey = this.#isMap; // what closed was a value: only text and integers are keys
  }

  #indefinite(major: number): void {
    if (major === ARRAY || major === MAP) return this.#push(Infinity, major === MAP);
    if (major === BYTES || major === TEXT) {
      throw new BridgeError('BRG_CBOR_UNSUPPORTED', 'a string has an indefinite length');
    }
    throw syntax('additional information 31 belongs to strings, arrays and maps');
  }

  #countIndefinite(): void {
    const { arrayItemsMax, mapEntriesMax } = this.#bounds;
    const max = this.#isMap ? 2 * mapEntriesMax : arrayItemsMax;
    if (++this.#indefiniteItems > max) throw limit(this.#isMap, this.#isMap ? mapEntriesMax : max);
  }

  #break(): void {
    if (this.#remaining !== Infinity) throw syntax('a break outside of an indefinite length');
    if (this.#isMap && !this.#isKey) throw syntax('a map ends after a key');
    this.#remaining = 0;
  }

  #tag(tag: number): void {
    if (tag !== TAG_DATE_TEXT && tag !== TAG_EPOCH) {
      throw new BridgeError('BRG_CBOR_TAG', `tag ${tag} is not allowed`, { details: { tag } });
    }
    this.#expected = tag === TAG_DATE_TEXT ? 'text' : 'number';
    this.#push(1, false);
  }

  #checkTagContent(major: number, head: number): void {
    const isNumber = major <= NEGATIVE || (head >= 0xf9 && head <= 0xfb);
    const isFitting = this.#expected === 'text' ? major === TEXT : isNumber;
    if (!isFitting) throw new BridgeError('BRG_CBOR_TAG', `a tagged time is not a ${this.#expected}`);
    this.#expected = 'any';
  }

  /** RFC 8949 section 3.3: 20..23 are false, true, null, undefined; 25..27 floats. */
  #simple(info: number): void {
    if (info >= 20 && info <= 22) return;
    if (info === 23) {
      this.#hasNonJson = true;
      return;
    }
    if (info >= 25 && info <= 27) {
      const position = this.#skip(1 << (info - 24));
      if (isNonFinite(this.#bytes, position, info)) this.#hasNonJson = true;
      return;
    }
    if (info > 27) throw syntax(`additional information ${info} is reserved`);
    throw new BridgeError('BRG_CBOR_UNSUPPORTED', 'a simple value is not false, true, null or undefined');
  }
}

/** An exponent of all ones: infinity or NaN (IEEE 754), in a half, single or double. */
function isNonFinite(bytes: Uint8Array, position: number, info: number): boolean {
  const high = (((bytes[position] ?? 0) << 8) | (bytes[position + 1] ?? 0)) & 0x7fff;
  if (info === 25) return high >= 0x7c00;
  return info === 26 ? high >= 0x7f80 : high >= 0x7ff0;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    UTF8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function syntax(message: string): BridgeError {
  return new BridgeError('BRG_CBOR_SYNTAX', message);
}

function limit(isMap: boolean, max: number): BridgeError {
  return new BridgeError('BRG_CBOR_LIMIT', `${isMap ? 'a map' : 'an array'} holds more than ${max}`, {
    details: { max },
  });
}
