/** A chat whose model is a file: from the question over HTTP to the engine's thread and back, and over a sleep. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { randomModel } from '../../support/random-model.ts';

const SOURCES = new URL('../../../src/index.ts', import.meta.url).href;
const AI = new URL('../../../node_modules/ai/dist/index.js', import.meta.url).href;

function devicesWith(model: string): string {
  return `import { streamText, convertToModelMessages } from ${JSON.stringify(AI)};
import { DeviceChatAgent, defineDevice, numeric } from ${JSON.stringify(SOURCES)};
class Talker extends DeviceChatAgent {
  static options = { model: 'gguf:' + ${JSON.stringify(model)} };
  async onChatMessage(onFinish, { abortSignal }) {
    const messages = await convertToModelMessages(this.messages);
    const system = 'you are the vent of a greenhouse. '.repeat(4);
    return streamText({ model: this.languageModel, system, messages, abortSignal, maxOutputTokens: 8, maxRetries: 0, onFinish });
  }
}
export const definitions = [defineDevice({ model: 'talker', agent: 'talker', vendor: 'test', description: 'talks',
  encoding: 'json', metrics: [numeric('temperature', { unit: '°C' })], commands: [], sample: { temperature: 1 } })];
export const agents = { talker: Talker };
`;
}

const numbersOf = async (bridge: TestBridge): Promise<Record<string, number>> => {
  const response = await fetch(`${bridge.bridge.http.url}/metrics`);
  const lines = (await response.text()).matchAll(/^(mooring_engine_\w+) (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]));
};

test('a question is answered by the engine, and the next one after a restart finds what was read', async () => {
  const directory = temporaryDir();
  const model = join(directory, 'random.gguf');
  writeFileSync(model, randomModel({ layers: 1, contextTokens: 1024 }));
  const devices = join(directory, 'devices.ts');
  writeFileSync(devices, devicesWith(model));
  const dataDir = join(directory, 'data');
  const ask = (bridge: TestBridge, text: string) =>
    bridge.fetch('/api/agents/talker/t1/ask', { body: { text } });
  const settings = { devices, dataDir, shards: 1 };

  const first = await startBridge(settings);
  expect((await numbersOf(first)).mooring_engine_threads).toBe(0);
  const device = await first.mqtt();
  await device.publishAsync('devices/talker/t1/telemetry', '{"temperature":21.5}', { qos: 1 });
  const answer = await ask(first, 'is it warm?');
  expect(answer, JSON.stringify(answer)).toMatchObject({ status: 200, body: { finish: 'done' } });
  expect(await numbersOf(first)).toMatchObject({
    mooring_engine_threads: 1,
    mooring_engine_kv_saved_total: 1,
  });
  await first.stop();

  const second = await startBridge(settings);
  expect(await ask(second, 'and now?')).toMatchObject({ status: 200, body: { finish: 'done' } });
  const numbers = await numbersOf(second);
  expect(numbers).toMatchObject({ mooring_engine_kv_restored_total: 1, mooring_engine_kv_dropped_total: 0 });
  expect(numbers.mooring_engine_cached_tokens_total).toBeGreaterThan(128);
});
