/** Chat agents that write no answer of their own: the model of the bridge answers. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startBridge } from '../../support/bridge.ts';
import { devicesFile } from '../../support/devices-file.ts';
import { until } from '../../support/until.ts';

const devices = (): string =>
  devicesFile(`
    import { ChatAgent, command, DeviceChatAgent, defineDevice, enumeration, numeric } from 'mooring';
    class Host extends ChatAgent {}
    class Talker extends DeviceChatAgent {}
    export const definitions = [defineDevice({
      model: 'oven', vendor: 'Acme', description: 'An oven', agent: 'talker',
      metrics: [numeric('temperature', { unit: '°C', min: 0, max: 300 })], commands: [], sample: { temperature: 180 },
    }), defineDevice({
      model: 'valve', vendor: 'Acme', description: 'A valve', agent: 'talker',
      metrics: [enumeration('position', { values: ['open', 'closed'] })],
      commands: [command('turn', {
        argument: { kind: 'enumeration', values: ['open', 'closed'] }, effect: { metric: 'position', value: 'argument' },
      })],
      sample: { position: 'open' },
      policy: { commands: { turn: { allow: { values: ['open'] } } } },
    })];
    export const agents = { talker: Talker, host: Host };
  `);

const question = (text: string): unknown => ({
  type: 'cf_agent_use_chat_request',
  id: 'q1',
  init: {
    method: 'POST',
    body: JSON.stringify({ messages: [{ id: 'm1', role: 'user', parts: [{ type: 'text', text }] }] }),
  },
});

/** The text of the assistant, once its turn is over. */
async function asked(
  bridge: Awaited<ReturnType<typeof startBridge>>,
  agent: string,
  text: string,
): Promise<string> {
  const socket = await bridge.socket(agent);
  socket.send(question(text));
  const frames = (): { body: unknown; done: boolean }[] => socket.ofType('cf_agent_use_chat_response');
  await until(() => frames().some(({ done }) => done), 'the answer to end');
  // The socket of the tests has parsed the text of a chunk.
  return frames()
    .map(({ body }) => (body as { delta?: string }).delta ?? '')
    .join('');
}

test('without a model a device says what it measures, and that there is no model', async () => {
  const bridge = await startBridge({ shards: 1, devices: devices() });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/oven/o1/telemetry', '{"temperature":181}', { qos: 1 });
  const answer = await asked(bridge, 'oven/o1', 'what is the temperature?');
  expect(answer).toContain('181');
  expect(answer).toMatch(/no language model/i);
});

test('with a model its words arrive, and it was told who it is and what its device measures', async () => {
  const prompts: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      prompts.push(body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = (delta: object, reason: string | null): string =>
        `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
      response.end(
        `${chunk({ role: 'assistant', content: 'It is ' }, null)}${chunk({ content: 'warm.' }, 'stop')}data: [DONE]\n\n`,
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const model = `openai-compatible:http://127.0.0.1:${port}/v1#any`;
  const bridge = await startBridge({ shards: 1, devices: devices(), model });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/oven/o1/telemetry', '{"temperature":181}', { qos: 1 });
  expect(await asked(bridge, 'oven/o1', 'how warm is it?')).toBe('It is warm.');
  expect(prompts[0]).toContain('You are oven o1.');
  expect(prompts[0]).toContain('181');
  expect(prompts[0]).toContain('temperature in °C');
  expect(await asked(bridge, 'host/h1', 'hello')).toBe('It is warm.');
});

test('it acts through the tools of its device: within the policy, and done only when the device shows it', async () => {
  const bridge = await startBridge({ shards: 1, devices: devices() });
  const device = await bridge.mqtt();
  const heard: string[] = [];
  device.on('message', (topic, payload) => {
    const [, , , , name = '', cid = ''] = topic.split('/');
    heard.push(`${name} ${payload.toString()}`);
    device.publish(`devices/valve/v1/result/${cid}`, '{"ok":true}', { qos: 1 });
    device.publish('devices/valve/v1/telemetry', '{"position":"open"}', { qos: 1 });
  });
  await device.subscribeAsync('devices/valve/v1/command/#', { qos: 1 });
  await device.publishAsync('devices/valve/v1/telemetry', '{"position":"closed"}', { qos: 1 });
  expect(await asked(bridge, 'valve/v1', 'turn open')).toMatch(/done/);
  expect(heard).toEqual(['turn "open"']);
  await asked(bridge, 'valve/v1', 'turn closed');
  expect(await bridge.agent('valve/v1/approvals?status=pending')).toMatchObject({
    items: [{ tool: 'send_command', arguments: { command: 'turn', value: 'closed' } }],
  });
  expect(heard).toEqual(['turn "open"']);
  const { body } = await bridge.fetch('/api/audit?agent=valve/v1');
  expect(JSON.stringify(body)).toContain('"by":"chat"');
});
