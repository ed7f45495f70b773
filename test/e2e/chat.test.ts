/** What a chunk of an answer promises to who has seen it, proven by killing the process. */
import { fileURLToPath } from 'node:url';
import type { UIMessage } from 'ai';
import { expect, it } from 'vitest';
import { ChatClient } from '../support/chat-client.ts';
import { textOf } from '../support/chat-answers.ts';
import { FrameSocket } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';

const devices = fileURLToPath(new URL('../support/chat-devices.ts', import.meta.url));

async function client(bridge: BridgeProcess): Promise<ChatClient> {
  const url = `${bridge.httpUrl.replace('http', 'ws')}/agents/bot/killed`;
  return new ChatClient(await FrameSocket.open(url, []));
}

it('has every chunk that a client saw before kill -9, and goes on from the last one the client names', async () => {
  const dataDir = await testDataDir();
  const first = await startBridge(dataDir, ['--devices', devices]);
  const me = await client(first);
  const id = me.ask('count');
  await until(() => me.text(id).includes('30 '));
  await first.end('SIGKILL');
  await me.socket.closing();
  const seen = me.text(id);
  const last = me.responses(id).at(-1)?.seq ?? 0;

  const second = await startBridge(dataDir, ['--devices', devices]);
  const back = await client(second);
  back.send({ type: 'cf_agent_stream_resume_request', id, seq: last });
  expect(await back.done(id)).toMatchObject({ error: true, code: 'BRG_CHAT_INTERRUPTED' });
  const { messages } = (await second.get('/api/agents/bot/killed/messages')) as { messages: UIMessage[] };
  expect(messages.map(textOf)).toEqual(['count', seen + back.text(id)]);
  expect(back.text(await back.answer('say alive'))).toBe('alive');
}, 60_000);
