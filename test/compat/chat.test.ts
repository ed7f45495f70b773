/** A chat through the client that `agents@0.5.0` publishes: what `useAgentChat` sends and expects on its socket. */
import { readUIMessageStream, type UIMessageChunk } from 'ai';
import { expect, test } from 'vitest';
import { FRAMES } from '../../src/wire/frames.ts';
import { chatBridge, messagesOf, user } from '../support/chat-client.ts';
import { until } from '../support/until.ts';
import { publishedClient } from './published-client.ts';

/** What `useAgentChat` sends, and what it listens for. */
const SENT = [
  'cf_agent_use_chat_request',
  'cf_agent_chat_messages',
  'cf_agent_chat_clear',
  'cf_agent_chat_request_cancel',
  'cf_agent_stream_resume_request',
  'cf_agent_stream_resume_ack',
  'cf_agent_tool_result',
  'cf_agent_tool_approval',
];
const HEARD = [
  'cf_agent_chat_messages',
  'cf_agent_use_chat_response',
  'cf_agent_chat_clear',
  'cf_agent_stream_resuming',
  'cf_agent_message_updated',
];

test('the frame table has every frame of useAgentChat, in the direction it needs', () => {
  const going = (direction: 'in' | 'out'): string[] =>
    FRAMES.filter((row) => row.direction === direction || row.direction === 'both').map(({ type }) => type);
  expect(SENT.filter((type) => !going('in').includes(type as never))).toEqual([]);
  expect(HEARD.filter((type) => !going('out').includes(type as never))).toEqual([]);
});

test('a turn through the published client becomes, by the AI SDK, the message that is stored', async () => {
  const bridge = await chatBridge();
  const client = await publishedClient(bridge.bridge, { agent: 'bot', name: 'published' });
  const heard: Record<string, unknown>[] = [];
  client.addEventListener('message', ({ data }) => {
    heard.push(JSON.parse(String(data)) as Record<string, unknown>); // every frame of a JSON connection is an object
  });
  await client.ready;
  const body = JSON.stringify({ messages: [user('model good morning to you')], clientTools: [] });
  const init = { method: 'POST', body };
  client.send(JSON.stringify({ type: 'cf_agent_use_chat_request', id: 'r1', init }));
  const responses = (): Record<string, unknown>[] =>
    heard.filter(({ type }) => type === 'cf_agent_use_chat_response');
  await until(() => responses().some(({ done }) => done === true));
  for (const frame of responses()) {
    expect(frame).toMatchObject({
      id: 'r1',
      body: expect.any(String) as string,
      done: expect.any(Boolean) as boolean,
    });
  }
  // As its transport does: each body is a chunk, the last frame has none.
  const chunks = responses().flatMap(({ body: text }) =>
    text === '' ? [] : [JSON.parse(String(text)) as UIMessageChunk],
  );
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: unknown;
  for await (const message of readUIMessageStream({ stream })) last = message;
  const [, stored] = await messagesOf(bridge, 'bot/published');
  expect(stored).toMatchObject({
    role: 'assistant',
    parts: [{ type: 'step-start' }, { text: 'good morning to you' }],
  });
  expect(JSON.parse(JSON.stringify(last))).toEqual(stored);
});
