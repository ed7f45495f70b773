/** An asynchronous hook over its deadline: its agent is restarted, what was acknowledged is applied once. */
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { gates, notes } from '../support/bad-devices.ts';
import { call } from '../support/hook-bridge.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/bad-devices.ts', import.meta.url));

beforeEach(() => {
  notes.length = 0;
  gates.length = 0;
});

function start(turnDeadlineMs = 60): Promise<TestBridge> {
  return startBridge({ devices }, { shard: { turnDeadlineMs } });
}

type Say = (message: object) => Promise<unknown>;

async function device(bridge: TestBridge, id = 'a'): Promise<Say> {
  const client = await bridge.mqtt();
  return (message) =>
    client.publishAsync(`devices/bad/${id}/telemetry`, JSON.stringify({ boot: 'b', ...message }), { qos: 1 });
}

async function rejected(bridge: TestBridge, path: string): Promise<Record<string, unknown>[]> {
  return (await bridge.agent(`${path}/rejected`))['items'] as Record<string, unknown>[];
}

async function stats(bridge: TestBridge): Promise<Record<string, unknown>> {
  return (await bridge.fetch('/api/stats')).body;
}

const onTelemetry = (x: number): string[] => notes.filter((line) => line === `a onTelemetry ${x}`);

test('a message whose hook hangs is tried 3 times, set aside with its data kept, and the next ones go on', async () => {
  const bridge = await start();
  const say = await device(bridge);
  await say({ x: 1, seq: 1 });
  void say({ x: 2, seq: 2, note: 'hang' });
  await say({ x: 3, seq: 3 });
  await until(() => onTelemetry(3).length === 1);
  expect(onTelemetry(2)).toHaveLength(3);
  expect(notes.filter((line) => line === 'a onStart')).toHaveLength(4);
  expect(await bridge.agent('bad/a/telemetry/count')).toEqual({
    accepted: 3,
    applied: 3,
    duplicates: 0,
    rejected: 0,
  });
  expect(await bridge.agent('bad/a')).toMatchObject({
    messages: 3,
    rejected: 1,
    state: { x: 3, note: 'hang' },
  });
  expect(await rejected(bridge, 'bad/a')).toMatchObject([{ channel: 'telemetry', code: 'BRG_POISON' }]);
  expect(await stats(bridge)).toMatchObject({
    turnsOverDeadline: 3,
    agentRestarts: 3,
    messagesSetAside: 1,
    unapplied: 0,
  });
});

test('a hook that hangs once is tried again, and the agent given up writes nothing any more', async () => {
  const bridge = await start();
  const say = await device(bridge);
  void say({ x: 1, seq: 1, note: 'wait' });
  void say({ x: 2, seq: 2, note: 'hang-once' });
  await say({ x: 3, seq: 3 });
  await until(() => onTelemetry(3).length === 1);
  expect(onTelemetry(2)).toHaveLength(2);
  gates[0]?.resolve();
  await until(() => notes.some((line) => line.includes('zombie')));
  expect(notes).toContain('a zombie: BRG_AGENT_RESTARTED');
  expect(notes).not.toContain('a wrote');
  expect(await bridge.agent('bad/a')).toMatchObject({
    messages: 3,
    rejected: 0,
    state: { x: 3, note: 'hang-once' },
  });
  const { series } = (await bridge.agent(
    `bad/a/telemetry?metric=x&from=0&to=${Date.now() + 1e6}&points=10`,
  )) as {
    series: { points: { count: number }[] }[]; // the route's schema
  };
  expect(series[0]?.points.reduce((sum, { count }) => sum + count, 0)).toBe(3);
});

test('other agents, connections and calls of the agent live on', async () => {
  const bridge = await start();
  const socket = await bridge.socket('bad/a');
  await socket.frame('cf_agent_identity');
  socket.socket.send('hang');
  const other = await device(bridge, 'b');
  await other({ x: 7, seq: 1 });
  await bridge.describedAs('bad/b', ({ messages }) => messages === 1);
  await socket.frame('mooring_error');
  expect(socket.ofType('mooring_error')).toMatchObject([{ code: 'BRG_POISON' }]);
  expect(notes.filter((line) => line === 'a onMessage hang')).toHaveLength(3);
  expect(await call(socket, 'sum', 1, 2)).toBe(3);
  expect(await bridge.agent('bad/a')).toMatchObject({ connections: 1 });
});

test('a connection whose onConnect hangs gets its first frames and may speak', async () => {
  const bridge = await start();
  const socket = await bridge.socket('bad/a?hang');
  await socket.frame('cf_agent_identity');
  expect(await call(socket, 'sum', 2, 2)).toBe(4);
});

test('a call may take longer than a turn, and a streaming one is answered when its agent is restarted', async () => {
  const bridge = await start();
  const socket = await bridge.socket('bad/a');
  expect(await call(socket, 'slow', 200)).toBe('done');
  expect(await stats(bridge)).toMatchObject({ agentRestarts: 0 });
  const streaming = call(socket, 'stream');
  await until(() => socket.ofType('rpc').some(({ result }) => result === 'begun'));
  socket.socket.send('hang');
  expect(await streaming).toContain('restarted');
});

test('a message of many measurements has the deadline for each', async () => {
  const bridge = await start(250);
  const client = await bridge.mqtt();
  const batch = Array.from({ length: 15 }, (_, seq) => ({ x: seq, seq, boot: 'b', note: 'fill' }));
  await client.publishAsync('devices/bad/a/telemetry', JSON.stringify(batch), { qos: 1 });
  await until(() => onTelemetry(14).length === 1);
  expect(await stats(bridge)).toMatchObject({ agentRestarts: 0 });
});

test('an agent that never starts runs without its code, and its data goes on', async () => {
  const bridge = await start();
  const client = await bridge.mqtt();
  for (const x of [1, 2]) {
    await client.publishAsync('devices/bad/unstartable/telemetry', JSON.stringify({ x }), { qos: 1 });
  }
  await bridge.describedAs('bad/unstartable', ({ messages }) => messages === 2);
  expect(notes).toEqual(Array(3).fill('unstartable onStart'));
  const socket = await bridge.socket('bad/unstartable');
  expect(await call(socket, 'sum', 1, 2)).toContain('without its own code');
});

test('an agent that hangs with every message runs without its code after some of them', async () => {
  const bridge = await start();
  const say = await device(bridge);
  for (let seq = 1; seq <= 9; seq++) void say({ x: seq, seq, note: 'hang' });
  await bridge.describedAs('bad/a', ({ messages }) => messages === 9);
  expect(await stats(bridge)).toMatchObject({ agentRestarts: 7, unapplied: 0 });
  expect(await bridge.agent('bad/a')).toMatchObject({ state: { x: 9 } });
});
