import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BridgeError, type ErrorCode } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { encodeCbor } from '../../src/wire/cbor-writer.ts';
import { decodeFrame, decodeOutboundFrame, encodeFrame, type Frame } from '../../src/wire/index.ts';
import { FRAMES, type FrameSpec } from '../../src/wire/frames.ts';
import { frameOf } from './arbitraries.ts';

const ROWS: readonly FrameSpec[] = FRAMES;
const CODECS = ['json', 'cbor'] as const;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function codeOf(run: () => unknown): ErrorCode | 'nothing thrown' {
  try {
    run();
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** A CBOR map with integer keys, as a client writes it: JSON objects have none. */
function cborMap(entries: [number, unknown][]): Uint8Array {
  const parts = entries.flatMap(([key, value]) => [...encodeCbor(key), ...encodeCbor(value)]);
  return Uint8Array.from([0xa0 | entries.length, ...parts]);
}

describe.each(ROWS.map((row) => [row.type, row] as const))('%s', (_, row) => {
  const sides = row.direction === 'both' ? (['in', 'out'] as const) : [row.direction];

  test.each(sides)('says the same in JSON and CBOR (%s)', (side) => {
    const decode = side === 'in' ? decodeFrame : decodeOutboundFrame;
    fc.assert(
      fc.property(frameOf(row, side), (frame) => {
        for (const codec of CODECS) expect(decode(encodeFrame(frame, codec), codec)).toEqual(frame);
      }),
      { numRuns: 40 },
    );
  });

  test('is refused from the other side', () => {
    if (row.direction === 'both') return;
    const decode = row.direction === 'in' ? decodeOutboundFrame : decodeFrame;
    expect(codeOf(() => decode(utf8(JSON.stringify({ type: row.type })), 'json'))).toBe('BRG_FRAME_TYPE');
    expect(codeOf(() => decode(cborMap([[0, row.number]]), 'cbor'))).toBe('BRG_FRAME_TYPE');
  });

  test('is refused when a required field is missing or a field has the wrong type', () => {
    const side = row.direction === 'out' ? 'out' : 'in';
    const decode = side === 'in' ? decodeFrame : decodeOutboundFrame;
    const fields = Object.entries(row.fields).filter(([, field]) => !field.only || field.only === side);
    const [frame] = fc.sample(frameOf(row, side), { numRuns: 1, seed: 1 });
    for (const [name, field] of fields) {
      const missing = JSON.stringify({ ...frame, [name]: undefined });
      const isRequired = !field.optional;
      expect(codeOf(() => decode(utf8(missing), 'json'))).toBe(
        isRequired ? 'BRG_FRAME_FIELD' : 'nothing thrown',
      );
      if (field.type === 'any') continue;
      const wrong = field.type === 'number' ? 'one' : 1;
      expect(codeOf(() => decode(utf8(JSON.stringify({ ...frame, [name]: wrong })), 'json'))).toBe(
        'BRG_FRAME_FIELD',
      );
    }
  });
});

describe('decodeFrame', () => {
  test('keeps the fields of the table only, and takes null for an absent optional one', () => {
    const text = '{"type":"cf_agent_state","state":null,"version":null,"extra":1,"constructor":2}';
    expect(decodeFrame(utf8(text), 'json')).toEqual({ type: 'cf_agent_state', state: null });
    const bytes = cborMap([
      [0, 2],
      [2, null],
      [3, null],
      [99, 1],
    ]);
    expect(decodeFrame(bytes, 'cbor')).toEqual({ type: 'cf_agent_state', state: null });
  });

  test.each<[string, Uint8Array, 'json' | 'cbor', ErrorCode]>([
    ['text that is not JSON', utf8('{"type":'), 'json', 'BRG_FRAME_SYNTAX'],
    ['an empty frame', utf8(''), 'json', 'BRG_FRAME_SYNTAX'],
    ['an empty CBOR frame', utf8(''), 'cbor', 'BRG_CBOR_SYNTAX'],
    ['an array', utf8('[]'), 'json', 'BRG_FRAME_SYNTAX'],
    ['null', utf8('null'), 'json', 'BRG_FRAME_SYNTAX'],
    ['a CBOR array', Uint8Array.of(0x80), 'cbor', 'BRG_FRAME_SYNTAX'],
    ['a CBOR byte string', Uint8Array.of(0x40), 'cbor', 'BRG_FRAME_SYNTAX'],
    ['invalid UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'json', 'BRG_FRAME_SYNTAX'],
    ['no type', utf8('{}'), 'json', 'BRG_FRAME_TYPE'],
    ['an unknown type', utf8('{"type":"toString"}'), 'json', 'BRG_FRAME_TYPE'],
    ['a type that is no text', utf8('{"type":["rpc"]}'), 'json', 'BRG_FRAME_TYPE'],
    ['an unknown type number', cborMap([[0, 1000]]), 'cbor', 'BRG_FRAME_TYPE'],
    ['a type number as text', cborMap([[0, '5']]), 'cbor', 'BRG_FRAME_TYPE'],
    ['a CBOR frame with a text key for its type', encodeCbor({ type: 'rpc' }), 'cbor', 'BRG_FRAME_TYPE'],
    ['a __proto__ key', utf8('{"type":"rpc","__pr\\u006fto__":{}}'), 'json', 'BRG_FRAME_SYNTAX'],
    ['a frame over the limit', new Uint8Array(limits.frameBytesMax + 1), 'json', 'BRG_FRAME_TOO_LARGE'],
    ['a frame over the limit', new Uint8Array(limits.frameBytesMax + 1), 'cbor', 'BRG_FRAME_TOO_LARGE'],
    [
      'JSON nested 33 deep',
      utf8(`{"type":"cf_agent_state","state":${'['.repeat(32)}${']'.repeat(32)}}`),
      'json',
      'BRG_FRAME_SYNTAX',
    ],
  ])('refuses %s (%#)', (_, bytes, codec, code) => {
    expect(codeOf(() => decodeFrame(bytes, codec))).toBe(code);
  });

  test('does not count brackets inside of JSON text', () => {
    const state = '[{"\\'.repeat(100);
    const frame = { type: 'cf_agent_state', state } as const;
    expect(decodeFrame(encodeFrame(frame, 'json'), 'json')).toEqual(frame);
  });
});

describe('encodeFrame', () => {
  test('writes JSON frames as the Agents SDK does: the object itself, undefined fields left out', () => {
    const frame: Frame = { type: 'rpc', id: 'u1', success: true, result: 3, done: true, error: undefined };
    expect(JSON.parse(new TextDecoder().decode(encodeFrame(frame, 'json')))).toEqual({
      done: true,
      id: 'u1',
      result: 3,
      success: true,
      type: 'rpc',
    });
    expect(Buffer.from(encodeFrame(frame, 'cbor')).toString('hex')).toBe('a500050162753108f5070309f5');
  });

  test('gives a client states larger than what clients may send', () => {
    const frame: Frame = { type: 'cf_agent_state', state: Array.from({ length: 200_000 }, (_, i) => i) };
    const bytes = encodeFrame(frame, 'cbor');
    expect(decodeOutboundFrame(bytes, 'cbor')).toEqual(frame);
    expect(codeOf(() => decodeFrame(bytes, 'cbor'))).toBe('BRG_FRAME_TOO_LARGE');
  });
});
