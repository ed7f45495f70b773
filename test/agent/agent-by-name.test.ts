import { afterEach, expect, test } from 'vitest';
import { startBridge, type TestBridge } from '../support/bridge.ts';

const devices = new URL('../support/asking-devices.ts', import.meta.url).pathname;
let bridge: TestBridge | undefined;

afterEach(async () => {
  await bridge?.stop();
  bridge = undefined;
});

async function call(path: string, ...args: unknown[]): Promise<{ status: number; body: unknown }> {
  if (bridge === undefined) throw new Error('start a bridge first');
  return bridge.fetch(`/api/agents/asking/${path}`, { method: 'POST', body: { args } });
}

test.each([0, 1])(
  'an agent calls methods of others, which come into being (%i shard threads)',
  async (shards) => {
    bridge = await startBridge({ shards, devices });
    const device = await bridge.mqtt();
    await device.publishAsync('devices/asking/a/telemetry', '{"x":1}', { qos: 1 });

    expect(await call('a/call/addAt', 'b', 2, 3)).toEqual({ status: 200, body: { value: 5 } });
    // What the other one did is its own: its state, not the caller's.
    expect(await call('a/call/remember', 'b', 'seen')).toEqual({ status: 200, body: { value: 'b' } });
    const { body } = await call('b/call/recall');
    expect(body).toEqual({ value: 'seen' });
  },
);

test('errors of the other agent come back with their code', async () => {
  bridge = await startBridge({ shards: 1, devices });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/asking/a/telemetry', '{"x":1}', { qos: 1 });

  expect(await call('a/call/failAt', 'b')).toMatchObject({ status: 500, body: { detail: 'stuck' } });
  expect(await call('a/call/unknownAt', 'b')).toMatchObject({
    status: 404,
    body: { code: 'BRG_UNKNOWN_METHOD' },
  });
  expect(await call('a/call/addAt', 'not/an/id', 1, 2)).toMatchObject({
    status: 400,
    body: { code: 'BRG_ADDRESS' },
  });
});
