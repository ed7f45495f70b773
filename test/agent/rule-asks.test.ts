/** A rule wakes an agent's model, which may compare the device with others of its model where the policy says so. */
import { expect, test } from 'vitest';
import { approvalsOf, decide, gateBridge, move, pending } from './approvals/gate.ts';
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

test('a rule that fires again does not ask again while people have to decide what came of its question', async () => {
  const bridge = await gateBridge();
  const gate = await bridge.mqtt();
  const position = (value: number): Promise<unknown> =>
    gate.publishAsync('devices/gate/g1/telemetry', JSON.stringify({ position: value }), { qos: 1 });
  await position(10);
  const ask = (text: string, value: number): ReturnType<TestBridge['fetch']> => {
    const rule = { when: { metric: 'position', op: '>', value }, do: { kind: 'ask', text } };
    return bridge.fetch('/api/agents/gate/g1/rules', { body: { rule } });
  };
  await ask(move(90), 50);
  await position(60);
  const approval = await pending(bridge);
  const texts = async (): Promise<string[]> => {
    const { items } = (await bridge.agent('gate/g1/alerts')) as { items: { text: string }[] };
    return items.map(({ text }) => text);
  };
  await position(10);
  await position(60);
  await until(async () =>
    (await texts()).some((text) => text.includes('not asked: people have not decided')),
  );
  expect(await approvalsOf(bridge)).toHaveLength(1);
  // Another rule's question is another matter.
  await ask(move(80), 70);
  await position(75);
  await until(async () => (await approvalsOf(bridge)).length === 2);
  await decide(bridge, approval, 'Anna', false);
  await until(async () => (await approvalsOf(bridge, 'gate/g1', 'pending')).length === 1);
  await until(async () => {
    await position(10);
    await position(60); // not heard while the chat still tells of the denial
    return (await approvalsOf(bridge, 'gate/g1', 'pending')).length === 2;
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
