/** Server-sent events, cut wherever a network may cut them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SseReader } from '../../../src/agent/chat/sse.ts';
import { limits } from '../../../src/base/limits.ts';
import { chatBridge, ChatClient } from '../../support/chat-client.ts';

function read(pieces: readonly Uint8Array[]): string[] {
  const reader = new SseReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...new Set(at.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
}

const EVENTS = ['{"type":"text-delta","delta":"grüße 😀"}', 'ünïcödé €', 'two\nlines'];
const eventText = (data: string, newline: string): string =>
  data
    .split('\n')
    .map((line) => `data: ${line}${newline}`)
    .join('') + newline;

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])('with %s', (_name, newline) => {
  const bytes = new TextEncoder().encode(EVENTS.map((data) => eventText(data, newline)).join(''));

  test('events are the same wherever one cut falls, also within a character', () => {
    for (let at = 0; at <= bytes.length; at++) expect(read(cut(bytes, [at])), `cut at ${at}`).toEqual(EVENTS);
  });

  test('events are the same when every byte comes alone', () => {
    expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  });
});

test('any events come whole out of any cuts', () => {
  const data = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => JSON.stringify(text));
  const newline = fc.constantFrom('\n', '\r\n', '\r');
  fc.assert(
    fc.property(
      fc.array(data, { maxLength: 8 }),
      newline,
      fc.array(fc.nat(), { maxLength: 30 }),
      (events, end, at) => {
        const bytes = new TextEncoder().encode(events.map((event) => eventText(event, end)).join(''));
        expect(read(cut(bytes, at))).toEqual(events);
      },
    ),
  );
});

test('comments, other fields and blank lines are no data; the end of the stream ends an event', () => {
  const text = ': keep-alive\n\nevent: x\nid: 1\ndata:no space\n\n\n\ndata\n\nretry: 5\n\ndata: last';
  expect(read([new TextEncoder().encode(text)])).toEqual(['no space', '', 'last']);
});

test('an event beyond the limit ends the stream with an error', () => {
  const reader = new SseReader();
  const piece = new TextEncoder().encode(`data: ${'x'.repeat(1024 * 1024)}`);
  const push = (): unknown => reader.push(piece);
  expect(() => {
    for (let n = 0; n <= limits.chatChunkBytesMax / piece.length + 1; n++) push();
  }).toThrow(expect.objectContaining({ code: 'BRG_CHAT_STREAM' }));
});

test.each([1, 7, 64])(
  'all of 50 deltas reach the client from a body in pieces of %i bytes',
  async (bytes) => {
    const bridge = await chatBridge();
    const me = await ChatClient.open(bridge, `bot/pieces${bytes}`);
    const id = await me.answer(`pieces 50 ${bytes}`);
    expect(me.text(id)).toBe(Array.from({ length: 50 }, (_, n) => `ü${n} `).join(''));
  },
);
