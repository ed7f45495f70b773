/** A chat over real sockets: frames, storage, errors. */
import { expect, test } from 'vitest';
import { call } from '../../support/hook-bridge.ts';
import {
  CBOR_CODEC,
  chatBridge,
  ChatClient,
  JSON_CODEC,
  messagesOf,
  user,
} from '../../support/chat-client.ts';
import { notes, textOf } from '../../support/chat-answers.ts';
import { until } from '../../support/until.ts';

for (const [name, codec] of [
  ['JSON', JSON_CODEC],
  ['CBOR', CBOR_CODEC],
] as const) {
  test(`an answer streams to all who are connected, and is stored (${name})`, async () => {
    const bridge = await chatBridge();
    const me = await ChatClient.open(bridge, `bot/${name}`, codec);
    const other = await ChatClient.open(bridge, `bot/${name}`, codec);
    await Promise.all([me, other].map(({ socket }) => socket.frame('cf_agent_identity')));
    const id = await me.answer('say hello world', { mood: 'good' });
    await other.done(id);
    expect(me.responses(id)).toEqual(other.responses(id));
    const messageId = me.chunks(id)[0]?.['messageId'];
    expect(me.responses(id)).toEqual([
      { type: 'cf_agent_use_chat_response', id, body: { type: 'start', messageId }, done: false, seq: 1 },
      { type: 'cf_agent_use_chat_response', id, body: { type: 'text-start', id: 't' }, done: false, seq: 2 },
      {
        type: 'cf_agent_use_chat_response',
        id,
        body: { type: 'text-delta', id: 't', delta: 'hello' },
        done: false,
        seq: 3,
      },
      {
        type: 'cf_agent_use_chat_response',
        id,
        body: { type: 'text-delta', id: 't', delta: 'world' },
        done: false,
        seq: 4,
      },
      { type: 'cf_agent_use_chat_response', id, body: { type: 'text-end', id: 't' }, done: false, seq: 5 },
      { type: 'cf_agent_use_chat_response', id, body: { type: 'finish' }, done: false, seq: 6 },
      { type: 'cf_agent_use_chat_response', id, body: '', done: true, seq: 6 },
    ]);
    // The asking client has both already; the others get the list after the request, and after the answer.
    const list = (await other.socket.frame('cf_agent_chat_messages', 2)).messages;
    expect(list).toEqual(await messagesOf(bridge, `bot/${name}`));
    expect(list).toMatchObject([
      { role: 'user', parts: [{ type: 'text', text: 'say hello world' }] },
      { id: messageId, role: 'assistant', parts: [{ type: 'text', text: 'helloworld', state: 'done' }] },
    ]);
    expect(me.socket.ofType('cf_agent_chat_messages')).toEqual([]);
    expect(notes).toContain(`${name} turn say hello world {"mood":"good"}`);
    const isText = codec === JSON_CODEC;
    expect(
      [...me.socket.received, ...other.socket.received].every(({ isBinary }) => isBinary !== isText),
    ).toBe(true);
  });
}

test('JSON frames are those of the Agents SDK: a chunk is JSON text in the body', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/j');
  const id = await me.answer('say hi');
  const raw = me.socket.received.map(({ data }) => JSON.parse(data.toString()) as Record<string, unknown>);
  const delta = raw.find(({ id: of, body }) => of === id && String(body).includes('text-delta'));
  expect(delta).toEqual({
    body: '{"type":"text-delta","id":"t","delta":"hi"}',
    done: false,
    id,
    seq: 3,
    type: 'cf_agent_use_chat_response',
  });
});

test.each([
  ['model good morning', 'good morning'],
  ['result good morning', 'good morning'],
  ['text plain words', 'plain words'],
  ['string plain words', 'plain words'],
])('%s: every kind of answer becomes a message', async (order, said) => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/kinds');
  const id = await me.answer(order);
  expect(me.text(id)).toBe(said);
  expect(textOf((await messagesOf(bridge, 'bot/kinds'))[1])).toBe(said);
});

test.each([
  ['throws', 'BRG_CHAT_FAILED: The agent could not answer in the chat'],
  ['status', 'BRG_CHAT_FAILED: onChatMessage answered with status 500'],
  ['object', 'BRG_CHAT_FAILED: onChatMessage answered neither a Response nor a stream nor a text'],
  ['broken', 'BRG_CHAT_STREAM: an event of the answer is no JSON'],
  ['overloaded', 'BRG_MODEL_OVERLOADED: the model endpoint is busy'],
  ['model-fails', 'BRG_MODEL_TIMEOUT: the model said nothing for 30 s'],
  ['model-leaks', 'BRG_CHAT_FAILED: The agent could not answer in the chat'],
])('what goes wrong is told with its code, and gives nothing away: %s', async (order, text) => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, `bot/${order}`);
  const id = await me.answer(order);
  const [code] = text.split(':');
  expect(me.responses(id).filter(({ error }) => error)).toMatchObject([{ body: text, code }]);
  await until(() => notes.some((note) => note.startsWith(`${order} error ${code} ${id}`)));
  expect(JSON.stringify(me.socket.frames)).not.toContain('sk-secret');
  expect(me.text(await me.answer('say again'))).toBe('again');
});

test('an answer without words ends the request, in the text of the Agents SDK', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/none');
  expect(await me.done(me.ask('nothing'))).toMatchObject({
    body: 'No response was generated by the agent.',
    done: true,
  });
  expect(await me.done(me.ask('empty'))).toMatchObject({ body: '', done: true });
  expect((await messagesOf(bridge, 'bot/none')).map(({ role }) => role)).toEqual(['user', 'user']);
});

test('messages survive a restart; the newest are kept when there may be only some', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/r');
  await me.answer('say one');
  const before = await messagesOf(bridge, 'bot/r');
  await bridge.stop();
  const again = await chatBridge({ dataDir: bridge.dataDir });
  expect(await messagesOf(again, 'bot/r')).toEqual(before);
  const back = await ChatClient.open(again, 'bot/r');
  await call(back.socket, 'keep', 3);
  await back.answer('say two');
  const kept = await messagesOf(again, 'bot/r');
  expect(kept.map(textOf)).toEqual(['one', 'say two', 'two']);
  const bare = await fetch(`${again.bridge.http.url}/agents/bot/r/get-messages`);
  expect(await bare.json()).toEqual(kept);
});

test.each([
  ['no POST', { method: 'GET', body: '{}' }],
  ['no JSON', { method: 'POST', body: '{' }],
  ['no messages', { method: 'POST', body: '{}' }],
  [
    'a message without an id',
    { method: 'POST', body: JSON.stringify({ messages: [{ role: 'user', parts: [] }] }) },
  ],
  [
    'an unknown role',
    { method: 'POST', body: JSON.stringify({ messages: [{ id: 'x', role: 'root', parts: [] }] }) },
  ],
  [
    'a part without a type',
    { method: 'POST', body: JSON.stringify({ messages: [{ id: 'x', role: 'user', parts: [{}] }] }) },
  ],
])('a request with %s is refused and changes nothing', async (_what, init) => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/bad');
  me.send({ type: 'cf_agent_use_chat_request', id: 'r1', init });
  expect(await me.done('r1')).toMatchObject({ error: true, code: 'BRG_CHAT_REQUEST' });
  expect(await messagesOf(bridge, 'bot/bad')).toEqual([]);
});

test('clearing wipes messages, streams and context, ends the turn, and tells the others', async () => {
  const bridge = await chatBridge();
  const [me, other] = [
    await ChatClient.open(bridge, 'bot/clear'),
    await ChatClient.open(bridge, 'bot/clear'),
  ];
  await me.answer('say hello', { mood: 'good' });
  const hanging = me.ask('hang on');
  await until(() => notes.includes('clear hangs'));
  me.send({ type: 'cf_agent_chat_clear' });
  await other.socket.frame('cf_agent_chat_clear');
  expect(await me.done(hanging)).toMatchObject({ body: '' });
  await until(() => notes.includes('clear aborted'));
  expect(await messagesOf(bridge, 'bot/clear')).toEqual([]);
  for (const table of [
    'agent_messages',
    'request_context',
    'stream_chunks',
    'stream_metadata',
    'originals',
  ]) {
    expect(await call(me.socket, 'rows', `cf_ai_chat_${table}`)).toEqual([]);
  }
  expect(me.socket.ofType('cf_agent_chat_clear')).toEqual([]);
  expect(me.text(await me.answer('say fresh'))).toBe('fresh');
});

test('regeneration answers again; what came after the message is gone', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/regen');
  const question = user('say this');
  await me.answer([question]);
  const [, first] = await messagesOf(bridge, 'bot/regen');
  await me.answer([question], { trigger: 'regenerate-message' });
  const messages = await messagesOf(bridge, 'bot/regen');
  expect(messages).toHaveLength(2);
  expect(messages[1]?.id).not.toBe(first?.id);
});

test('what an author saved in a turn that throws is taken back, and answered by nobody', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/back');
  expect(await call(me.socket, 'save', [user('say kept')])).toEqual(expect.any(String));
  await until(async () => (await messagesOf(bridge, 'bot/back')).length === 2);
  await call(me.socket, 'failing', [user('say lost')]);
  expect((await messagesOf(bridge, 'bot/back')).map(textOf)).toEqual(['say kept', 'kept']);
});
