/**
 * JSON as UTF-8, behind the same gate as CBOR: strict UTF-8, bounded nesting, no `__proto__` key.
 */
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `value` as JSON text in UTF-8; what JSON cannot say at all is null. */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value) as string | undefined; // its type forgets JSON.stringify(undefined)
  return ENCODER.encode(text ?? 'null');
}

/** Throws a BridgeError with `code` for anything that is not acceptable JSON. */
export function decodeJson(bytes: Uint8Array, code: ErrorCode): unknown {
  const text = decodeText(bytes, code);
  if (isDeeperThan(bytes, limits.cborDepthMax)) {
    throw new BridgeError(code, `nested deeper than ${limits.cborDepthMax}`);
  }
  if (hasProtoKey(text)) throw new BridgeError(code, 'a key is __proto__');
  try {
    return JSON.parse(text) as unknown; // says any
  } catch (error) {
    throw new BridgeError(code, error instanceof Error ? error.message : 'not JSON', { cause: error });
  }
}

function decodeText(bytes: Uint8Array, code: ErrorCode): string {
  try {
    return DECODER.decode(bytes);
  } catch (error) {
    throw new BridgeError(code, 'not valid UTF-8', { cause: error });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** Counts brackets outside of strings. JSON.parse itself has no limit, but walks of its result recurse. */
function isDeeperThan(bytes: Uint8Array, depthMax: number): boolean {
  if (bytes.length <= 2 * depthMax) return false; // each level takes two brackets
  let depth = 0;
  let isString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isString = false;
    } else if (byte === QUOTE) {
      isString = true;
    } else if ((byte | 0x20) === OPEN_OBJECT) {
      if (++depth > depthMax) return true; // [ and { differ in 0x20 only, as ] and } do
    } else if ((byte | 0x20) === OPEN_OBJECT + 2) {
      depth--;
    }
  }
  return false;
}

/** `"__proto__":` with any of its characters escaped as \u00XX. */
const PROTO_KEY =
  /"(?:_|\\u005[fF]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[fF])(?:t|\\u0074)(?:o|\\u006[fF])(?:_|\\u005[fF]){2}"\s*:/;

/** JSON.parse makes it an own property, which does no harm until somebody assigns it elsewhere. */
function hasProtoKey(text: string): boolean {
  return (text.includes('__proto__') || text.includes('\\u00')) && PROTO_KEY.test(text);
}
