import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BridgeError, type ErrorCode } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { decodePayload, decodePayloadAs, encodePayload } from '../../src/wire/index.ts';
import { negotiateSubprotocol, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from '../../src/wire/subprotocol.ts';
import { jsonValue } from './arbitraries.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

function codeOf(bytes: Uint8Array): ErrorCode | 'nothing thrown' {
  try {
    decodePayload(bytes);
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('decodePayload', () => {
  test.each<[string, Uint8Array, 'json' | 'cbor', unknown]>([
    ['a JSON object', utf8('{"a":1}'), 'json', { a: 1 }],
    ['a JSON array', utf8('[{"a":1}]'), 'json', [{ a: 1 }]],
    ['JSON behind white space', utf8('\r\n\t {"a":1}'), 'json', { a: 1 }],
    ['a CBOR map', hex('a1616101'), 'cbor', { a: 1 }],
    ['a CBOR array', hex('81a1616101'), 'cbor', [{ a: 1 }]],
    ['a CBOR map of indefinite length', hex('bf616101ff'), 'cbor', { a: 1 }],
    ['CBOR that says so', hex('d9d9f7a1616101'), 'cbor', { a: 1 }],
    ['a CBOR map with integer keys', hex('a10102'), 'cbor', { 1: 2 }],
  ])('reads %s', (_, bytes, codec, value) => {
    expect(decodePayload(bytes)).toEqual({ value, codec });
    expect(decodePayload(Buffer.from(bytes))).toEqual({ value, codec });
  });

  test.each<[string, Uint8Array, ErrorCode]>([
    ['nothing', utf8(''), 'BRG_PAYLOAD_SYNTAX'],
    ['a word', utf8('online'), 'BRG_PAYLOAD_SYNTAX'],
    ['a number', utf8('21.5'), 'BRG_PAYLOAD_SYNTAX'],
    ['another tag', hex('c100'), 'BRG_PAYLOAD_SYNTAX'],
    ['JSON cut off', utf8('{"a":'), 'BRG_PAYLOAD_SYNTAX'],
    ['JSON with NaN', utf8('{"a":NaN}'), 'BRG_PAYLOAD_SYNTAX'],
    ['JSON that is not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'BRG_PAYLOAD_SYNTAX'],
    ['JSON behind a byte order mark', utf8('\uFEFF{}'), 'BRG_PAYLOAD_SYNTAX'],
    ['JSON nested 33 deep', utf8('['.repeat(33) + ']'.repeat(33)), 'BRG_PAYLOAD_SYNTAX'],
    ['100,000 brackets', utf8('['.repeat(100_000)), 'BRG_PAYLOAD_SYNTAX'],
    ['a __proto__ key', utf8('{"a":{"__proto__" :1}}'), 'BRG_PAYLOAD_SYNTAX'],
    ['a bignum in a map', hex('a16161c24101'), 'BRG_CBOR_TAG'],
    [
      'more bytes than allowed',
      new Uint8Array(limits.devicePayloadBytesMax + 1).fill(0x20),
      'BRG_PAYLOAD_TOO_LARGE',
    ],
  ])('refuses %s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test('checklist 20: takes __proto__ as a value, and JSON nested 32 deep', () => {
    expect(codeOf(utf8('{"a":"__proto__","b":"\\"__proto__\\":"}'))).toBe('nothing thrown');
    expect(codeOf(utf8('['.repeat(32) + ']'.repeat(32)))).toBe('nothing thrown');
  });

  test('says the same in both codecs, for every value', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        for (const codec of ['json', 'cbor'] as const) {
          const bytes = encodePayload(value, codec);
          expect(decodePayloadAs(bytes, codec)).toEqual(value);
          if (typeof value === 'object' && value !== null) expect(decodePayload(bytes).codec).toBe(codec);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('writes null for what JSON cannot say', () => {
    expect(new TextDecoder().decode(encodePayload(undefined, 'json'))).toBe('null');
    expect(encodePayload(undefined, 'cbor')).toEqual(Uint8Array.of(0xf6));
  });
});

describe('negotiateSubprotocol', () => {
  test.each<[string[], 'json' | 'cbor' | null, string | null]>([
    [[], 'json', null],
    [[SUBPROTOCOL_CBOR], 'cbor', SUBPROTOCOL_CBOR],
    [[SUBPROTOCOL_JSON], 'json', SUBPROTOCOL_JSON],
    [[SUBPROTOCOL_JSON, SUBPROTOCOL_CBOR], 'json', SUBPROTOCOL_JSON],
    [['mooring.v2.cbor', SUBPROTOCOL_CBOR], 'cbor', SUBPROTOCOL_CBOR],
    [['mqtt'], null, null],
    [['MOORING.V1.CBOR'], null, null],
  ])('%j gives %s', (offered, codec, subprotocol) => {
    expect(negotiateSubprotocol(offered)).toEqual(codec === null ? null : { codec, subprotocol });
  });
});
