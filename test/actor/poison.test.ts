/** Code of an agent that ends or blocks its thread: what is acknowledged is applied, the message is set aside. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { devicesFile } from '../support/devices-file.ts';
import { LogLines } from '../support/log-lines.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/bad-devices.ts', import.meta.url));

/** A shard in a thread, whose log can be read. */
async function start(
  overrides: Partial<Config> = {},
  onFatal?: (error: Error) => void,
): Promise<{ bridge: TestBridge; log: LogLines }> {
  const log = new LogLines();
  const shard = { turnDeadlineMs: 500, shardStallMs: 1500 };
  const settings = { devices, shards: 1, logLevel: 'error', ...overrides } as const;
  const bridge = await startBridge(settings, { shard, ...(onFatal === undefined ? {} : { onFatal }) });
  return { bridge, log };
}

/** A request that is open when the shard crashes is refused: ask again. */
function described(bridge: TestBridge, path: string, messages: number): Promise<unknown> {
  return until(async () => {
    const answer = await bridge.fetch(`/api/agents/${path}`).catch(() => undefined);
    return answer?.body['messages'] === messages;
  }, `${path} to have ${messages} messages`);
}

async function publish(bridge: TestBridge, path: string, messages: readonly object[]): Promise<void> {
  const client = await bridge.mqtt();
  const payloads = messages.map((message) => JSON.stringify(message));
  await Promise.all(
    payloads.map((text) => client.publishAsync(`devices/${path}/telemetry`, text, { qos: 1 })),
  );
}

for (const [note, name, deaths] of [
  ['exit', 'endThread', 3],
  ['loop', 'spin', 3],
  ['loop-later', 'spin', 3],
] as const) {
  test(`a message with "${note}" is set aside after ${deaths} deaths, nothing else is lost, the log names ${name}`, async () => {
    const { bridge, log } = await start();
    await publish(bridge, 'good/g', [{ x: 1 }]);
    await publish(bridge, 'bad/a', [{ x: 1 }, { x: 2, note }, { x: 3 }]);
    await publish(bridge, 'good/g', [{ x: 2 }]);
    await described(bridge, 'bad/a', 3);
    await described(bridge, 'good/g', 2);
    expect(await bridge.agent('bad/a/rejected')).toMatchObject({
      items: [{ code: 'BRG_POISON', channel: 'telemetry' }],
    });
    expect(await bridge.agent('bad/a/telemetry/count')).toMatchObject({ accepted: 3, applied: 3 });
    expect(await bridge.agent('bad/a')).toMatchObject({ state: { x: 3, note }, rejected: 1 });
    const told = log.of('agent ended its thread');
    expect(told).toHaveLength(deaths);
    expect(told[0]).toMatchObject({ key: 'bad/a', what: 'message' });
    expect(told[0]?.['stack']).toContain(name);
    expect(log.of('message set aside: it is applied without its agent’s hooks')).toHaveLength(1);
  });
}

test('a rejection nobody waits for and an error in a timer are reported with their agent; the shard goes on', async () => {
  const { bridge, log } = await start();
  await publish(bridge, 'bad/a', [{ x: 1, note: 'stray' }]);
  await publish(bridge, 'bad/b', [{ x: 1, note: 'timer' }]);
  const rejections = await until(() => {
    const lines = log.of('a promise of the agent’s code was rejected, and nobody waits for it');
    return lines.length > 0 ? lines : undefined;
  });
  const errors = await until(() => {
    const lines = log.of('an error of the agent’s code was not caught');
    return lines.length > 0 ? lines : undefined;
  });
  expect(rejections[0]).toMatchObject({ agent: 'bad/a' });
  expect(rejections[0]?.['err']).toContain('forgotten');
  expect(errors[0]).toMatchObject({ agent: 'bad/b' });
  expect(errors[0]?.['err']).toContain('broken');
  expect(log.of('shard crashed')).toEqual([]);
  expect((await bridge.fetch('/api/stats')).body['turnErrors']).toBe(2);
});

test('a hook that hangs is reported with where it waits', async () => {
  const { bridge, log } = await start();
  await publish(bridge, 'bad/a', [{ x: 1, note: 'hang' }]);
  await described(bridge, 'bad/a', 1);
  const told = log.of('handler over its deadline: its agent is restarted');
  expect(told).toHaveLength(3);
  expect(told[0]).toMatchObject({
    agent: 'bad/a',
    class: 'BadAgent',
    handler: 'onTelemetry',
    turn: 'telemetry',
    try: 1,
  });
  expect(told[1]?.['stack']).toMatch(/hangForEver.*bad-devices\.ts:\d+/);
});

test('a thread that ends again and again, and for no agent’s code, is given up', async () => {
  const fatal = Promise.withResolvers<Error>();
  const code = `
    import { isMainThread } from 'node:worker_threads';
    import { defineDevice, numeric } from 'mooring';
    if (!isMainThread) setTimeout(() => process.exit(3), 300);
    export const definitions = [defineDevice({ model: 'm', vendor: 'V', description: 'd',
      metrics: [numeric('x')], commands: [], sample: { x: 1 } })];
  `;
  await start({ devices: devicesFile(code) }, fatal.resolve);
  expect((await fatal.promise).message).toContain('ended with code 3');
});
