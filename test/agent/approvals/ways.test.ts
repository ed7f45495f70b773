/** Ways to decide besides the API: a button on the device; and calls that somebody else than a chat asks for. */
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { temporaryDir } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';
import { approvalsOf, decide, device, gateBridge, hasHeard, lastParts, move, pending, say } from './gate.ts';

let presses = 0;

/** A call of the device, and its reply. */
async function press(client: MqttClient, method: string, args: unknown, agent = 'gate/g1'): Promise<unknown> {
  const cid = `c${++presses}`;
  const topic = `devices/${agent}/reply/${cid}`;
  await client.subscribeAsync(topic, { qos: 1 });
  const reply = Promise.withResolvers<unknown>();
  const listener = (at: string, payload: Buffer): void => {
    if (at === topic) reply.resolve(JSON.parse(payload.toString()));
  };
  client.on('message', listener);
  await client.publishAsync(`devices/${agent}/call/${method}/${cid}`, JSON.stringify(args), { qos: 1 });
  return reply.promise.finally(() => client.off('message', listener));
}

test('a button on the device approves the only one that waits, or the one it names; the command runs', async () => {
  const bridge = await gateBridge();
  const client = await bridge.mqtt();
  const heard = await device(client);
  expect(await press(client, 'approve', [])).toEqual({
    ok: false,
    error: 'BRG_UNKNOWN_APPROVAL: nothing waits for an approval',
  });
  await say(bridge, move(60));
  const id = await pending(bridge);
  expect(await press(client, 'approve', [])).toEqual({ ok: true, value: { id, status: 'approved' } });
  await lastParts(bridge, hasHeard);
  expect(heard).toEqual(['move 60']);
  expect(await approvalsOf(bridge)).toMatchObject([{ votes: [{ by: 'device', via: 'device' }] }]);
  for (const value of [70, 80])
    await bridge.fetch('/api/agents/gate/g1/tools/send_command', { body: { command: 'move', value } });
  expect(await press(client, 'approve', [])).toMatchObject({
    ok: false,
    error: expect.stringContaining('2 approvals wait') as string,
  });
  expect(await press(client, 'deny', [await pending(bridge)])).toMatchObject({ value: { status: 'denied' } });
  expect(await press(client, 'approve', [id])).toMatchObject({
    error: expect.stringContaining('BRG_APPROVAL_DECIDED') as string,
  });
  expect(await press(client, 'approve', [7])).toMatchObject({
    error: expect.stringContaining('BRG_CALL_ARGUMENTS') as string,
  });
  expect(heard).toEqual(['move 60']);
});

test('a device whose policy says nothing of buttons approves nothing', async () => {
  const bridge = await gateBridge();
  const client = await bridge.mqtt();
  const heard = await device(client, 'own-gate/o1');
  await bridge.fetch('/api/agents/own-gate/o1/tools/send_command', { body: { command: 'move', value: 60 } });
  const id = await pending(bridge, 'own-gate/o1');
  expect(await press(client, 'approve', [id], 'own-gate/o1')).toMatchObject({ ok: false });
  expect(await approvalsOf(bridge, 'own-gate/o1')).toMatchObject([{ status: 'pending', votes: [] }]);
  expect(heard).toEqual([]);
});

test('a tool asked for from elsewhere asks people at once, and runs by itself when they approve, also after a restart', async () => {
  const dataDir = temporaryDir();
  const first = await gateBridge(dataDir);
  await device(await first.mqtt());
  const tool = { body: { command: 'move', value: 60 } };
  const { body } = await first.fetch('/api/agents/gate/g1/tools/send_command', tool);
  expect(body).toMatchObject({ value: { outcome: 'needs-approval', approval: { tool: 'send_command' } } });
  await first.stop();
  const second = await gateBridge(dataDir);
  const heard = await device(await second.mqtt());
  await decide(second, await pending(second), 'Anna');
  await until(async () => (await approvalsOf(second))[0]?.['outcome']);
  expect(await approvalsOf(second)).toMatchObject([
    { status: 'approved', origin: { kind: 'tool' }, runBy: 'bridge', outcome: { outcome: 'done' } },
  ]);
  expect(heard).toEqual(['move 60']);
});

test('an approval stands for allow and nothing else: what the policy refuses by then is not done', async () => {
  const bridge = await gateBridge();
  const heard = await device(await bridge.mqtt());
  const tool = { body: { command: 'rinse' } };
  await bridge.fetch('/api/agents/gate/g1/tools/send_command', tool);
  await bridge.fetch('/api/agents/gate/g1/tools/send_command', tool);
  for (const { id } of await approvalsOf(bridge)) await decide(bridge, String(id), 'Anna');
  await until(async () => (await approvalsOf(bridge)).every(({ outcome }) => outcome !== null));
  expect(
    (await approvalsOf(bridge)).map(({ outcome }) => (outcome as { outcome: string }).outcome).sort(),
  ).toEqual(['refused', 'sent, not confirmed']);
  expect(heard).toEqual(['rinse null']);
});
