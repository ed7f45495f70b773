/** The state of an agent: first frames, validation, versions, patches, size; what is refused changes nothing. */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { AgentClient } from '../../src/client/index.ts';
import { encodeFrame, SUBPROTOCOL_CBOR, type Frame } from '../../src/wire/index.ts';
import { temporaryDir, type TestBridge } from '../support/bridge.ts';
import type { FrameSocket } from '../support/frame-socket.ts';
import { call, hookBridge } from '../support/hook-bridge.ts';
import { notes } from '../support/hook-devices.ts';
import { until } from '../support/until.ts';

const quick = { shard: { idleTimeoutMs: 20 } };

/** Connected, its first frames there. */
async function joined(bridge: TestBridge, target: string, protocols: string[] = []): Promise<FrameSocket> {
  const socket = await bridge.socket(target, protocols);
  await socket.frame(target.startsWith('meter') ? 'mooring_presence' : 'cf_agent_mcp_servers');
  return socket;
}

function states(socket: FrameSocket): Frame[] {
  return socket.frames.filter(({ type }) => type === 'cf_agent_state' || type === 'mooring_state_patch');
}

function asleep(bridge: TestBridge): Promise<unknown> {
  return until(
    async () => (await bridge.fetch('/api/stats')).body['awake'] === 0,
    'every agent to be asleep',
  );
}

test.each([
  ['zero', 0],
  ['empty', ''],
  ['false', false],
  ['null', null],
  ['list', [1]],
])('an initial state %s is sent once to each connection', async (name, state) => {
  const bridge = await hookBridge();
  for (const protocols of [[], [SUBPROTOCOL_CBOR]]) {
    const viewer = await joined(bridge, `room/${name}`, protocols);
    viewer.socket.send(
      encodeFrame({ type: 'rpc', id: 'a', method: 'who', args: [] } as never, viewer.codec),
      {
        binary: viewer.codec === 'cbor',
      },
    );
    await viewer.frame('rpc');
    expect(states(viewer)).toEqual([{ type: 'cf_agent_state', state, version: 0 }]);
  }
});

test.each([[0], [''], [false], [null], [{}], ['text']])(
  'a state set to %j reaches everybody, now and later',
  async (state) => {
    const bridge = await hookBridge();
    const [setter, other] = [await joined(bridge, 'room/a'), await joined(bridge, 'room/a')];
    setter.send({ type: 'cf_agent_state', state });
    expect(await other.frame('cf_agent_state')).toEqual({ type: 'cf_agent_state', state, version: 1 });
    const later = await joined(bridge, 'room/a');
    expect(states(later)).toEqual([{ type: 'cf_agent_state', state, version: 1 }]);
    expect(states(setter)).toEqual([]);
  },
);

test.each([['sync'], ['async']])(
  'what validateStateChange refuses (%s) changes nothing, and nobody else hears of it',
  async (refuse) => {
    const bridge = await hookBridge();
    const [setter, other] = [
      await joined(bridge, `room/v-${refuse}`),
      await joined(bridge, `room/v-${refuse}`),
    ];
    setter.send({ type: 'cf_agent_state', state: { n: 1 } });
    setter.send({ type: 'cf_agent_state', state: { refuse } });
    expect((await setter.frame('cf_agent_state_error')).error).toBe('State update rejected');
    expect(await call(setter, 'trySet', { refuse })).toBe('secret');
    setter.send({ type: 'cf_agent_state', state: { n: 2 } });
    await other.frame('cf_agent_state', 2);
    expect(states(other)).toEqual([
      { type: 'cf_agent_state', state: { n: 1 }, version: 1 },
      { type: 'cf_agent_state', state: { n: 2 }, version: 2 },
    ]);
    expect(other.ofType('cf_agent_state_error')).toEqual([]);
    expect(notes.filter((note) => note.startsWith(`v-${refuse} onStateChanged`))).toEqual([
      `v-${refuse} onStateChanged {"n":1} client`,
      `v-${refuse} onStateChanged {"n":2} client`,
    ]);
  },
);

test('setState with an asynchronous validation: order holds, a refusal goes to onError, a hanging one ends', async () => {
  const bridge = await hookBridge();
  const [setter, other] = [await joined(bridge, 'room/order'), await joined(bridge, 'room/order')];
  expect(await call(setter, 'set', { slow: 30 })).toBeNull();
  expect(await call(setter, 'set', { n: 2 })).toBeNull(); // behind the slow one, not before it
  await other.frame('cf_agent_state', 2);
  expect(states(other)).toEqual([
    { type: 'cf_agent_state', state: { slow: 30 }, version: 1 },
    { type: 'cf_agent_state', state: { n: 2 }, version: 2 },
  ]);
  await call(setter, 'set', { refuse: 'async' });
  await until(() => notes.includes('order onError - secret'));
  expect(await call(setter, 'trySet', { refuse: 'never' })).toContain('did not answer in time');
  expect(await call(setter, 'trySet', { slow: 1 })).toBe('taken');
  expect(await other.frame('cf_agent_state', 3)).toMatchObject({ state: { slow: 1 }, version: 3 });
});

test('what onStateChanged throws goes to onError; the state stays', async () => {
  const bridge = await hookBridge();
  const [setter, other] = [await joined(bridge, 'room/after'), await joined(bridge, 'room/after')];
  setter.send({ type: 'cf_agent_state', state: { fail: true } });
  expect(await other.frame('cf_agent_state')).toMatchObject({ state: { fail: true } });
  await until(() => notes.includes('after onError connection onStateChanged'));
  expect(await call(setter, 'trySet', { n: 1 })).toBe('taken');
});

test('a change that is taken back was told to nobody; the next one has its version', async () => {
  const bridge = await hookBridge();
  const setter = await joined(bridge, 'room/back');
  const [whole, patches] = [await joined(bridge, 'room/back'), await joined(bridge, 'room/back?state=patch')];
  const long = 'x'.repeat(100);
  await call(setter, 'set', { long, n: 1 });
  expect(await call(setter, 'setThenFail', { long, n: 2 })).toBe('after the change');
  await call(setter, 'set', { long, n: 3 });
  await call(setter, 'set', { long, n: 4 });
  await patches.frame('mooring_state_patch');
  expect(states(whole).map((frame) => ('version' in frame ? frame.version : 0))).toEqual([1, 2, 3]);
  expect(states(patches)).toEqual([
    { type: 'cf_agent_state', state: { long, n: 1 }, version: 1 },
    { type: 'cf_agent_state', state: { long, n: 3 }, version: 2 },
    { type: 'mooring_state_patch', patch: { n: 4 }, version: 3 },
  ]);
});

test('a connection that asked for patches gets them where they say the change in fewer bytes, both codecs', async () => {
  const bridge = await hookBridge();
  const setter = await joined(bridge, 'room/patch');
  const json = await joined(bridge, 'room/patch?x=1&state=patch');
  const cbor = await joined(bridge, 'room/patch?state=patch', [SUBPROTOCOL_CBOR]);
  const long = 'x'.repeat(50);
  const steps: unknown[] = [
    { long, deep: { a: 1, b: 2 } },
    { long, deep: { a: 1, b: 3 } },
    { long, deep: { b: 3 } },
    { long: null, deep: { b: 3 } }, // null cannot be said
    { other: 1 }, // shorter than its patch
    [1, long],
    [1, long, 2],
    { long },
  ];
  for (const step of steps) await call(setter, 'set', step);
  await json.frame('cf_agent_state', 6);
  const expected = [
    { type: 'cf_agent_state', state: steps[0], version: 1 },
    { type: 'mooring_state_patch', patch: { deep: { b: 3 } }, version: 2 },
    { type: 'mooring_state_patch', patch: { deep: { a: null } }, version: 3 },
    ...steps.slice(3).map((state, n) => ({ type: 'cf_agent_state', state, version: n + 4 })),
  ];
  expect(states(json)).toEqual(expected);
  await cbor.frame('cf_agent_state', 6);
  expect(states(cbor)).toEqual(expected);
});

test('patches follow a state that its author changes in place, through sleep, and from the client that set it', async () => {
  const bridge = await hookBridge({}, quick);
  const setter = await joined(bridge, 'room/place?state=patch');
  const viewer = await joined(bridge, 'room/place?state=patch');
  const long = 'x'.repeat(50);
  setter.send({ type: 'cf_agent_state', state: { long, deep: {} } });
  for (const n of [1, 2]) {
    await asleep(bridge);
    await call(setter, 'mutate', 'n', n);
  }
  await viewer.frame('mooring_state_patch', 2);
  const patches = [
    { type: 'mooring_state_patch', patch: { deep: { n: 1 } }, version: 2 },
    { type: 'mooring_state_patch', patch: { deep: { n: 2 } }, version: 3 },
  ];
  expect(states(viewer)).toEqual([
    { type: 'cf_agent_state', state: { long, deep: {} }, version: 1 },
    ...patches,
  ]);
  expect(states(setter)).toEqual(patches);
});

test('telemetry makes one patch for each commit, and clients of every kind agree at the end', async () => {
  const bridge = await hookBridge({}, quick);
  const options = { host: bridge.bridge.http.url, model: 'meter', id: 'm' };
  const clients = [
    new AgentClient(options),
    new AgentClient({ ...options, codec: 'json' }),
    new AgentClient({ ...options, statePatches: false }),
  ];
  await Promise.all(clients.map((client) => client.ready));
  const raw = await joined(bridge, 'meter/m?state=patch');
  const device = await bridge.mqtt();
  const long = 'y'.repeat(150);
  const say = (values: unknown): Promise<unknown> =>
    device.publishAsync('devices/meter/m/telemetry', JSON.stringify(values), { qos: 1 });
  await say({ long, x: -1 });
  for (let x = 0; x < 20; x++) {
    await say([{ x }, { x: x + 0.5 }]);
    if (x % 5 === 0) await call(raw, 'note', `n${x}`);
    if (x % 7 === 0) await clients[x % 3]?.setState({ long, x, client: x });
    if (x === 10) await asleep(bridge);
  }
  const { state } = await bridge.agent('meter/m');
  expect(state).toMatchObject({ long, x: 19.5 });
  await until(() => clients.every((client) => JSON.stringify(client.state) === JSON.stringify(state)));
  const patches = raw.ofType('mooring_state_patch');
  expect(patches.length).toBeGreaterThan(20);
  const versions = states(raw).map((frame) => ('version' in frame ? Number(frame.version) : 0));
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(new Set(versions).size).toBe(versions.length);
  expect(raw.ofType('cf_agent_state').length).toBeLessThan(6);
  expect(clients.every(({ status }) => status === 'live')).toBe(true);
  for (const client of clients) client.close();
});

test('states of one version are the same state, also when nobody looked', async () => {
  const bridge = await hookBridge({}, quick);
  const device = await bridge.mqtt();
  const say = (x: number): Promise<unknown> =>
    device.publishAsync('devices/meter/q/telemetry', JSON.stringify({ x }), { qos: 1 });
  const seen = new Map<number, string>();
  for (let x = 0; x < 4; x++) {
    for (const n of [x, x, x + 0.5]) await say(n);
    const viewer = await joined(bridge, 'meter/q');
    for (const { state, version = -1 } of viewer.ofType('cf_agent_state')) {
      expect(seen.get(version) ?? JSON.stringify(state)).toBe(JSON.stringify(state));
      seen.set(version, JSON.stringify(state));
    }
    viewer.socket.close();
    await bridge.describedAs('meter/q', ({ connections }) => connections === 0);
    await asleep(bridge);
  }
  expect([...seen.values()]).toEqual(['{"x":0.5}', '{"x":1.5}', '{"x":2.5}', '{"x":3.5}']);
});

test('frames leave in the order in which the agent made them', async () => {
  const bridge = await hookBridge();
  const viewer = await joined(bridge, 'room/seq');
  viewer.clear();
  await call(viewer, 'setBetween');
  const seen = viewer.received.map(({ data }) => data.toString());
  expect(seen.slice(0, 3)).toEqual([
    '{"type":"cf_agent_state","state":{"step":1},"version":1}',
    'between',
    '{"type":"cf_agent_state","state":{"step":2},"version":2}',
  ]);
});

test('a state of 10 MB is the same in memory, on a connection and on disk; beyond the limit nothing changes', async () => {
  const dataDir = temporaryDir();
  const size = 10_000_000;
  const bridge = await hookBridge({ dataDir });
  const viewer = await joined(bridge, 'room/big');
  expect(await call(viewer, 'big', size)).toBe(size - 2);
  expect(String((await viewer.frame('cf_agent_state')).state).length).toBe(size - 2);
  const refused = `the state is ${limits.stateBytesMax + 1} bytes, the limit is ${limits.stateBytesMax}`;
  expect(await call(viewer, 'big', limits.stateBytesMax + 1)).toBe(refused);
  expect(await call(viewer, 'odd')).toEqual(Array(4).fill('BRG_PAYLOAD_SHAPE'));
  expect(viewer.ofType('cf_agent_state').length).toBe(1);
  await bridge.stop();
  const again = await hookBridge({ dataDir });
  const later = await joined(again, 'room/big');
  expect(String((await later.frame('cf_agent_state')).state).length).toBe(size - 2);
  expect(await call(later, 'big', limits.stateBytesMax)).toBe(limits.stateBytesMax - 2);
  await again.stop();
  const last = await joined(await hookBridge({ dataDir }), 'room/big');
  expect(String((await last.frame('cf_agent_state')).state).length).toBe(limits.stateBytesMax - 2);
}, 60_000);

test('a stored state that is no JSON is logged and given up: the initial state takes its place, all else goes on', async () => {
  const dataDir = temporaryDir();
  const first = await hookBridge({ dataDir });
  for (const name of ['list', 'damaged']) await call(await joined(first, `room/${name}`), 'set', { n: 1 });
  await first.stop();
  const db = new Database(join(dataDir, 'shard.db'));
  expect(db.prepare(`UPDATE cells SET value = '{"n":' WHERE name = 'state'`).run().changes).toBe(2);
  db.close();
  const second = await hookBridge({ dataDir });
  const { agents } = (await second.fetch('/api/agents?model=room')).body;
  expect(agents).toMatchObject([
    { id: 'damaged', state: null },
    { id: 'list', state: null },
  ]);
  const viewer = await joined(second, 'room/list');
  expect(states(viewer)).toEqual([{ type: 'cf_agent_state', state: [1], version: 1 }]);
  const other = await joined(second, 'room/damaged');
  expect(states(other)).toEqual([]);
  expect(await call(viewer, 'set', { n: 2 })).toEqual({ n: 2 });
  await second.stop();
  const third = await joined(await hookBridge({ dataDir }), 'room/list');
  expect(states(third)).toMatchObject([{ state: { n: 2 } }]);
});
