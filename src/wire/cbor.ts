/**
 * CBOR in and out. In: the guard first, then cbor-x, which never sees a byte the guard has not
 * approved. Out: our own writer (cbor-writer.ts). This is the only module that touches cbor-x and its
 * process-wide settings. A page with a strict CSP bundles it with `cbor-x` aliased to
 * `cbor-x/index-no-eval`.
 *
 * A decoded value is what JSON.parse could have made, with one addition (byte strings become
 * Uint8Array copies): NaN and the infinities become null and undefined fields are dropped, as
 * JSON.stringify does; a tagged time (tag 0 or 1) becomes the number of milliseconds since epoch,
 * which is how this protocol writes every time. Integer keys become their decimal text. A byte order mark
 * in front of a text longer than 64 bytes is lost: cbor-x reads those with a TextDecoder that drops it.
 */
import { addExtension, Decoder } from 'cbor-x';
import { BridgeError } from '../base/errors.ts';
import { type CborBounds, HOSTILE_BOUNDS, scanCbor } from './cbor-guard.ts';

type Extension = Parameters<typeof addExtension>[0];

// cbor-x wants no Class for tags that are only read; its type asks for one all the same. The
// registration is process-wide: this replaces its Date objects, which may be invalid ones.
addExtension({ tag: 0, decode: epochMsOfText } as unknown as Extension);
addExtension({ tag: 1, decode: epochMsOfNumber } as unknown as Extension);

const decoder = new Decoder({
  useRecords: false,
  mapsAsObjects: true,
  // Not in its type: integers up to 64 bits as numbers. The guard refuses what would lose precision.
  ...{ int64AsNumber: true },
  // Byte strings must not keep the network buffer alive, nor change with it.
  copyBuffers: true,
});

/** One CBOR data item from an untrusted sender as a JSON value. Throws BRG_CBOR_*. */
export function decodeCbor(bytes: Uint8Array): unknown {
  return decodeCborWithin(bytes, HOSTILE_BOUNDS);
}

/** As `decodeCbor`, with other bounds. */
export function decodeCborWithin(bytes: Uint8Array, bounds: CborBounds): unknown {
  const scan = scanCbor(bytes, bounds);
  // A plain view where the result holds bytes: a slice of a Node Buffer would be a Buffer.
  const isPlain = scan.start === 0 && !scan.hasBytes;
  const source = isPlain
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset + scan.start, bytes.byteLength - scan.start);
  const value = read(source);
  return scan.hasNonJson ? asJson(value) : value;
}

function read(source: Uint8Array): unknown {
  try {
    return decoder.decode(source) as unknown; // cbor-x says any
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('BRG_CBOR_SYNTAX', 'the value cannot be decoded', { cause: error });
  }
}

/** Recursion is bounded by the guard's depth. */
function asJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(asJson);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, asJson(field)]),
  );
}

/** RFC 3339 section 5.6, which tag 0 refers to (RFC 8949 section 3.4.1). */
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

function epochMsOfText(text: unknown): number {
  const isDateTime = typeof text === 'string' && DATE_TIME.test(text);
  return checkedTime(isDateTime ? Date.parse(text.toUpperCase()) : Number.NaN);
}

function epochMsOfNumber(seconds: unknown): number {
  return checkedTime(typeof seconds === 'number' ? Math.round(seconds * 1000) : Number.NaN);
}

function checkedTime(ms: number): number {
  if (Number.isNaN(new Date(ms).getTime())) throw new BridgeError('BRG_CBOR_TAG', 'a tagged time is no time');
  return ms;
}
