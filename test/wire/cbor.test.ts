import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BridgeError, type ErrorCode } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { encodeCbor } from '../../src/wire/cbor-writer.ts';
import { decodeCbor } from '../../src/wire/index.ts';
import { jsonValue } from './arbitraries.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const repeat = (text: string, count: number, end = ''): Uint8Array => hex(text.repeat(count) + end);

function codeOf(bytes: Uint8Array): ErrorCode | 'nothing thrown' {
  try {
    decodeCbor(bytes);
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** A byte string of `length` with the right head, behind a tag. */
const bignum = (length: number): Uint8Array =>
  new Uint8Array(Buffer.concat([Buffer.from('c25a', 'hex'), uint32(length), Buffer.alloc(length, 0xff)]));
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

describe('checklist 19: hostile CBOR is refused before it is decoded', () => {
  test.each<[string, Uint8Array, ErrorCode]>([
    ['a bignum of 64 KiB', bignum(64 * 1024), 'BRG_CBOR_TAG'],
    // cbor-x would be busy with this one for longer than the test may take.
    ['a bignum of 1 MiB', bignum(1024 * 1024), 'BRG_CBOR_TAG'],
    ['a negative bignum', hex('c349010000000000000000'), 'BRG_CBOR_TAG'],
    ['a decimal fraction', hex('c48221196ab3'), 'BRG_CBOR_TAG'],
    ['a live object (tag 27)', hex('d81b82654572726f726178'), 'BRG_CBOR_TAG'],
    ['a shared value (tag 28)', hex('d81c80'), 'BRG_CBOR_TAG'],
    ['a shared reference (tag 29)', hex('d81d00'), 'BRG_CBOR_TAG'],
    ['a regular expression (tag 35)', hex('d8236161'), 'BRG_CBOR_TAG'],
    ['packed values (tag 51)', hex('d8338480808000'), 'BRG_CBOR_TAG'],
    ['a typed array (tag 64)', hex('d8404101'), 'BRG_CBOR_TAG'],
    ['a set (tag 258)', hex('d9010281 01'), 'BRG_CBOR_TAG'],
    ['a map (tag 259)', hex('d90103a0'), 'BRG_CBOR_TAG'],
    ['a record of cbor-x (tag 57343)', hex('d9dfff831940008161740 1'), 'BRG_CBOR_TAG'],
    ['a record by its id (tag 57344)', hex('d9e0008101'), 'BRG_CBOR_TAG'],
    ['a bundle of cbor-x (tag 57337)', hex('d9dff98200 00'), 'BRG_CBOR_TAG'],
    ['a tag of 64 bits', hex('dbffffffffffffffff00'), 'BRG_CBOR_TAG'],
    ['self-description that is not first', hex('81d9d9f700'), 'BRG_CBOR_TAG'],
    ['self-description twice', hex('d9d9f7d9d9f700'), 'BRG_CBOR_TAG'],
    ['a date that is none', hex('c06161'), 'BRG_CBOR_TAG'],
    ['a 13th month', encodeTagged(0, '2026-13-01T00:00:00Z'), 'BRG_CBOR_TAG'],
    ['a date that is a number', hex('c001'), 'BRG_CBOR_TAG'],
    ['an epoch time that is text', hex('c16161'), 'BRG_CBOR_TAG'],
    ['an epoch time that is NaN', hex('c1f97e00'), 'BRG_CBOR_TAG'],
    ['an epoch time beyond every calendar', hex('c1fb7e37e43c8800759c'), 'BRG_CBOR_TAG'],
    ['an epoch time that is an array of tags', hex('c181c100'), 'BRG_CBOR_TAG'],
    ['arrays 33 deep', repeat('81', 33, '00'), 'BRG_CBOR_DEPTH'],
    ['maps 33 deep', repeat('a100', 33, '00'), 'BRG_CBOR_DEPTH'],
    ['arrays of indefinite length 33 deep', repeat('9f', 33), 'BRG_CBOR_DEPTH'],
    ['200,000 arrays', repeat('81', 200_000), 'BRG_CBOR_DEPTH'],
    ['an array of 2^53 items', hex('9b0020000000000000'), 'BRG_CBOR_LIMIT'],
    ['an array of 2^32 - 1 items', hex('9affffffff'), 'BRG_CBOR_LIMIT'],
    ['an array of 4097 items', hex(`991001${'00'.repeat(4097)}`), 'BRG_CBOR_LIMIT'],
    ['an array of 4097 items, indefinite', hex(`9f${'00'.repeat(4097)}ff`), 'BRG_CBOR_LIMIT'],
    ['a map of 2^64 - 1 entries', hex('bbffffffffffffffff'), 'BRG_CBOR_LIMIT'],
    ['a map of 1025 entries', hex(`b90401${'0000'.repeat(1025)}`), 'BRG_CBOR_LIMIT'],
    ['a map of 1025 entries, indefinite', hex(`bf${'0000'.repeat(1025)}ff`), 'BRG_CBOR_LIMIT'],
    ['an array longer than the bytes', hex('9903e8 00'), 'BRG_CBOR_SYNTAX'],
    ['a map longer than the bytes', hex('a30000'), 'BRG_CBOR_SYNTAX'],
    ['a text of 2^64 - 1 bytes', hex('7bffffffffffffffff'), 'BRG_CBOR_SYNTAX'],
    ['a byte string of 4 GiB', hex('5affffffff00'), 'BRG_CBOR_SYNTAX'],
    ['a text of indefinite length', hex('7f657374726561646d696e67ff'), 'BRG_CBOR_UNSUPPORTED'],
    ['bytes of indefinite length', hex('5f42010243030405ff'), 'BRG_CBOR_UNSUPPORTED'],
    ['an integer of indefinite length', hex('1f'), 'BRG_CBOR_SYNTAX'],
    ['a tag of indefinite length', hex('df00'), 'BRG_CBOR_SYNTAX'],
    ['a lone break', hex('ff'), 'BRG_CBOR_SYNTAX'],
    ['a break in an array of definite length', hex('81ff'), 'BRG_CBOR_SYNTAX'],
    ['a break after a key', hex('bf00ff'), 'BRG_CBOR_SYNTAX'],
    ['a break after a tag', hex('9fc1ffff'), 'BRG_CBOR_SYNTAX'],
    ['reserved additional information', hex('1c'), 'BRG_CBOR_SYNTAX'],
    ['reserved additional information 30', hex('fe'), 'BRG_CBOR_SYNTAX'],
    ['trailing bytes', hex('0000'), 'BRG_CBOR_SYNTAX'],
    ['nothing', hex(''), 'BRG_CBOR_SYNTAX'],
    ['nothing behind the self-description', hex('d9d9f7'), 'BRG_CBOR_SYNTAX'],
    ['a head cut off', hex('1900'), 'BRG_CBOR_SYNTAX'],
    ['a float cut off', hex('fb00'), 'BRG_CBOR_SYNTAX'],
    ['an array cut off', hex('8201'), 'BRG_CBOR_SYNTAX'],
    ['invalid UTF-8', hex('62c328'), 'BRG_CBOR_SYNTAX'],
    ['a surrogate in UTF-8', hex('63eda080'), 'BRG_CBOR_SYNTAX'],
    ['an invalid key', hex('a161ff00'), 'BRG_CBOR_SYNTAX'],
    ['simple value 16', hex('f0'), 'BRG_CBOR_UNSUPPORTED'],
    ['simple value 255', hex('f8ff'), 'BRG_CBOR_UNSUPPORTED'],
    ['false in two bytes', hex('f814'), 'BRG_CBOR_UNSUPPORTED'],
    ['an integer of 2^53', hex('1b0020000000000000'), 'BRG_CBOR_INTEGER'],
    ['an integer of 2^64 - 1', hex('1bffffffffffffffff'), 'BRG_CBOR_INTEGER'],
    ['an integer of -2^53', hex('3b001fffffffffffff'), 'BRG_CBOR_INTEGER'],
    ['a key beyond 2^53', hex('a11bffffffffffffffff00'), 'BRG_CBOR_INTEGER'],
    ['an array as a key', hex('a18000'), 'BRG_CBOR_KEY'],
    ['a byte string as a key', hex('a14000'), 'BRG_CBOR_KEY'],
    ['null as a key', hex('a1f600'), 'BRG_CBOR_KEY'],
    ['a date as a key', hex('a1c10000'), 'BRG_CBOR_KEY'],
    ['__proto__ as a key', hex(`a169${Buffer.from('__proto__').toString('hex')}a0`), 'BRG_CBOR_KEY'],
  ])('%s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test('random bytes decode or are refused with a code, and never pollute a prototype', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(codeOf(bytes)).toMatch(/^BRG_CBOR_|^nothing thrown$/);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('a changed byte in a good value decodes or is refused with a code', () => {
    fc.assert(
      fc.property(jsonValue, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encodeCbor(value).slice();
        bytes[at % bytes.length] = byte;
        expect(codeOf(bytes)).toMatch(/^BRG_CBOR_|^nothing thrown$/);
      }),
      { numRuns: 500 },
    );
  });
});

function encodeTagged(tag: number, value: unknown): Uint8Array {
  return Uint8Array.from([0xc0 | tag, ...encodeCbor(value)]);
}

describe('decodeCbor', () => {
  // RFC 8949 appendix A, without what this protocol does not use.
  test.each<[string, unknown]>([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['20', -1],
    ['3863', -100],
    ['3903e7', -1000],
    ['f93c00', 1],
    ['f93e00', 1.5],
    ['f97bff', 65504],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f90001', 5.960464477539063e-8],
    ['f9c400', -4],
    ['fbc010666666666666', -4.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['40', new Uint8Array()],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['60', ''],
    ['6449455446', 'IETF'],
    ['62225c', '"\\'],
    ['62c3bc', 'ü'],
    ['63e6b0b4', '水'],
    ['64f0908591', '𐅑'],
    ['80', []],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    [
      `9819${Array.from({ length: 25 }, (_, i) => toHex(encodeCbor(i + 1))).join('')}`,
      Array.from({ length: 25 }, (_, i) => i + 1),
    ],
    ['a0', {}],
    ['a201020304', { 1: 2, 3: 4 }],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['826161a161626163', ['a', { b: 'c' }]],
    ['9fff', []],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['826161bf61626163ff', ['a', { b: 'c' }]],
    ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
  ])('reads %s of RFC 8949 appendix A', (text, value) => {
    expect(decodeCbor(hex(text))).toEqual(value);
  });

  test('reads a tagged time as milliseconds since epoch', () => {
    expect(decodeCbor(hex('c074323031332d30332d32315432303a30343a30305a'))).toBe(1_363_896_240_000);
    expect(decodeCbor(hex('c11a514b67b0'))).toBe(1_363_896_240_000);
    expect(decodeCbor(hex('a16174c1fb41d452d9ec200000'))).toEqual({ t: 1_363_896_240_500 });
    expect(decodeCbor(encodeTagged(0, '2026-01-01t01:00:00.25+01:00'))).toBe(1_767_225_600_250);
  });

  test('reads what JSON has no word for as JSON.stringify would write it', () => {
    expect(decodeCbor(hex('f97e00'))).toBe(null);
    expect(decodeCbor(hex('f7'))).toBe(null);
    expect(decodeCbor(hex('83f97c00fa7fc00000fbfff0000000000000'))).toEqual([null, null, null]);
    const value = decodeCbor(hex('a26161f7616281f7'));
    expect(value).toEqual({ b: [null] });
    expect(Object.keys(value as object)).toEqual(['b']); // a map decodes to an object
  });

  test('takes the self-description tag in front', () => {
    expect(decodeCbor(hex('d9d9f7a10102'))).toEqual({ 1: 2 });
  });

  test('takes nesting, arrays and maps up to the limits', () => {
    expect(limits.cborDepthMax).toBe(32);
    expect(codeOf(repeat('81', 32, '00'))).toBe('nothing thrown');
    expect(codeOf(repeat('9f', 32, 'ff'.repeat(32)))).toBe('nothing thrown');
    expect(codeOf(hex(`991000${'00'.repeat(4096)}`))).toBe('nothing thrown');
    expect(codeOf(hex(`9f${'00'.repeat(4096)}ff`))).toBe('nothing thrown');
    expect(codeOf(hex(`bf${'0000'.repeat(1024)}ff`))).toBe('nothing thrown');
  });

  test('takes integers up to 2^53 - 1 on both sides of zero', () => {
    expect(decodeCbor(hex('1b001fffffffffffff'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(decodeCbor(hex('3b001ffffffffffffe'))).toBe(Number.MIN_SAFE_INTEGER);
  });

  test('copies byte strings out of the network buffer, as plain Uint8Array', () => {
    const buffer = Buffer.from('4401020304', 'hex');
    const value = decodeCbor(buffer);
    buffer.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(value).not.toBeInstanceOf(Buffer);
  });

  test('lets the last of duplicate keys count', () => {
    expect(decodeCbor(hex('a2616101616102'))).toEqual({ a: 2 });
  });

  test('reads what another encoder wrote', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(decodeCbor(cborgEncode(value))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });
});

describe('encodeCbor', () => {
  test('writes what a strict decoder reads back', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const options = { allowIndefinite: false, rejectDuplicateMapKeys: true };
        expect(cborgDecode(encodeCbor(value), options)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, unknown, string]>([
    ['a time in ms as an integer', 1_767_225_600_000, '1b0000019b76daa800'],
    ['2^53 - 1', Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    ['-(2^53 - 1)', Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'],
    ['2^32', 2 ** 32, '1b0000000100000000'],
    ['2^32 - 1', 2 ** 32 - 1, '1affffffff'],
    ['-2^32', -(2 ** 32), '3affffffff'],
    ['255, 256', [255, 256], '8218ff190100'],
    ['minus zero as zero', -0, '00'],
    ['a number that is exact in 32 bits', 21.5, 'fa41ac0000'],
    ['a number that is not', 21.4, 'fb4035666666666666'],
    ['a large number', 1e300, 'fb7e37e43c8800759c'],
    ['NaN as null', Number.NaN, 'f6'],
    ['an infinity as null', [-Infinity], '81f6'],
    ['undefined', undefined, 'f6'],
    ['undefined fields not at all', { a: undefined, b: 1, c: () => 1 }, 'a1616201'],
    ['undefined items as null', [undefined], '81f6'],
    ['plain bytes', Uint8Array.of(1, 2), '420102'],
    ['a Node Buffer', { a: Buffer.of(1) }, 'a161614101'],
    ['a Date as ISO text', new Date(0), `7818${Buffer.from('1970-01-01T00:00:00.000Z').toString('hex')}`],
    ['text that is not ASCII', 'é', '62c3a9'],
    [
      'a map of 24 entries',
      Object.fromEntries(Array.from({ length: 24 }, (_, i) => [String.fromCharCode(97 + i), 0])),
      `b818${Array.from({ length: 24 }, (_, i) => `61${(97 + i).toString(16)}00`).join('')}`,
    ],
  ])('writes %s', (_, value, expected) => {
    expect(toHex(encodeCbor(value))).toBe(expected);
  });

  test('refuses a value that contains itself, and a bigint', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => encodeCbor(loop)).toThrow(expect.objectContaining({ code: 'BRG_CBOR_DEPTH' }));
    expect(() => encodeCbor(1n)).toThrow(TypeError);
  });
});
