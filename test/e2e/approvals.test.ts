/** An approval outlives the process, proven by killing it between the question and the decision, and after the decision. */
import { expect, it } from 'vitest';
import { device, devices, hasHeard, move, type Item } from '../agent/approvals/gate.ts';
import { ChatClient } from '../support/chat-client.ts';
import { FrameSocket } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';

const APPROVALS = '/api/agents/gate/g1/approvals';

async function approvals(bridge: BridgeProcess): Promise<Item[]> {
  return ((await bridge.get(APPROVALS)) as { items: Item[] }).items; // the route's schema
}

async function parts(bridge: BridgeProcess): Promise<Item[]> {
  const { messages } = (await bridge.get('/api/agents/gate/g1/messages')) as {
    messages: { parts: Item[] }[];
  }; // as above
  return messages.at(-1)?.parts ?? [];
}

it('is decided after kill -9, runs once through another kill -9, and the chat goes on with its outcome', async () => {
  const dataDir = await testDataDir();
  const first = await startBridge(dataDir, ['--devices', devices]);
  const me = new ChatClient(
    await FrameSocket.open(`${first.httpUrl.replace('http', 'ws')}/agents/gate/g1`, []),
  );
  await me.answer(move(60));
  const [asked] = await approvals(first);
  expect(asked).toMatchObject({ status: 'pending', arguments: { command: 'move', value: 60 } });
  await first.end('SIGKILL');

  const second = await startBridge(dataDir, ['--devices', devices]);
  const [waiting] = await approvals(second);
  expect(waiting).toEqual(asked);
  const client = await second.mqtt();
  // It hears the command, and says nothing: the bridge is waiting when it is killed.
  const heard = await device(client, 'gate/g1', true);
  const answer = await fetch(`${second.httpUrl}${APPROVALS}/${String(asked?.['id'])}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ approved: true, by: 'Anna' }),
  });
  expect(answer.status).toBe(200);
  await until(() => heard.length === 1);
  await second.end('SIGKILL');

  const third = await startBridge(dataDir, ['--devices', devices]);
  await until(async () => hasHeard(await parts(third)));
  expect(await approvals(third)).toMatchObject([
    { status: 'approved', votes: [{ by: 'Anna' }], outcome: { outcome: 'sent, not confirmed' } },
  ]);
  expect(String((await parts(third)).at(-1)?.['text'])).toContain('what came of it is not known');
  const { items } = (await third.get('/api/agents/gate/g1/commands')) as { items: Item[] };
  expect(items).toMatchObject([{ name: 'move', args: 60 }]);
  await third.end('SIGTERM');
}, 60_000);
