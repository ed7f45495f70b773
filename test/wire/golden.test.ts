import { readFileSync } from 'node:fs';
import { decode as cborgDecode } from 'cborg';
import { describe, expect, test } from 'vitest';
import {
  decodePayload,
  encodeFrame,
  decodeFrame,
  decodeOutboundFrame,
  type Frame,
} from '../../src/wire/index.ts';

const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The `golden` blocks: a JSON line, a line of diagnostic notation, then lines of hex. */
const GOLDEN = [...protocol.matchAll(/^ *```golden\n([\s\S]*?)^ *```/gm)].map(([, block]) => {
  const [json = '', diagnostic = '', ...hex] = (block ?? '')
    .trim()
    .split('\n')
    .map((line) => line.trim());
  return { json, diagnostic, bytes: new Uint8Array(Buffer.from(hex.join(''), 'hex')) };
});

/** RFC 8949 section 8, as far as frames need it. */
function diagnosticOf(value: unknown): string {
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)]; // cborg's useMaps
    return `{${entries.map(([key, field]) => `${diagnosticOf(key)}: ${diagnosticOf(field)}`).join(', ')}}`;
  }
  return Array.isArray(value) ? `[${value.map(diagnosticOf).join(', ')}]` : JSON.stringify(value);
}

describe('the golden frames of docs/protocol.md', () => {
  test('are at least ten', () => {
    expect(GOLDEN.length).toBeGreaterThanOrEqual(10);
  });

  test.each(GOLDEN)('$json', ({ json, diagnostic, bytes }) => {
    // An independent decoder reads what the document says it holds.
    expect(diagnosticOf(cborgDecode(bytes, { useMaps: true, allowIndefinite: false }))).toBe(diagnostic);
    const frame = JSON.parse(json) as Frame; // checked by the decoder below
    expect(Buffer.from(encodeFrame(frame, 'cbor')).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
    const isInbound = json.includes('"method"');
    expect(isInbound ? decodeFrame(bytes, 'cbor') : decodeOutboundFrame(bytes, 'cbor')).toEqual(frame);
  });

  test('the C example writes the bytes it says', () => {
    const hex = /```hex\n([0-9a-f\s]+)```/.exec(protocol)?.[1]?.replaceAll(/\s/g, '') ?? '';
    expect(decodePayload(new Uint8Array(Buffer.from(hex, 'hex')))).toEqual({
      value: { boot: 3, seq: 17, temperature: 21.5, humidity: 40 },
      codec: 'cbor',
    });
  });
});
