/** Code of an agent that blocks or ends its thread, or the process: no message is lost, the culprit is set aside and named. */
import { onTestFinished, expect, test } from 'vitest';
import { devicesFile } from '../support/devices-file.ts';
import { until } from '../support/until.ts';
import { BridgeProcess, testDataDir } from './bridge-process.ts';

const PROGRAM = ['test/e2e/bad-bridge.ts'];

async function start(dataDir: string, flags: readonly string[] = []): Promise<BridgeProcess> {
  const bridge = await BridgeProcess.start(dataDir, flags, PROGRAM);
  onTestFinished(async () => void (await bridge.end('SIGKILL')));
  return bridge;
}

type Line = Record<string, unknown>;

function logged(bridge: BridgeProcess, event: string): Line[] {
  const lines = bridge.log
    .split('\n')
    .filter((line) => line.includes(`"msg":"${event}"`) && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as Line); // pino writes objects
}

/** A thread that ends some times takes its time, on a busy machine longer than `until` waits. */
function patiently<T>(wait: () => Promise<T>): Promise<T> {
  return wait().catch(wait).catch(wait);
}

/** A request that is open when the thread ends is refused: asked again until it holds. */
function described(bridge: BridgeProcess, path: string, messages: number): Promise<Line> {
  return until(async () => {
    const answer = await bridge.get<Line>(`/api/agents/${path}`).catch(() => undefined);
    return answer?.['messages'] === messages ? answer : undefined;
  }, `${path} to have ${messages} messages`);
}

/** Resolves when all were acknowledged. */
async function publish(bridge: BridgeProcess, path: string, messages: readonly object[]): Promise<void> {
  const client = await bridge.mqtt();
  const payloads = messages.map((message) => JSON.stringify(message));
  await Promise.all(
    payloads.map((text) => client.publishAsync(`devices/${path}/telemetry`, text, { qos: 1 })),
  );
}

for (const [note, culprit] of [
  ['exit', 'endThread'],
  ['loop', 'spin'],
  ['loop-later', 'spin'],
] as const) {
  test(`a message whose hook does "${note}" is set aside after 3 deaths of the thread, and the log names ${culprit}`, async () => {
    const bridge = await start(await testDataDir());
    await publish(bridge, 'bad/a', [{ x: 1 }, { x: 2, note }, { x: 3 }]);
    const watcher = publish(bridge, 'good/g', [{ x: 1 }, { x: 2 }]);
    const agent = await patiently(() => described(bridge, 'bad/a', 3));
    expect(agent).toMatchObject({ rejected: 1, state: { x: 3, note } });
    await watcher;
    await described(bridge, 'good/g', 2);
    const { items } = await bridge.get<{ items: Line[] }>('/api/agents/bad/a/rejected');
    expect(items).toMatchObject([{ code: 'BRG_POISON', channel: 'telemetry' }]);
    const count = await bridge.get<Line>('/api/agents/bad/a/telemetry/count');
    expect(count).toMatchObject({ accepted: 3, applied: 3, rejected: 0 });
    const deaths = logged(bridge, 'agent ended its thread');
    expect(deaths.map(({ agent: whose, what }) => ({ whose, what }))).toEqual(
      Array(3).fill({ whose: 'bad/a', what: 'message' }),
    );
    for (const { stack } of deaths) expect(stack).toContain(culprit);
    expect(logged(bridge, 'message set aside: it is applied without its agent’s hooks')).toHaveLength(1);
    await publish(bridge, 'bad/a', [{ x: 4 }]);
    await described(bridge, 'bad/a', 4);
  }, 60_000);
}

test('a message that ends the process is found by the starts after it, and set aside', async () => {
  const dataDir = await testDataDir();
  let bridge = await start(dataDir);
  await publish(bridge, 'good/g', [{ x: 1 }]);
  const client = await bridge.mqtt();
  for (const message of [{ x: 1 }, { x: 2, note: 'abort' }, { x: 3 }]) {
    client.publish('devices/bad/a/telemetry', JSON.stringify(message), { qos: 1 });
  }
  await until(() => !bridge.isRunning, 'the process to end');
  let starts = 0;
  for (;;) {
    const next = await start(dataDir).catch(() => undefined);
    starts++;
    if (next === undefined) continue;
    bridge = next;
    if (await described(bridge, 'bad/a', 3).catch(() => undefined)) break;
    expect(starts).toBeLessThan(8);
  }
  expect(starts).toBe(6); // two as ever, three that found it out, one that set it aside
  expect(await described(bridge, 'bad/a', 3)).toMatchObject({ rejected: 1, state: { x: 3, note: 'abort' } });
  await described(bridge, 'good/g', 1);
}, 60_000);

test('a rejection nobody waits for and an error in a timer are reported with their agent; the shard goes on', async () => {
  const bridge = await start(await testDataDir());
  await publish(bridge, 'bad/a', [{ x: 1, note: 'stray' }]);
  await publish(bridge, 'bad/b', [{ x: 1, note: 'timer' }]);
  const events = [
    'a promise of the agent’s code was rejected, and nobody waits for it',
    'an error of the agent’s code was not caught',
  ];
  await until(() => events.every((event) => logged(bridge, event).length > 0));
  const [rejection, thrown] = events.map((event) => logged(bridge, event)[0]);
  expect(rejection).toMatchObject({ agent: 'bad/a' });
  expect(rejection?.['err']).toContain('forgotten');
  expect(thrown).toMatchObject({ agent: 'bad/b' });
  expect(thrown?.['err']).toContain('broken');
  expect(logged(bridge, 'shard crashed')).toEqual([]);
  expect(await bridge.metric('mooring_turn_errors_total')).toBe(2);
});

test('a hook that hangs is reported with where it waits', async () => {
  const bridge = await start(await testDataDir());
  await publish(bridge, 'bad/a', [{ x: 1, note: 'hang' }]);
  await described(bridge, 'bad/a', 1);
  const reports = logged(bridge, 'handler over its deadline: its agent is restarted');
  expect(reports.map((report) => report['try'])).toEqual([1, 2, 3]);
  expect(reports[0]).toMatchObject({
    agent: 'bad/a',
    class: 'BadAgent',
    handler: 'onTelemetry',
    turn: 'telemetry',
  });
  expect(reports[1]?.['stack']).toMatch(/hangForEver.*bad-devices\.ts:\d+/);
});

test('a thread that ends again and again, and for no agent’s code, is given up', async () => {
  const code = `
    import { isMainThread } from 'node:worker_threads';
    import { defineDevice, numeric } from 'mooring';
    if (!isMainThread) setTimeout(() => process.exit(3), 400);
    export const definitions = [defineDevice({ model: 'm', vendor: 'V', description: 'd',
      metrics: [numeric('x')], commands: [], sample: { x: 1 } })];
  `;
  const bridge = await start(await testDataDir(), ['--devices', devicesFile(code)]);
  await until(() => !bridge.isRunning, 'the bridge to give up');
  expect(logged(bridge, 'the bridge cannot go on')[0]?.['err']).toContain('ended with code 3');
});
