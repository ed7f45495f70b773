/** Questions over HTTP: every device answers, and says how it ended. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBridge, type TestBridge } from '../../support/bridge.ts';
import { startModelServer, type ModelServer } from '../../support/model-server.ts';
import { until } from '../../support/until.ts';

const ask = (bridge: TestBridge, agent: string, text: string, query = '') =>
  bridge.fetch(`/api/agents/${agent}/ask${query}`, { body: { text } });

async function withDevices(settings: Parameters<typeof startBridge>[0] = {}): Promise<TestBridge> {
  const bridge = await startBridge(settings);
  const device = await bridge.mqtt();
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":21.5}', { qos: 1 });
  await device.publishAsync('devices/pump/p1/telemetry', '{"vibration":2.5}', { qos: 1 });
  return bridge;
}

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer(() => ({ text: ['It is ', 'warm.'] }));
});
afterAll(() => server[Symbol.asyncDispose]());

test('devices whose definition names no class are asked, and so is the pump; the chat has it all', async () => {
  const bridge = await withDevices();
  const answer = await ask(bridge, 'greenhouse/g7', 'what is the temperature?');
  expect(answer).toMatchObject({ status: 200, body: { finish: 'done' } });
  expect(answer.body['text']).toContain('21.5');
  expect((await ask(bridge, 'pump/p1', 'what is the vibration?')).body['text']).toContain('2.5');
  const { messages } = (await bridge.agent('greenhouse/g7/messages')) as {
    messages: { id: string; role: string; metadata?: unknown }[];
  };
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  expect(messages[0]?.metadata).toEqual({ by: 'api' });
  expect(messages[1]?.id).toBe(answer.body['messageId']);
});

test('a tool that fails says so in the answer by its code', async () => {
  const bridge = await withDevices();
  const { text } = (await ask(bridge, 'greenhouse/g7', 'call remove_rule id=nope')).body;
  expect(text).toContain('remove_rule failed: BRG_UNKNOWN_RULE: no rule "nope"');
});

test('who is not there, and what is no question, is refused; nothing comes into being', async () => {
  const bridge = await withDevices();
  expect(await ask(bridge, 'greenhouse/nobody', 'hello')).toMatchObject({
    status: 404,
    body: { code: 'BRG_UNKNOWN_AGENT' },
  });
  expect(await ask(bridge, 'greenhouse/g7', '  ')).toMatchObject({
    status: 400,
    body: { code: 'BRG_BAD_REQUEST' },
  });
  expect((await bridge.agent('greenhouse/g7/messages'))['messages']).toEqual([]);
});

test('a model’s words come as a whole, and its failure by its code', async () => {
  const bridge = await withDevices({ model: `openai-compatible:${server.url}#any` });
  server.script = () => ({ text: ['It is ', 'warm.'] });
  expect((await ask(bridge, 'greenhouse/g7', 'how warm?')).body).toMatchObject({
    text: 'It is warm.',
    finish: 'done',
  });
  server.script = (_request, response) => void response.writeHead(401).end('{}');
  expect((await ask(bridge, 'greenhouse/g7', 'how warm?')).body).toMatchObject({
    finish: 'failed',
    code: 'BRG_MODEL_REFUSED',
  });
});

test('who does not wait long enough is told so, with what was said; the answer goes on in the chat', async () => {
  const bridge = await withDevices({ model: `openai-compatible:${server.url}#any` });
  const gate = Promise.withResolvers<void>();
  server.script = () => ({
    text: ['It is ', 'warm.'],
    gate: (piece) => (piece === 1 ? gate.promise : undefined),
  });
  const late = await ask(bridge, 'greenhouse/g7', 'how warm?', '?wait=400ms');
  expect(late.body).toMatchObject({ finish: 'failed', code: 'BRG_TIMEOUT' });
  gate.resolve();
  await until(async () => {
    const { messages } = (await bridge.agent('greenhouse/g7/messages')) as { messages: { id: string }[] };
    return JSON.stringify(messages.at(-1)).includes('It is warm.');
  }, 'the answer to be there');
});
