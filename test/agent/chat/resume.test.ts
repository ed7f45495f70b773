/** Clients that come back: nothing twice, nothing lost, whatever ended in between. */
import type { UIMessage } from 'ai';
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
import { gate, notes, textOf } from '../../support/chat-answers.ts';
import { until } from '../../support/until.ts';

const seqs = (client: ChatClient, id: string): (number | undefined)[] =>
  client.responses(id).flatMap(({ done, seq }) => (done ? [] : [seq]));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

test('as in the Agents SDK: offered, acknowledged, everything again with replay, then live; two acknowledgements are one', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/sdk');
  const id = me.ask('gated one two');
  await until(() => me.text(id) === 'one');
  const back = await ChatClient.open(bridge, 'bot/sdk');
  expect(await back.socket.frame('cf_agent_stream_resuming')).toEqual({
    type: 'cf_agent_stream_resuming',
    id,
  });
  back.send({ type: 'cf_agent_stream_resume_request' });
  await back.socket.frame('cf_agent_stream_resuming', 2);
  expect(back.responses()).toEqual([]);
  back.send({ type: 'cf_agent_stream_resume_ack', id: 'another' });
  back.send({ type: 'cf_agent_stream_resume_ack', id });
  back.send({ type: 'cf_agent_stream_resume_ack', id });
  await until(() => back.text(id) === 'one');
  gate('sdk').resolve();
  await back.done(id);
  expect(back.text(id)).toBe('onetwo');
  expect(back.chunks(id)).toEqual(me.chunks(id));
  expect(back.responses(id).map(({ replay }) => replay === true)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test.each([
  ['JSON', JSON_CODEC],
  ['CBOR', CBOR_CODEC],
])('with a cursor a client gets what it has not seen, once, whenever it left (%s)', async (_name, codec) => {
  const bridge = await chatBridge();
  const name = `cursor${codec.length}`;
  const keeper = await ChatClient.open(bridge, `bot/${name}`, codec);
  const id = keeper.ask('count');
  const seen: number[] = [];
  let text = '';
  for (let n = 0; n < 6; n++) {
    const client = await ChatClient.open(bridge, `bot/${name}`, codec);
    await client.socket.frame('cf_agent_stream_resuming');
    client.send({ type: 'cf_agent_stream_resume_request', id, seq: seen.at(-1) ?? 0 });
    await until(() => seqs(client, id).length > 5);
    if (n === 5) {
      keeper.send({ type: 'cf_agent_chat_request_cancel', id });
      await client.done(id);
    }
    client.socket.socket.terminate();
    seen.push(...seqs(client, id).map(Number));
    text += client.text(id);
  }
  await keeper.done(id);
  expect(seen).toEqual(upTo(seen.length));
  expect(text).toBe(keeper.text(id));
  expect(text).toBe(textOf((await messagesOf(bridge, `bot/${name}`))[1]));
});

test('a client that was away for the end gets the rest and the end; an unknown stream is none', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/late');
  const id = await me.answer('say a b c');
  const back = await ChatClient.open(bridge, 'bot/late');
  back.send({ type: 'cf_agent_stream_resume_request', id, seq: 4 });
  expect(await back.done(id)).toMatchObject({ replay: true, seq: 7 });
  expect(seqs(back, id)).toEqual([5, 6, 7]);
  back.send({ type: 'cf_agent_stream_resume_request', id: 'unknown', seq: 0 });
  await back.socket.frame('cf_agent_stream_resume_none');
  back.send({ type: 'cf_agent_stream_resume_request' });
  await back.socket.frame('cf_agent_stream_resume_none', 2);
  expect(seqs(back, id)).toHaveLength(3);
});

test('who was offered an answer and acknowledges after its end gets all of it', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/slow');
  const id = me.ask('gated one two');
  await until(() => me.text(id) === 'one');
  const back = await ChatClient.open(bridge, 'bot/slow');
  await back.socket.frame('cf_agent_stream_resuming');
  gate('slow').resolve();
  await me.done(id);
  expect(back.responses(id)).toEqual([]);
  back.send({ type: 'cf_agent_stream_resume_ack', id });
  await back.done(id);
  expect(back.chunks(id)).toEqual(me.chunks(id));
});

test('chunks are stored in few rows', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/rows');
  const id = await me.answer('pieces 500 200');
  const rows = (await call(me.socket, 'rows', 'cf_ai_chat_stream_chunks')) as { body: string }[];
  expect(rows.length).toBeLessThan(10);
  expect(
    rows
      .map(({ body }) => body)
      .join('\n')
      .split('\n')
      .map((json) => JSON.parse(json) as unknown),
  ).toEqual(me.chunks(id));
});

test('the bridge stops in the middle of an answer: what clients saw is there, the turn is told as interrupted', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/cut');
  const [id, waiting] = [me.ask('count'), me.ask('say later')];
  await until(() => me.text(id).includes('9 '));
  await bridge.stop();
  const seen = seqs(me, id);
  expect(seen).toEqual(upTo(seen.length));
  notes.length = 0;
  const again = await chatBridge({ dataDir: bridge.dataDir });
  const back = await ChatClient.open(again, 'bot/cut');
  back.send({ type: 'cf_agent_stream_resume_request', id, seq: seen.length });
  expect(await back.done(id)).toMatchObject({ error: true, code: 'BRG_CHAT_INTERRUPTED', replay: true });
  const text = me.text(id) + back.text(id);
  const messages = await messagesOf(again, 'bot/cut');
  expect(messages.map(textOf)).toEqual(['count', text, 'say later']);
  expect(messages[1]?.parts).toMatchObject([{ type: 'text', state: 'done' }]);
  await until(() => notes.length === 2);
  expect(notes).toEqual([
    `cut error BRG_CHAT_INTERRUPTED ${id} ${text}`,
    `cut error BRG_CHAT_INTERRUPTED ${waiting} `,
  ]);
  expect(back.text(await back.answer('say on'))).toBe('on');
});

test('an interrupted turn can be continued: the assistant adds to what it had said', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/on');
  await me.answer('say one');
  const id = String(await call(me.socket, 'goOn'));
  await me.done(id);
  expect(me.responses(id).every(({ continuation }) => continuation === true)).toBe(true);
  const messages = await messagesOf(bridge, 'bot/on');
  expect(messages).toHaveLength(2);
  expect(textOf(messages[1])).toBe('oneone');
  expect(me.chunks(id)[0]).toMatchObject({ type: 'start', messageId: messages[1]?.id });
  await me.answer([user('nothing')]);
  expect(await call(me.socket, 'goOn')).toContain('nothing to continue');
});

test('the thread of the agents dies in the middle: open connections hear of it, and miss nothing', async () => {
  const bridge = await chatBridge({ shards: 1 });
  const me = await ChatClient.open(bridge, 'bot/crash');
  const id = me.ask('count');
  await until(() => me.text(id).includes('9 '));
  me.send({ type: 'rpc', id: 'c', method: 'crash', args: [] });
  expect(await me.done(id)).toMatchObject({ error: true, code: 'BRG_CHAT_INTERRUPTED' });
  const { messages } = await me.socket.frame('cf_agent_chat_messages');
  const seen = me.text(id);
  const kept = textOf((messages as UIMessage[])[1]);
  // What was stored with the last commit may not have been sent any more.
  expect(kept.startsWith(seen)).toBe(true);
  me.send({ type: 'cf_agent_stream_resume_request', id, seq: seqs(me, id).length });
  await until(() => me.text(id) === kept);
  expect(me.socket.closed).toBeNull();
});
