/** Who hears of a chat, and who may speak in it; and telemetry, which waits for none of it. */
import { expect, test } from 'vitest';
import { FRAMES } from '../../../src/wire/frames.ts';
import type { InboundFrame } from '../../../src/wire/index.ts';
import { CBOR_CODEC, chatBridge, ChatClient, messagesOf, user } from '../../support/chat-client.ts';
import { gate, notes, textOf } from '../../support/chat-answers.ts';
import { until } from '../../support/until.ts';

test('a suppressed connection gets not a byte of a whole chat turn; a binary one gets it as CBOR', async () => {
  const bridge = await chatBridge();
  const silent = await ChatClient.open(bridge, 'bot/hush?quiet');
  const binary = await ChatClient.open(bridge, 'bot/hush?quiet', CBOR_CODEC);
  const spared = await ChatClient.open(bridge, 'bot/hush?nochat');
  const me = await ChatClient.open(bridge, 'bot/hush');
  await Promise.all([me, binary].map(({ socket }) => socket.frame('cf_agent_identity')));
  for (const order of ['pieces 50 1000', 'throws', 'locate', 'nothing', 'hang']) {
    const id = me.ask(order);
    if (order === 'hang') {
      await until(() => notes.includes('hush hangs'));
      me.send({ type: 'cf_agent_chat_request_cancel', id });
    }
    await me.done(id);
    await binary.done(id);
  }
  me.send({ type: 'cf_agent_tool_result', toolCallId: 'c1', toolName: 'where', output: 'x' });
  await me.socket.frame('cf_agent_message_updated');
  me.send({ type: 'cf_agent_chat_clear' });
  await binary.socket.frame('cf_agent_chat_clear');
  expect(binary.socket.received.every(({ isBinary }) => isBinary)).toBe(true);
  expect(binary.text()).toContain('ü49');
  expect(silent.socket.received).toEqual([]);
  expect(spared.socket.frames.filter(({ type }) => type !== 'cf_agent_state')).toEqual([]);
});

test('a suppressed connection that comes in the middle of an answer is not offered it', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/middle');
  const id = me.ask('gated one two');
  await until(() => me.text(id) === 'one');
  const silent = await ChatClient.open(bridge, 'bot/middle?quiet');
  const spared = await ChatClient.open(bridge, 'bot/middle?nochat');
  const offered = await ChatClient.open(bridge, 'bot/middle');
  await offered.socket.frame('cf_agent_stream_resuming');
  for (const client of [silent, spared]) client.send({ type: 'cf_agent_stream_resume_request' });
  await until(async () => (await bridge.agent('bot/middle'))['connections'] === 4);
  gate('middle').resolve();
  await me.done(id);
  expect(silent.socket.received).toEqual([]);
  expect(spared.socket.frames).toEqual([]);
});

test('a readonly connection cannot ask, add, clear, cancel, answer or approve, and hears what is said', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/ro');
  await me.answer('stop');
  const before = await messagesOf(bridge, 'bot/ro');
  const readonly = await ChatClient.open(bridge, 'bot/ro?readonly');
  await readonly.socket.frame('cf_agent_identity');
  const asked = readonly.ask('say hello');
  expect(await readonly.done(asked)).toMatchObject({ error: true });
  const forbidden: InboundFrame[] = [
    { type: 'cf_agent_chat_messages', messages: [user('mine')] },
    { type: 'cf_agent_chat_clear' },
    { type: 'cf_agent_chat_request_cancel', id: 'x' },
    { type: 'cf_agent_tool_result', toolCallId: 'a1', toolName: 'stop', output: 1 },
    { type: 'cf_agent_tool_approval', toolCallId: 'a1', approved: true, autoContinue: true },
  ];
  for (const frame of forbidden) readonly.send(frame);
  await readonly.socket.frame('mooring_error', forbidden.length);
  expect(readonly.socket.ofType('mooring_error').map(({ code }) => code)).toEqual(
    forbidden.map(() => 'BRG_FORBIDDEN'),
  );
  expect(await messagesOf(bridge, 'bot/ro')).toEqual(before);
  expect(notes.filter((note) => note.startsWith('ro turn'))).toHaveLength(1);
  const id = await me.answer('say still here');
  await readonly.done(id);
  expect(readonly.text(id)).toBe('stillhere');
});

test('telemetry, calls and state go on while a model hangs; the agent does not sleep meanwhile', async () => {
  const bridge = await chatBridge({}, { shard: { idleTimeoutMs: 50 } });
  const me = await ChatClient.open(bridge, 'talker/t');
  const id = me.ask('hang');
  await until(() => notes.includes('t hangs'));
  const device = await bridge.mqtt();
  for (let x = 1; x <= 20; x++) {
    await device.publishAsync('devices/talker/t/telemetry', JSON.stringify({ x }), { qos: 1 });
  }
  await bridge.describedAs('talker/t', ({ state }) => JSON.stringify(state) === '{"x":20}');
  const { body } = await bridge.fetch('/api/agents/talker/t/call/ping', { body: { args: [] } });
  expect(body).toEqual({ value: 'pong' });
  const held = await bridge.fetch('/api/agents/talker/t/hibernate', { method: 'POST' });
  expect(held.body).toMatchObject({ hibernated: false, reason: 'a turn is under way' });
  me.send({ type: 'cf_agent_chat_request_cancel', id });
  await me.done(id);
  await until(() => notes.includes('t aborted'));
  expect(me.text(await me.answer('say awake'))).toBe('awake');
  const sleep = () => bridge.fetch('/api/agents/talker/t/hibernate', { method: 'POST' });
  await until(async () => (await sleep()).body['hibernated']);
  expect((await messagesOf(bridge, 'talker/t')).map(textOf)).toEqual(['hang', 'say awake', 'awake']);
});

test('an answer that is cancelled keeps what it had said', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/cancel');
  const id = me.ask('count');
  await until(() => me.text(id).includes('5 '));
  me.send({ type: 'cf_agent_chat_request_cancel', id });
  expect((await me.done(id)).error).toBeUndefined();
  const said = me.text(id);
  expect((await messagesOf(bridge, 'bot/cancel'))[1]).toMatchObject({
    role: 'assistant',
    parts: [{ type: 'text', text: said, state: 'done' }],
  });
});

test('an answer that comes after its turn was cancelled is let go, and nobody waits for it', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/deaf');
  const id = me.ask('deaf');
  await until(() => notes.includes('deaf asked'));
  me.send({ type: 'cf_agent_chat_request_cancel', id });
  await me.done(id);
  expect(me.text(await me.answer('say on'))).toBe('on');
  gate('deaf').resolve();
  await until(() => notes.includes('deaf released'));
});

test('an answer for which the database has no room ends with its code; the agent goes on, and clearing makes room', async () => {
  const bridge = await chatBridge({ agentBytesMax: 1024 * 1024 });
  const me = await ChatClient.open(bridge, 'bot/small');
  const id = await me.answer('pieces 60000 4000');
  expect(me.responses(id).filter(({ error }) => error)).toMatchObject([
    { code: 'BRG_AGENT_FULL', done: true },
  ]);
  me.send({ type: 'cf_agent_chat_clear' });
  expect(me.text(await me.answer('say room'))).toBe('room');
  expect((await messagesOf(bridge, 'bot/small')).map(textOf)).toEqual(['say room', 'room']);
});

test('agents that do not chat say so; each chat frame type of a client is for the chat', async () => {
  const bridge = await chatBridge();
  await (await bridge.socket('mute/m1')).frame('cf_agent_identity');
  expect(await bridge.fetch('/api/agents/mute/m1/messages')).toMatchObject({
    status: 404,
    body: { code: 'BRG_NOT_FOUND' },
  });
  const me = await ChatClient.open(bridge, 'bot/types');
  await me.socket.frame('cf_agent_identity');
  const types = FRAMES.filter((row) => row.class === 'chat' && row.direction !== 'out').map(
    ({ type }) => type,
  );
  expect(types).toHaveLength(8);
  for (const type of types) {
    // Every field there may be: what a type does not know is ignored.
    const fields = { id: 'i', init: {}, messages: [], toolCallId: 'c', toolName: 't', approved: true };
    me.socket.send({ type, ...fields });
  }
  await me.socket.frame('cf_agent_stream_resume_none');
  expect(me.socket.ofType('mooring_error')).toEqual([]);
  expect(await me.done('i')).toMatchObject({ code: 'BRG_CHAT_REQUEST' });
});
