/** A rule wakes an agent's model, which may compare the device with others of its model where the policy says so. */
import { expect, test } from 'vitest';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

async function publish(bridge: TestBridge, pump: string, vibration: number): Promise<void> {
  const client = await bridge.mqtt();
  await client.publishAsync(`devices/pump/${pump}/telemetry`, JSON.stringify({ vibration }), { qos: 1 });
}

test('a rule that asks puts its question into the chat, and the model answers without anybody there', async () => {
  const bridge = await startBridge();
  await publish(bridge, 'p1', 2);
  const rule = {
    when: { metric: 'vibration', op: '>', value: 12 },
    do: { kind: 'ask', text: 'how is the vibration?' },
  };
  const added = await bridge.fetch('/api/agents/pump/p1/rules', { body: { rule } });
  expect(added).toMatchObject({
    status: 201,
    body: { description: 'when vibration is above 12 mm/s: ask "how is the vibration?"' },
  });
  await publish(bridge, 'p1', 15);
  type Message = { role: string; metadata?: unknown; parts: { type: string; text?: string }[] };
  let messages: Message[] = [];
  await until(async () => {
    messages = (await bridge.agent('pump/p1/messages'))['messages'] as Message[]; // the route's schema
    return messages[1]?.parts.some(({ text }) => text !== undefined && text !== '') === true;
  }, 'the answer');
  const question = messages[0];
  expect(question).toMatchObject({ role: 'user', metadata: { by: `rule:${String(added.body['id'])}` } });
  expect(question?.parts[0]?.text).toContain('how is the vibration?\n(vibration is 15 now');
  expect(await bridge.agent('pump/p1/alerts')).toMatchObject({
    items: [{ kind: 'notify', text: 'asked: how is the vibration?' }],
  });
  expect((await bridge.fetch('/api/audit?agent=pump/p1&kind=rule')).body).toMatchObject({
    items: [
      {
        event: 'asked',
        by: `rule:${String(added.body['id'])}`,
        detail: { explanation: 'how is the vibration? (vibration was 15)' },
      },
      { event: 'added' },
    ],
  });
});

test('tools of a pump read the other pumps; those of a model whose policy does not say so do not', async () => {
  const bridge = await startBridge();
  for (const [pump, vibration] of [
    ['p1', 2],
    ['p2', 9],
  ] as const)
    await publish(bridge, pump, vibration);
  const run = (name: string, input: object): ReturnType<TestBridge['fetch']> =>
    bridge.fetch(`/api/agents/pump/p1/tools/${name}`, { body: input });
  expect((await run('list_peers', {})).body).toMatchObject({
    value: { devices: [{ id: 'p2', values: { vibration: 9 } }] },
  });
  const past = { id: 'p2', metric: 'vibration', minutes: 5 };
  expect((await run('read_peer_history', past)).body).toMatchObject({
    value: { metric: 'vibration', points: [{ max: 9, count: 1 }] },
  });
  expect(await run('read_peer_history', { ...past, id: 'p3' })).toMatchObject({
    body: { code: 'BRG_UNKNOWN_AGENT' },
  });
  expect(await bridge.fetch('/api/agents/pump/p3')).toMatchObject({ status: 404 });
  const client = await bridge.mqtt();
  await client.publishAsync('devices/thermostat/t1/telemetry', '{"temperature":20}', { qos: 1 });
  const { tools } = (await bridge.agent('thermostat/t1/tools')) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).not.toContain('list_peers');
});
