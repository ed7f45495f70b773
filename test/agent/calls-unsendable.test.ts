/** Answers that no codec can carry: whoever called is told at once, over every way in. */
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { AgentClient } from '../../src/client/index.ts';
import { decodePayload } from '../../src/wire/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { traces } from '../support/call-devices.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/call-devices.ts', import.meta.url));
const METHODS = ['unsendable', 'cyclic', 'huge', 'unsendableEnd'];
const cannotBeSent = (what: string) => expect.stringContaining(`${what} cannot be sent: `) as string;

function connect(bridge: TestBridge, codec: 'json' | 'cbor'): AgentClient {
  const client = new AgentClient({ host: bridge.bridge.http.url, model: 'callable', id: codec, codec });
  onTestFinished(() => client.close());
  return client;
}

test.each(['json', 'cbor'] as const)('a %s client', async (codec) => {
  const client = connect(await startBridge({ devices }), codec);
  for (const method of METHODS) {
    await expect(client.call(method)).rejects.toMatchObject({ message: cannotBeSent('the result') });
  }
  const chunks: unknown[] = [];
  const stream = { onChunk: (chunk: unknown) => void chunks.push(chunk) };
  const streaming = client.call('unsendableChunk', [], { stream });
  await expect(streaming).rejects.toMatchObject({ message: cannotBeSent('a chunk') });
  expect(chunks).toEqual(['one']);
  expect(traces).toContain(`${codec} chunks [true,false,false,true]`);
  expect(await client.call('add', [1, 2])).toBe(3);
});

test('HTTP and MQTT', async () => {
  const bridge = await startBridge({ devices });
  const mqtt = await bridge.mqtt();
  const replies: Record<string, unknown> = {};
  mqtt.on('message', (topic, payload) => (replies[topic] = decodePayload(payload).value));
  await mqtt.subscribeAsync('devices/callable/u/reply/+', { qos: 1 });
  for (const method of METHODS) {
    const { status, body } = await bridge.fetch(`/api/agents/callable/u/call/${method}`, {
      body: { args: [] },
    });
    expect([status, body['code'], body['detail']]).toEqual([
      500,
      'BRG_CALL_FAILED',
      cannotBeSent('the result'),
    ]);
    await mqtt.publishAsync(`devices/callable/u/call/${method}/${method}`, '[]', { qos: 1 });
    const reply = await until(() => replies[`devices/callable/u/reply/${method}`], `the reply of ${method}`);
    expect(reply).toEqual({ ok: false, error: cannotBeSent('the result') });
  }
});

test.each(['json', 'cbor'] as const)(
  'a %s client that names no method hears that there is none',
  async (codec) => {
    const client = connect(await startBridge({ devices }), codec);
    await expect(client.call('')).rejects.toThrow('Method  does not exist');
    await expect(client.call('a b')).rejects.toThrow('Method a b does not exist');
  },
);
