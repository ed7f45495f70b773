/** What becomes of messages that come while a turn is under way. */
import { expect, test } from 'vitest';
import type { ChatConcurrency } from '../../../src/agent/index.ts';
import { limits } from '../../../src/base/limits.ts';
import { call } from '../../support/hook-bridge.ts';
import { chatBridge, ChatClient, messagesOf, user } from '../../support/chat-client.ts';
import { gate, notes, textOf } from '../../support/chat-answers.ts';
import { until } from '../../support/until.ts';

/** Asks three times while the first answer waits; what was said in the end, by turn. */
async function three(
  name: string,
  policy: ChatConcurrency,
): Promise<{ texts: string[]; turns: string[]; me: ChatClient; ids: string[] }> {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, `bot/${name}`);
  await call(me.socket, 'policy', policy);
  const first = me.ask('gated one two');
  await until(() => me.text(first) === 'one');
  const ids = [first, me.ask('say second'), me.ask('say third')];
  await call(me.socket, 'ping');
  gate(name).resolve();
  for (const id of ids) await me.done(id);
  await until(async () => (await messagesOf(bridge, `bot/${name}`)).at(-1)?.role === 'assistant');
  const texts = (await messagesOf(bridge, `bot/${name}`)).map(textOf);
  const prefix = `${name} turn `;
  const turns = notes
    .filter((note) => note.startsWith(prefix))
    .map((note) => note.slice(prefix.length, -' {}'.length));
  expect(me.responses().filter(({ done }) => done)).toHaveLength(3);
  return { texts, turns, me, ids };
}

test('queue: each gets its turn, in order, and answers only what was written before it', async () => {
  const { texts, turns } = await three('queue', 'queue');
  expect(turns).toEqual(['gated one two', 'say second', 'say third']);
  expect(texts).toEqual(['gated one two', 'onetwo', 'say second', 'second', 'say third', 'third']);
});

test('latest: those in between are kept, and get no turn', async () => {
  const { texts, turns, me, ids } = await three('latest', 'latest');
  expect(turns).toEqual(['gated one two', 'say third']);
  expect(texts).toEqual(['gated one two', 'onetwo', 'say second', 'say third', 'third']);
  expect(me.chunks(ids[1])).toEqual([]);
});

test('merge: those that waited become one message', async () => {
  const { texts, turns } = await three('merge', 'merge');
  expect(turns).toEqual(['gated one two', 'say secondsay third']);
  expect(texts).toEqual(['gated one two', 'onetwo', 'say secondsay third', 'secondsaythird']);
});

test('drop: they are not taken, and the client is told what there is', async () => {
  const { texts, turns, me } = await three('drop', 'drop');
  expect(turns).toEqual(['gated one two']);
  expect(texts).toEqual(['gated one two', 'onetwo']);
  expect(me.socket.ofType('cf_agent_chat_messages')[0]?.messages).toHaveLength(1);
});

test.each<[string, ChatConcurrency]>([
  ['debounce', { strategy: 'debounce', debounceMs: 30 }],
  ['debounce-default', 'debounce'],
])('%s: only the last one, once there was quiet', async (name, policy) => {
  const { texts, turns } = await three(name, policy);
  expect(turns).toEqual(['gated one two', 'say third']);
  expect(texts).toEqual(['gated one two', 'onetwo', 'say second', 'say third', 'third']);
});

test('what the agent itself saves while a turn is under way comes after its answer', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/saved');
  const first = me.ask('gated one two');
  await until(() => me.text(first) === 'one');
  const id = String(await call(me.socket, 'save', [user('say saved')]));
  gate('saved').resolve();
  await me.done(id);
  await until(async () => (await messagesOf(bridge, 'bot/saved')).length === 4);
  const texts = (await messagesOf(bridge, 'bot/saved')).map(textOf);
  expect(texts).toEqual(['gated one two', 'onetwo', 'say saved', 'saved']);
});

test('a waiting request can be cancelled; a request of the same id is refused; so is one too many', async () => {
  const bridge = await chatBridge();
  const me = await ChatClient.open(bridge, 'bot/full');
  const first = me.ask('gated one two');
  await until(() => me.text(first) === 'one');
  const second = me.ask('say second');
  me.ask('say again', {}, second);
  expect(await me.done(second)).toMatchObject({ code: 'BRG_CHAT_REQUEST' });
  me.send({ type: 'cf_agent_chat_request_cancel', id: second });
  await until(() => me.responses(second).length === 2);
  const waiting = Array.from({ length: limits.chatTurnsWaitingMax }, (_, n) => me.ask([user(`say ${n}`)]));
  const surplus = me.ask('say surplus');
  expect(await me.done(surplus)).toMatchObject({ code: 'BRG_BUSY' });
  gate('full').resolve();
  await me.done(waiting.at(-1) ?? '');
  const texts = (await messagesOf(bridge, 'bot/full')).map(textOf);
  expect(texts).not.toContain('say surplus');
  expect(notes.some((note) => note.startsWith('full turn say second'))).toBe(false);
});
