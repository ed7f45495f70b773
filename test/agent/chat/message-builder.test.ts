/** Messages made of chunks: as the AI SDK's own clients make them. */
import { readUIMessageStream, type UIMessageChunk } from 'ai';
import { expect, test } from 'vitest';
import type { ChatMessage } from '../../../src/agent/chat/chat-message.ts';
import { MessageBuilder, type Chunk } from '../../../src/agent/chat/message-builder.ts';

const EMPTY: ChatMessage = { id: 'm', role: 'assistant', parts: [] };

function built(chunks: readonly UIMessageChunk[], base = EMPTY): ChatMessage {
  const builder = new MessageBuilder(base);
  for (const chunk of chunks) builder.apply(chunk as unknown as Chunk);
  return builder.message;
}

/** What the AI SDK makes of them. */
async function published(chunks: readonly UIMessageChunk[], base = EMPTY): Promise<unknown> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: unknown;
  const message = structuredClone(base) as never; // of the same shape
  for await (const state of readUIMessageStream({ stream, message })) last = state;
  return last;
}

const tool = { toolCallId: 'c', toolName: 'read' };
const cases: Record<string, UIMessageChunk[]> = {
  'texts and reasoning, interleaved': [
    { type: 'start', messageId: 'given', messageMetadata: { a: 1 } },
    { type: 'start-step' },
    { type: 'reasoning-start', id: 'r', providerMetadata: { x: { y: 1 } } },
    { type: 'text-start', id: 't' },
    { type: 'reasoning-delta', id: 'r', delta: 'be' },
    { type: 'text-delta', id: 't', delta: 'so ' },
    { type: 'reasoning-delta', id: 'r', delta: 'cause' },
    { type: 'text-delta', id: 't', delta: 'it is', providerMetadata: { x: { y: 2 } } },
    { type: 'reasoning-end', id: 'r' },
    { type: 'text-end', id: 't' },
    { type: 'finish-step' },
    { type: 'message-metadata', messageMetadata: { b: 2 } },
    { type: 'finish', messageMetadata: { c: 3 } },
  ],
  'a tool that answers': [
    { type: 'tool-input-start', ...tool, title: 'Read' },
    { type: 'tool-input-available', ...tool, input: { a: 1 } },
    { type: 'tool-output-available', toolCallId: 'c', output: 'part', preliminary: true },
    { type: 'tool-output-available', toolCallId: 'c', output: { all: true } },
  ],
  'a tool that fails': [
    { type: 'tool-input-available', ...tool, input: {} },
    { type: 'tool-output-error', toolCallId: 'c', errorText: 'no' },
  ],
  'a tool with a wrong input': [{ type: 'tool-input-error', ...tool, input: 'x', errorText: 'no object' }],
  'a dynamic tool of the provider': [
    { type: 'tool-input-available', ...tool, input: 1, dynamic: true, providerExecuted: true },
    { type: 'tool-output-available', toolCallId: 'c', output: 2 },
  ],
  'an approval, given': [
    { type: 'tool-input-available', ...tool, input: {} },
    { type: 'tool-approval-request', toolCallId: 'c', approvalId: 'a', reason: 'risky' },
    { type: 'tool-approval-response', approvalId: 'a', approved: true, reason: 'fine' },
    { type: 'tool-output-available', toolCallId: 'c', output: 1 },
  ],
  'an approval, denied': [
    { type: 'tool-input-available', ...tool, input: {} },
    { type: 'tool-approval-request', toolCallId: 'c', approvalId: 'a', isAutomatic: true, signature: 's' },
    { type: 'tool-output-denied', toolCallId: 'c' },
  ],
  'files, sources, data': [
    { type: 'file', url: 'data:,x', mediaType: 'text/plain' },
    { type: 'reasoning-file', url: 'data:,y', mediaType: 'text/plain' },
    { type: 'source-url', sourceId: 's', url: 'https://example.com', title: 'E' },
    { type: 'source-document', sourceId: 'd', mediaType: 'text/plain', title: 'D' },
    { type: 'custom', kind: 'a.b' },
    { type: 'data-x', id: '1', data: 1 },
    { type: 'data-x', id: '2', data: 2 },
    { type: 'data-x', id: '1', data: 3 },
    { type: 'data-y', data: 4 },
    { type: 'data-z', data: 5, transient: true },
  ],
  'a step that is taken back': [
    { type: 'start-step' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'kept' },
    { type: 'text-end', id: 't' },
    { type: 'start-step' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'gone' },
    { type: 'reset-step' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'said' },
    { type: 'text-end', id: 't' },
  ],
};

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test.each(Object.entries(cases))('%s: the same as the AI SDK makes of them', async (_what, chunks) => {
  expect(asJson(built(chunks))).toEqual(asJson(await published(chunks)));
});

test('a continuation adds to the parts there are, and keeps the id', async () => {
  const base: ChatMessage = { id: 'm', role: 'assistant', parts: [{ type: 'text', text: 'one' }] };
  const chunks: UIMessageChunk[] = [
    { type: 'start', messageId: 'm' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'two' },
    { type: 'text-end', id: 't' },
  ];
  expect(asJson(built(chunks, base))).toEqual(asJson(await published(chunks, base)));
});

test('chunks that make no sense are left out, and one about a call of another message says so', () => {
  const builder = new MessageBuilder(EMPTY);
  expect(builder.apply({ type: 'text-delta', id: 'none', delta: 'x' })).toBe(true);
  expect(builder.apply({ type: 'of-tomorrow' })).toBe(true);
  expect(builder.apply({ type: 'tool-output-available', toolCallId: 'other', output: 1 })).toBe(false);
  expect(builder.isEmpty).toBe(true);
});

test('what is cut off is ended: texts stay, half inputs go, tools of the agent have failed, those of a client wait', () => {
  const builder = new MessageBuilder(EMPTY);
  const chunks: Chunk[] = [
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'so far' },
    { type: 'tool-input-available', toolCallId: '1', toolName: 'ours', input: {} },
    { type: 'tool-input-available', toolCallId: '2', toolName: 'theirs', input: {} },
    { type: 'tool-input-start', toolCallId: '3', toolName: 'ours' },
  ];
  for (const chunk of chunks) builder.apply(chunk);
  builder.interrupt((name) => name === 'theirs');
  expect(builder.message.parts).toMatchObject([
    { type: 'text', text: 'so far', state: 'done' },
    { toolCallId: '1', state: 'output-error', errorText: 'The turn ended before the tool did.' },
    { toolCallId: '2', state: 'input-available' },
  ]);
  expect(builder.message.parts).toHaveLength(3);
});
