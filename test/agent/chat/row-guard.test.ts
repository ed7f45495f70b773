/** Messages too large for a row: what the Agents SDK makes of them, and what it forgets. */
import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatPart } from '../../../src/agent/chat/chat-message.ts';
import { guarded, WHOLE_MESSAGE } from '../../../src/agent/chat/row-guard.ts';
import { limits } from '../../../src/base/limits.ts';
import { call } from '../../support/hook-bridge.ts';
import { chatBridge, ChatClient, messagesOf } from '../../support/chat-client.ts';

const of = (role: ChatMessage['role'], ...parts: ChatPart[]): ChatMessage => ({ id: 'm', role, parts });
const text = (length: number, first = 'x'): ChatPart => ({
  type: 'text',
  text: first + 'y'.repeat(length - 1),
});
const output = (length: number, id = 'c1'): ChatPart => ({
  type: 'tool-read',
  toolCallId: id,
  state: 'output-available',
  output: 'o'.repeat(length),
});
const bytes = (message: ChatMessage): number => Buffer.byteLength(JSON.stringify(message));

function expectFits(message: ChatMessage): ChatMessage {
  const { message: kept } = guarded(message);
  expect(bytes(kept)).toBeLessThanOrEqual(limits.chatRowBytesMax);
  return kept;
}

describe('the row guard', () => {
  test('leaves a message of 1,800,000 bytes as it is', () => {
    const frame = bytes(of('assistant', text(1)));
    const message = of('assistant', text(1_800_000 - frame + 1));
    expect(bytes(message)).toBe(1_800_000);
    expect(guarded(message)).toEqual({ message, originals: new Map() });
    expect(guarded(of('assistant', text(1_800_000 - frame + 2))).originals.size).toBe(1);
  });

  test('takes all large tool outputs first, in the words of the Agents SDK', () => {
    const message = of('assistant', output(2_000_000), output(1500, 'c2'), output(900, 'c3'), text(5000));
    const { parts, metadata } = expectFits(message);
    const notice = `This tool output was too large to persist in storage (2000002 bytes). If the user asks about this data, suggest re-running the tool. Preview: "${'o'.repeat(499)}...`;
    expect(parts[0]).toEqual({ ...message.parts[0], output: notice });
    expect(parts.slice(2)).toEqual(message.parts.slice(2));
    expect(metadata).toEqual({ compactedToolOutputs: ['c1', 'c2'] });
  });

  test('then texts, the oldest first, until it fits', () => {
    const message = of('assistant', text(900_000, 'a'), text(900_000, 'b'), text(900_000, 'c'));
    const { parts, metadata } = expectFits(message);
    const notice = `[Text truncated for storage (900000 chars). First 500 chars: a${'y'.repeat(499)}...]`;
    expect(parts[0]).toEqual({ type: 'text', text: notice });
    expect(parts[1]).toMatchObject({ text: expect.stringMatching(/^\[Text truncated/) as string });
    expect(parts[2]).toEqual(message.parts[2]);
    expect(metadata).toEqual({ compactedTextParts: [0, 1] });
  });

  test('of a user it takes texts, and no tool outputs', () => {
    const { parts } = expectFits(of('user', text(2_000_000), output(2000)));
    expect(parts[1]).toEqual(output(2000));
  });

  test.each<[string, ChatPart]>([
    ['reasoning', { type: 'reasoning', text: 'r'.repeat(2_600_000) }],
    [
      'a file',
      { type: 'file', mediaType: 'image/png', url: `data:image/png;base64,${'A'.repeat(2_600_000)}` },
    ],
    ['data', { type: 'data-report', data: { rows: 'd'.repeat(2_600_000) } }],
    [
      'a tool’s input',
      { type: 'tool-x', toolCallId: 'c', state: 'input-available', input: { a: 'i'.repeat(2_600_000) } },
    ],
    [
      'an error',
      { type: 'tool-x', toolCallId: 'c', state: 'output-error', errorText: 'e'.repeat(2_600_000) },
    ],
    ['metadata', { type: 'text', text: 'x', providerMetadata: { x: { y: 'p'.repeat(2_600_000) } } }],
    ['what is not known', { type: 'custom', kind: 'a.b', more: ['z'.repeat(2_600_000)] }],
  ])('makes %s smaller too, and hands back the original', (_what, part) => {
    for (const role of ['assistant', 'user'] as const) {
      const message = of(role, part, { type: 'text', text: 'kept' });
      const { message: kept, originals } = guarded(message);
      expect(bytes(kept)).toBeLessThanOrEqual(limits.chatRowBytesMax);
      expect(kept.parts[0]).toMatchObject({ type: part.type });
      expect(kept.parts[1]).toEqual({ type: 'text', text: 'kept' });
      expect(originals).toEqual(new Map([[0, part]]));
      expect(kept.metadata).toEqual({ compactedParts: [0] });
      expect(guarded(kept)).toEqual({ message: kept, originals: new Map() });
    }
  });

  test('a message of countless small parts is kept whole beside a notice', () => {
    const message = of(
      'assistant',
      ...Array.from({ length: 9000 }, (_, n) => ({ type: 'text', text: `${n}${'.'.repeat(300)}` })),
    );
    const { message: kept, originals } = guarded(message);
    expect(kept).toEqual({
      id: 'm',
      role: 'assistant',
      parts: [{ type: 'text', text: `[Message truncated for storage (${bytes(message)} bytes).]` }],
    });
    expect(originals.get(WHOLE_MESSAGE)).toEqual(message);
  });

  test.each([499, 500, 501])('never splits a surrogate pair (the %i. character begins one)', (at) => {
    const { parts } = expectFits(
      of('user', { type: 'text', text: 'x'.repeat(at - 1) + '😀'.repeat(500_000) }),
    );
    const [, shown = ''] = /First 500 chars: (.*)\.\.\.\]$/.exec(String(parts[0]?.['text'])) ?? [];
    expect(shown.isWellFormed()).toBe(true);
    expect(shown).toHaveLength(at === 500 ? 499 : 500);
  });

  test('thousands of texts become smaller until they fit', () => {
    const parts = Array.from({ length: 3000 }, () => text(1200));
    expect(expectFits(of('assistant', ...parts)).parts).toHaveLength(3000);
  });
});

test('a stored answer far beyond a row loses nothing: the originals are there, after a restart too', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/large');
  // More than a row by its file alone, and less than the buffer of a connection, however slowly the client reads.
  const done = await me.done(me.ask('large 100000'));
  expect(done.error).toBeUndefined();
  const message = (await messagesOf(bridge, 'bot/large'))[1];
  expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(limits.chatRowBytesMax);
  expect(JSON.stringify(message).isWellFormed()).toBe(true);
  expect(message?.parts.at(-1)).toMatchObject({ type: 'text', text: 'short' });
  await bridge.stop();
  const again = await chatBridge({ dataDir: bridge.dataDir });
  const back = await ChatClient.open(again, 'bot/large');
  const original = (await call(back.socket, 'original', message?.id)) as { parts: Record<string, unknown>[] };
  const big = '😀'.repeat(50_000);
  expect(original.parts.map(({ type }) => type)).toEqual(['reasoning', 'file', 'tool-where', 'text']);
  expect(original.parts[0]?.['text'] === `x${big}`).toBe(true);
  expect(String(original.parts[1]?.['url'])).toHaveLength(2_600_000 + 'data:text/plain,'.length);
  expect(JSON.stringify(original.parts[2]?.['output']) === JSON.stringify({ big })).toBe(true);
  expect(JSON.stringify(original.parts[2]?.['input']) === JSON.stringify({ big })).toBe(true);
});
