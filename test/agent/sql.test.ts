import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/sql-devices.ts', import.meta.url));

async function call(bridge: TestBridge, path: string, ...args: unknown[]): Promise<unknown> {
  const [agent, method] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
  const { body } = await bridge.fetch(`/api/agents/${agent}/call/${method}`, { body: { args } });
  return 'value' in body ? body['value'] : body;
}

/** Sends readings and waits until the last one is applied. */
async function say(bridge: TestBridge, id: string, ...xs: number[]): Promise<void> {
  const device = await bridge.mqtt();
  const topic = `devices/ledger/${id}/telemetry`;
  for (const [index, x] of xs.entries()) {
    await device.publishAsync(topic, JSON.stringify({ x, boot: 'b', seq: index + 1 }), { qos: 1 });
  }
}

const files = (dataDir: string): string[] =>
  existsSync(join(dataDir, 'agents'))
    ? readdirSync(join(dataDir, 'agents'), { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('.db'))
    : [];

test('rows, state and messages of a turn are one commit, and outlive a restart', async () => {
  const dataDir = temporaryDir();
  const first = await startBridge({ devices, dataDir });
  await say(first, 'l1', 1, 2, 13, 4); // the hook throws on 13: its row is taken back, the data is kept
  expect(await call(first, 'ledger/l1/readings')).toEqual([1, 2, 4]);
  expect(await first.agent('ledger/l1')).toMatchObject({ messages: 4, state: { x: 4, rows: 3 } });
  expect(files(dataDir)).toHaveLength(1);
  await first.stop();

  const second = await startBridge({ devices, dataDir });
  expect(await call(second, 'ledger/l1/readings')).toEqual([1, 2, 4]);
  expect(await second.agent('ledger/l1')).toMatchObject({ messages: 4, state: { x: 4, rows: 3 } });
  const { agents } = (await second.fetch('/api/agents')).body;
  expect(agents).toMatchObject([{ id: 'l1', state: { x: 4, rows: 3 } }]);
  const history = await second.agent('ledger/l1/telemetry?metric=x');
  expect(JSON.stringify(history)).toContain('"count":4');
});

test('a call that throws leaves no row and no state', async () => {
  const bridge = await startBridge({ devices });
  await say(bridge, 'l1', 5);
  expect(await call(bridge, 'ledger/l1/putThenThrow')).toMatchObject({ detail: 'after all' });
  expect(await call(bridge, 'ledger/l1/readings')).toEqual([5]);
  expect(await bridge.agent('ledger/l1')).toMatchObject({ state: { rows: 1 } });
  expect(await call(bridge, 'ledger/l1/nested')).toEqual([[5, 1, 2], [5, 1], 1]);
  expect(await call(bridge, 'ledger/l1/readings')).toEqual([5, 1]);
  expect(await call(bridge, 'ledger/l1/asyncTransaction')).toMatch(/synchronous function/);
  expect(await call(bridge, 'ledger/l1/readings')).toEqual([5, 1]);
});

test('asynchronous turns write on both sides of an await', async () => {
  const bridge = await startBridge({ devices });
  await say(bridge, 'l1', 5);
  expect(await call(bridge, 'ledger/l1/slowly')).toEqual([5, 1, 2]);
});

test('storage keeps structured values, and SQL errors name their query', async () => {
  const bridge = await startBridge({ devices });
  await say(bridge, 'l1', 5);
  expect(await call(bridge, 'ledger/l1/kv')).toEqual({
    gone: true,
    keys: ['a', 'c'],
    a: { deep: [1] },
    one: 'one',
  });
  expect(await call(bridge, 'ledger/l1/run', 'SELEKT 1')).toMatch(/^SqlError on SELEKT 1: near "SELEKT"/);
  expect(await call(bridge, 'ledger/l1/run', 'COMMIT')).toMatch(
    /^SqlError on COMMIT: COMMIT is not for agents/,
  );
  expect(await call(bridge, 'ledger/l1/run', 'SELECT ? + ? AS sum', 1, 2)).toEqual([{ sum: 3 }]);
  expect(await call(bridge, 'ledger/l1/bytes')).toBeGreaterThan(8192);
  await say(bridge, 'l1', 0, 6, 7); // seq 1 was applied
  expect(await call(bridge, 'ledger/l1/cursor')).toEqual([5, 6]);
});

test('an agent that was light takes what it had into its file', async () => {
  const dataDir = temporaryDir();
  const bridge = await startBridge({ devices, dataDir });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/late/a/telemetry', '{"x":1}', { qos: 1 });
  await bridge.fetch('/api/agents/late/a/desired', { method: 'PATCH', body: { mode: 'eco' } });
  expect(files(dataDir)).toEqual([]);
  expect(await call(bridge, 'late/a/grow', 'one')).toBe(1);
  expect(files(dataDir)).toHaveLength(1);
  await device.publishAsync('devices/late/a/telemetry', '{"x":2}', { qos: 1 });
  const whole = { messages: 2, state: { x: 2 }, desired: { mode: 'eco' } };
  expect(await bridge.agent('late/a')).toMatchObject(whole);
  await bridge.stop();
  const again = await startBridge({ devices, dataDir });
  expect(await again.agent('late/a')).toMatchObject(whole);
  expect(await call(again, 'late/a/notes')).toEqual(['one']);
});

test('a forgotten agent takes its file with it, and a new one of its address begins anew', async () => {
  const dataDir = temporaryDir();
  const bridge = await startBridge({ devices, dataDir });
  await say(bridge, 'l1', 5);
  expect(files(dataDir)).toHaveLength(1);
  await call(bridge, 'ledger/l1/forgetMe');
  await until(() => files(dataDir).length === 0, 'the file to go');
  await say(bridge, 'l1', 8);
  expect(await call(bridge, 'ledger/l1/readings')).toEqual([8]);
});

test('a database at its limit refuses the row, and the agent goes on', async () => {
  const bridge = await startBridge({ devices, agentBytesMax: 1024 * 1024 });
  await say(bridge, 'l1', 5);
  const insert = 'INSERT INTO reading VALUES(1, zeroblob(700000))';
  expect(await call(bridge, 'ledger/l1/run', insert)).toEqual([]);
  expect(await call(bridge, 'ledger/l1/run', insert)).toMatch(/larger than 1048576 bytes/);
  expect(await call(bridge, 'ledger/l1/run', 'SELECT count(*) AS n FROM reading')).toEqual([{ n: 2 }]);
  await say(bridge, 'l1', 0, 6);
  expect(await bridge.agent('ledger/l1')).toMatchObject({ messages: 3, state: { x: 6 } });
});

test('a WebSocket message is on disk with its row before its answer arrives', async () => {
  const dataDir = temporaryDir();
  const bridge = await startBridge({ devices, dataDir });
  const socket = await bridge.socket('ledger/l1');
  socket.socket.send('7');
  await until(() => socket.received.some(({ data }) => data.toString() === 'kept 7'), 'the answer');
  expect(await call(bridge, 'ledger/l1/readings')).toEqual([7]);
});
