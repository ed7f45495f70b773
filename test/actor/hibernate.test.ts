/** Agents that leave memory because they, or an operator, said so; what the metrics say of it; what stays. */
import { fileURLToPath } from 'node:url';
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import type { BridgeOptions } from '../../src/bridge.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { frameOf } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/sleep-devices.ts', import.meta.url));
/** Nobody leaves for being idle. */
const never = { shard: { idleTimeoutMs: 3_600_000 } };

const start = (options: BridgeOptions = never): Promise<TestBridge> => startBridge({ devices }, options);

async function call(bridge: TestBridge, id: string, method: string, ...args: unknown[]): Promise<unknown> {
  const { body } = await bridge.fetch(`/api/agents/sleeper/${id}/call/${method}`, { body: { args } });
  return 'value' in body ? body['value'] : body['detail'];
}

async function stats(bridge: TestBridge): Promise<Record<string, number>> {
  return (await bridge.fetch('/api/stats')).body as Record<string, number>; // the route's schema
}

const asleep = (bridge: TestBridge): Promise<unknown> =>
  until(async () => (await stats(bridge))['awake'] === 0, 'every agent to be asleep');

const hibernate = (bridge: TestBridge, id: string): ReturnType<TestBridge['fetch']> =>
  bridge.fetch(`/api/agents/sleeper/${id}/hibernate`, { method: 'POST' });

async function create(bridge: TestBridge, id: string): Promise<MqttClient> {
  const device = await bridge.mqtt();
  await device.publishAsync(`devices/sleeper/${id}/telemetry`, '{"x":1}', { qos: 1 });
  return device;
}

const stateOf = async (bridge: TestBridge, id: string): Promise<unknown> =>
  (await bridge.agent(`sleeper/${id}`))['state'];

test('hibernateNow lets an agent leave memory after its turn; the next message meets a new object', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  expect([await call(bridge, 'a', 'calls'), await call(bridge, 'a', 'calls')]).toEqual([1, 2]);
  expect(await call(bridge, 'a', 'nap')).toBe(3);
  await asleep(bridge);
  expect(await call(bridge, 'a', 'calls')).toBe(1);
  expect(await stats(bridge)).toMatchObject({ hibernations: 1, hibernationsNow: 1, hibernationsIdle: 0 });
});

test('what a turn writes after hibernateNow is committed before the agent leaves', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  await call(bridge, 'a', 'napThenWrite', 5);
  await asleep(bridge);
  expect(await stateOf(bridge, 'a')).toEqual({ x: 5 });
});

test('an asynchronous turn, a stream and a job end before the agent leaves', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  await call(bridge, 'a', 'slowNap', 6);
  await asleep(bridge);
  expect(await stateOf(bridge, 'a')).toEqual({ x: 6 });
  expect(await call(bridge, 'a', 'napInStream')).toBe(1);
  await asleep(bridge);
  await call(bridge, 'a', 'napInJob');
  await asleep(bridge);
  expect(await stateOf(bridge, 'a')).toEqual({ x: 7 });
});

test('a turn that throws after hibernateNow leaves memory too, and nothing else of it is there', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  expect(await call(bridge, 'a', 'napThenFail')).toBe('no');
  await asleep(bridge);
  expect(await stateOf(bridge, 'a')).toEqual({ x: 1 });
});

test('the API lets an idle agent leave, says so of one that is asleep, and wakes none', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  await call(bridge, 'a', 'calls');
  expect(await hibernate(bridge, 'a')).toMatchObject({ status: 200, body: { hibernated: true } });
  const { wakes } = await stats(bridge);
  expect(await hibernate(bridge, 'a')).toMatchObject({ status: 200, body: { hibernated: true } });
  expect(await stats(bridge)).toMatchObject({ awake: 0, asleep: 1, wakes });
  expect(await hibernate(bridge, 'nobody')).toMatchObject({
    status: 404,
    body: { code: 'BRG_UNKNOWN_AGENT' },
  });
});

test('the API refuses while the agent has work, with the reason, and nothing of the work is lost', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  const waiting = call(bridge, 'a', 'wait', 300);
  const refused = await until<Record<string, unknown> | null>(async () => {
    const { body } = await hibernate(bridge, 'a');
    return body['hibernated'] === false ? body : null;
  });
  expect(refused['reason']).toMatch(/a turn is under way|a call is open/);
  expect(await waiting).toBe(300);
  expect(await stateOf(bridge, 'a')).toEqual({ x: 300 });
  expect((await hibernate(bridge, 'a')).body).toEqual({ hibernated: true });
});

test('an agent that a viewer streams from says that a call is open', async () => {
  const bridge = await start();
  await create(bridge, 'a');
  const viewer = await bridge.socket('sleeper/a');
  viewer.send({ type: 'rpc', id: '1', method: 'napInStream', args: [] });
  await viewer.frame('rpc');
  const { body } = await hibernate(bridge, 'a');
  expect(body).toEqual({
    hibernated: false,
    reason: expect.stringMatching(/a turn is under way|a call is open/),
  });
  await viewer.frame('rpc', 2);
  await asleep(bridge);
});

test('metrics count who is awake and asleep, why agents left, and how long they took to wake', async () => {
  const bridge = await start({ shard: { idleTimeoutMs: 20 } });
  const device = await create(bridge, 'a');
  await device.publishAsync('devices/sleeper/b/telemetry', '{"x":1}', { qos: 1 });
  await asleep(bridge);
  await call(bridge, 'a', 'nap');
  await asleep(bridge);
  const text = String((await bridge.fetch('/metrics')).body['text']);
  const value = (series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );
  const { wakes, hibernationsIdle = NaN, hibernationsNow = NaN, ...all } = await stats(bridge);
  expect(value('mooring_agents_awake')).toBe(0);
  expect(value('mooring_agents_asleep')).toBe(2);
  expect(value('mooring_agent_wakes_total')).toBe(wakes);
  expect(value('mooring_agent_hibernations_total{cause="idle"}')).toBe(hibernationsIdle);
  expect(value('mooring_agent_hibernations_total{cause="now"}')).toBe(hibernationsNow);
  expect(value('mooring_agent_hibernations_total{cause="room"}')).toBe(0);
  expect(hibernationsNow).toBeLessThanOrEqual(1); // or the sweep was first
  expect(hibernationsIdle + hibernationsNow).toBe(wakes);
  expect(value('mooring_agent_wake_seconds_count{storage="light"}')).toBe(wakes);
  expect(value('mooring_agent_wake_seconds_bucket{storage="light",le="+Inf"}')).toBe(wakes);
  expect(value('mooring_agent_wake_seconds_count{storage="heavy"}')).toBe(0);
  expect(all['wakeLightP99Us']).toBeGreaterThanOrEqual(all['wakeLightP50Us'] ?? NaN);
  expect(all).not.toHaveProperty('wakeHeavyP99Us');
});

test('a WebSocket and an MQTT subscription outlive ten sleeps: tags, mask and state kept, each message seen', async () => {
  const bridge = await start();
  const device = await create(bridge, 'a');
  const tagged = await bridge.socket('sleeper/a?tag=red&tag=big');
  const masked = await bridge.socket('sleeper/a?telemetry-only');
  const subscriber = await bridge.mqtt();
  const frames: string[] = [];
  subscriber.on('message', (_topic, payload) => {
    frames.push(...frameOf(payload, 'json').map(({ type }) => type));
  });
  await subscriber.subscribeAsync('devices/sleeper/a/frames');
  await tagged.frame('cf_agent_mcp_servers');
  await bridge.describedAs('sleeper/a', ({ connections }) => connections === 3);
  for (let n = 1; n <= 10; n++) {
    expect((await hibernate(bridge, 'a')).body).toEqual({ hibernated: true });
    await device.publishAsync('devices/sleeper/a/telemetry', JSON.stringify({ x: n }), { qos: 1 });
    expect(await masked.frame('mooring_telemetry', n)).toMatchObject({ values: { x: n } });
    await until(() => frames.filter((type) => type === 'cf_agent_state').length > n);
  }
  expect(new Set(masked.frames.map(({ type }) => type))).toEqual(
    new Set(['mooring_presence', 'mooring_telemetry']), // both are of the class telemetry
  );
  await hibernate(bridge, 'a');
  tagged.clear();
  tagged.socket.send('hello');
  const answer = await until(() => tagged.received[0]);
  expect(JSON.parse(answer.data.toString())).toEqual({
    calls: 1,
    state: { joined: true },
    tagged: [{ joined: true }],
  });
  expect([tagged.closed, masked.closed, subscriber.connected]).toEqual([null, null, true]);
});
