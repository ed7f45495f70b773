/** Fibers and keepAlive of agents on a real bridge: beside the lanes, through sleep and crashes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { FiberInfo } from '../../src/agent/index.ts';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/fiber-devices.ts', import.meta.url));
let fibersDir = '';

beforeEach(() => {
  process.env['FIBERS_DIR'] = fibersDir = temporaryDir();
  writeFileSync(join(fibersDir, 'trace'), '');
});
afterAll(() => {
  Reflect.deleteProperty(process.env, 'FIBERS_DIR');
});

const go = (): void => writeFileSync(join(fibersDir, 'go'), '');

/** What the fibers did, oldest first. */
function traces(): string[] {
  return readFileSync(join(fibersDir, 'trace'), 'utf8').split('\n').slice(0, -1);
}

const traced = (line: string): Promise<unknown> => until(() => traces().includes(line), line);

function start(dataDir = temporaryDir(), idleTimeoutMs?: number): Promise<TestBridge> {
  const options = idleTimeoutMs === undefined ? {} : { shard: { idleTimeoutMs } };
  return startBridge({ devices, dataDir, shards: 1 }, options);
}

/** Calls a callable; connects first, so that the agent exists. */
async function call<T>(bridge: TestBridge, method: string, ...args: unknown[]): Promise<T> {
  const path = '/api/agents/weaver/w';
  if ((await bridge.fetch(path)).status === 404) {
    const socket = await bridge.socket('weaver/w');
    await socket.frame('cf_agent_identity');
    socket.socket.close();
  }
  const { status, body } = await bridge.fetch(`${path}/call/${method}`, { method: 'POST', body: { args } });
  if (status !== 200) throw new Error(`${method}: ${status} ${JSON.stringify(body)}`);
  return body['value'] as T; // what the method returns
}

async function metric(bridge: TestBridge, name: string): Promise<number> {
  const { text } = (await bridge.fetch('/metrics')).body;
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(String(text))?.[1]);
}

const awake = (bridge: TestBridge): Promise<number> => metric(bridge, 'mooring_agents_awake');
const asleep = (bridge: TestBridge): Promise<unknown> =>
  until(async () => (await awake(bridge)) === 0, 'the agent to sleep');

/** Another agent has gone to sleep: a sweep came by. */
async function swept(bridge: TestBridge): Promise<void> {
  const id = `other${Math.random()}`;
  const device = await bridge.mqtt();
  await device.publishAsync(`devices/weaver/${id}/telemetry`, '{"x":1}', { qos: 1 });
  await device.endAsync();
  await until(async () => (await awake(bridge)) <= 1, 'the other agent to sleep');
}

test('a fiber holds up neither jobs nor calls nor telemetry, and all of them commit', async () => {
  const bridge = await start();
  await call(bridge, 'begin');
  await traced('w step 1');
  await call(bridge, 'job');
  await traced('w job');
  const device = await bridge.mqtt();
  await device.publishAsync('devices/weaver/w/telemetry', '{"x":7}', { qos: 1 });
  await bridge.describedAs('weaver/w', (agent) => (agent['state'] as { x?: number }).x === 7);
  expect(await call(bridge, 'fibers')).toMatchObject([
    { name: 'weave', status: 'running', snapshot: { step: 1 } },
  ]);
  go();
  await traced('w step 2');
  expect(await call(bridge, 'fibers')).toEqual([]);
  await call(bridge, 'written');
  await traced('w written 3');
  expect(await bridge.agent('weaver/w')).toMatchObject({ state: { x: 3 } });
});

test('a call may wait for a fiber, which knows its agent; stash() elsewhere is refused', async () => {
  const bridge = await start();
  expect(await call(bridge, 'awaited')).toEqual({ id: expect.any(String) as unknown });
  await expect(call(bridge, 'bad')).rejects.toThrow('BRG_FIBER');
  await expect(call(bridge, 'thrown')).rejects.toThrow('taken back');
  await call(bridge, 'silent'); // nobody looks at the rejection, and the thread lives
  await until(async () => (await call<FiberInfo[]>(bridge, 'fibers')).length === 0);
  expect(traces()).toEqual([]); // nothing was interrupted
});

test('an agent stays in memory while its fiber runs, and leaves it after', async () => {
  const bridge = await start(temporaryDir(), 1);
  await call(bridge, 'begin');
  await traced('w step 1');
  await swept(bridge);
  expect(await awake(bridge)).toBe(1);
  go();
  await asleep(bridge);
  expect(traces()).toEqual(['w step 1', 'w step 2']);
});

test('keepAlive holds the agent until its release, keepAliveWhile until its function ends', async () => {
  const bridge = await start(temporaryDir(), 1);
  await call(bridge, 'hold');
  await swept(bridge);
  expect(await awake(bridge)).toBe(1);
  await call(bridge, 'release');
  await asleep(bridge);
  await call(bridge, 'holdWhile');
  await swept(bridge);
  expect(await awake(bridge)).toBe(1);
  go();
  await asleep(bridge);
});

test('a fiber that waits for its device needs no memory, and goes on when the device has answered', async () => {
  const bridge = await start(temporaryDir(), 1);
  const device = await bridge.mqtt({ clientId: 'w', clean: false });
  await device.subscribeAsync('devices/weaver/w/command/#', { qos: 1 });
  const asked = Promise.withResolvers<string>();
  device.on('message', (topic) => asked.resolve(topic.split('/').at(-1) ?? ''));
  await call(bridge, 'order');
  const cid = await asked.promise;
  expect(traces()).toEqual(['w waits']);
  await asleep(bridge);
  const wakes = await metric(bridge, 'mooring_agent_wakes_total');
  await device.publishAsync(`devices/weaver/w/result/${cid}`, '{"ok":true,"value":3}', { qos: 1 });
  await traced('w woven 3');
  expect(await metric(bridge, 'mooring_agent_wakes_total')).toBe(wakes + 1);
  expect(await call(bridge, 'fibers')).toEqual([]);
  await asleep(bridge);
});

test('a fiber survives the death of its shard: its hook goes on where it was', async () => {
  const bridge = await start();
  const id = await call<string>(bridge, 'managed', { fiberId: 'blue', idempotencyKey: 'k' });
  await traced('w step 1');
  await call(bridge, 'die').catch(() => undefined);
  await until(async () => (await bridge.fetch('/readyz')).status === 503, 'the shard to be gone');
  await until(async () => (await bridge.fetch('/api/agents/weaver/w')).status === 200); // its alarm would wake it later
  await traced('w recovered weave {"step":1} 1');
  go();
  await traced('w step 2');
  await until(async () => (await call<FiberInfo[]>(bridge, 'fibers'))[0]?.status === 'completed');
  expect(await call(bridge, 'managed', { idempotencyKey: 'k' })).toBe(id);
  expect(traces().filter((line) => line.startsWith('w step'))).toEqual(['w step 1', 'w step 2']);
});

test('cancelFiber and destroy abort the signal', async () => {
  const bridge = await start();
  const id = await call<string>(bridge, 'managed', {});
  await traced('w step 1');
  expect(await call(bridge, 'cancel', id)).toBe(true);
  await traced('w aborted');
  expect(await call(bridge, 'fibers')).toMatchObject([{ id, status: 'cancelled' }]);
  await call(bridge, 'begin');
  await until(() => traces().filter((line) => line === 'w step 1').length === 2);
  await call(bridge, 'end');
  await until(() => traces().filter((line) => line === 'w aborted').length === 2);
  expect(await call(bridge, 'fibers')).toEqual([]);
});

test('a fiber that the stop of the bridge interrupts is recovered at the next start', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir);
  await call(first, 'begin');
  await traced('w step 1');
  await first.stop();
  expect(traces()).toEqual(['w step 1', 'w aborted']);
  const second = await start(dataDir);
  await second.fetch('/api/agents/weaver/w'); // wakes it; its alarm would later
  await traced('w recovered weave {"step":1} 1');
  go();
  await traced('w step 2');
});

test('a fiber of an agent that is restarted because a handler hangs is recovered', async () => {
  const bridge = await startBridge({ devices, shards: 1 }, { shard: { turnDeadlineMs: 200 } });
  await call(bridge, 'begin');
  await traced('w step 1');
  const device = await bridge.mqtt();
  await device.publishAsync('devices/weaver/w/telemetry', '{"x":666}', { qos: 1 });
  await traced('w recovered weave {"step":1} 1');
  expect(traces()).toContain('w aborted');
  go();
  await traced('w step 2');
  expect(await call(bridge, 'fibers')).toEqual([]);
});
