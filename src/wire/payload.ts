/**
 * MQTT payloads: plain JSON, or plain CBOR with text keys. MQTT 3.1.1 has no content type, so the
 * first byte tells (contract). `{` and `[` are also CBOR heads (a text and a byte string with 4- and
 * 8-byte lengths) and so are spaces (negative integers), but a payload is a map or an array.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { decodeCbor } from './cbor.ts';
import { encodeCbor } from './cbor-writer.ts';
import type { Codec } from './codec.ts';
import { decodeJson, encodeJson } from './json.ts';

/** Throws only for what cannot be said, as `encodeFrame` does. */
export function encodePayload(value: unknown, codec: Codec): Uint8Array {
  return codec === 'json' ? encodeJson(value) : encodeCbor(value);
}

/**
 * A map or an array in either codec. Throws BRG_PAYLOAD_TOO_LARGE, BRG_PAYLOAD_SYNTAX (neither codec,
 * or bad JSON) and BRG_CBOR_*.
 */
export function decodePayload(bytes: Uint8Array): { value: unknown; codec: Codec } {
  const codec = sniffCodec(bytes);
  if (codec === null) throw new BridgeError('BRG_PAYLOAD_SYNTAX', notEither(bytes));
  return { value: decodePayloadAs(bytes, codec), codec };
}

/** Any value in a codec known beforehand, e.g. a command's argument read by a device. Throws as above. */
export function decodePayloadAs(bytes: Uint8Array, codec: Codec): unknown {
  if (bytes.length > limits.devicePayloadBytesMax) {
    throw new BridgeError(
      'BRG_PAYLOAD_TOO_LARGE',
      `a payload has ${bytes.length} bytes, more than ${limits.devicePayloadBytesMax}`,
      { details: { bytes: bytes.length, bytesMax: limits.devicePayloadBytesMax } },
    );
  }
  return codec === 'json' ? decodeJson(bytes, 'BRG_PAYLOAD_SYNTAX') : decodeCbor(bytes);
}

/** The codec of a map or an array by its first byte; null when it starts like neither. */
function sniffCodec(bytes: Uint8Array): Codec | null {
  const first = bytes[0];
  switch (first) {
    case undefined:
      return null;
    case 0x7b: // {
    case 0x5b: // [
    case 0x20: // RFC 8259 section 2: space, tab, line feed, carriage return
    case 0x09:
    case 0x0a:
    case 0x0d:
      return 'json';
    case 0xd9: // RFC 8949 section 3.4.6: the tag 55799
      return bytes[1] === 0xd9 && bytes[2] === 0xf7 ? 'cbor' : null;
    default:
      return first >= 0x80 && first <= 0xbf ? 'cbor' : null; // arrays and maps
  }
}

function notEither(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the payload is empty';
  const first = (bytes[0] ?? 0).toString(16).padStart(2, '0');
  return `the payload starts with 0x${first}: neither a JSON object or array nor a CBOR map or array`;
}
