/** Several shards behave like one: in this thread, and in threads of their own with the one that writes the journal. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shardOf } from '../../src/actor/placement.ts';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';

const SHARDS = 3;
const IDS = Array.from({ length: 12 }, (_, n) => `d${n}`);

/** In this thread a directory has as many shards as it says; a fresh one is told here. */
function startShards(isInline: boolean, dataDir = temporaryDir()): Promise<TestBridge> {
  const layout = join(dataDir, 'layout.json');
  if (!existsSync(layout)) writeFileSync(layout, JSON.stringify({ format: 1, shards: SHARDS }));
  return startBridge({ devices: labDevices, dataDir, shards: isInline ? 0 : SHARDS });
}

/** An id of each shard. */
function idOf(shard: number, prefix = 's'): string {
  const id = Array.from({ length: 100 }, (_, n) => `${prefix}${n}`).find(
    (name) => shardOf(`lab/${name}`, SHARDS) === shard,
  );
  if (id === undefined) throw new Error('the hash does not spread');
  return id;
}

async function publish(bridge: TestBridge, ids: readonly string[], messages: number): Promise<void> {
  const device = await bridge.mqtt();
  const said = Array.from({ length: messages }, (_, x) =>
    ids.map((id) => device.publishAsync(`devices/lab/${id}/telemetry`, JSON.stringify({ x }), { qos: 1 })),
  );
  await Promise.all(said.flat());
  await device.endAsync();
}

async function listed(bridge: TestBridge, query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: unknown = ''; cursor !== null;) {
    const after = cursor === '' ? '' : `&cursor=${String(cursor)}`;
    const { body } = await bridge.fetch(`/api/agents?${query}${after}`);
    const page = body['agents'] as { model: string; id: string }[]; // the route's schema
    expect(page.length).toBeLessThanOrEqual(5);
    ids.push(...page.map(({ model, id }) => `${model}/${id}`));
    cursor = body['cursor'];
  }
  return ids;
}

async function tool(bridge: TestBridge, name: string, input: object): Promise<unknown> {
  const { body } = await bridge.fetch(`/api/agents/fleet/all/tools/${name}`, { body: input });
  return body['value'] ?? body;
}

test('the hash spreads devices evenly', () => {
  const counts = [0, 0, 0];
  for (let n = 0; n < 3000; n++)
    counts[shardOf(`lab/device-${n}`, SHARDS)] = (counts[shardOf(`lab/device-${n}`, SHARDS)] ?? 0) + 1;
  expect(Math.min(...counts)).toBeGreaterThan(900);
});

/** A message of each of 14 agents; lists and numbers are as from one shard. */
async function testAnswers(bridge: TestBridge): Promise<void> {
  const viewer = await bridge.socket('fleet/all');
  expect(await viewer.frame('mooring_fleet')).toMatchObject({ rows: [], totals: { agents: 0 } });
  await publish(bridge, IDS, 20);
  for (const id of IDS) {
    expect(await bridge.agent(`lab/${id}/telemetry/count`)).toMatchObject({ accepted: 20, applied: 20 });
    expect(await bridge.agent(`lab/${id}`)).toMatchObject({ messages: 20, state: { x: 19 } });
  }
  const all = IDS.map((id) => `lab/${id}`).sort();
  expect(await listed(bridge, 'limit=5')).toEqual(all);
  expect(await listed(bridge, 'limit=1')).toEqual(all);
  const { body: stats } = await bridge.fetch('/api/stats');
  expect(stats).toMatchObject({ agents: 12, telemetryApplied: 240, journalSequence: 240 });
  await until(() => {
    const rows = viewer.ofType('mooring_fleet').flatMap((frame) => frame['rows'] as { id: string }[]); // its spec
    return new Set(rows.map(({ id }) => id)).size === IDS.length;
  }, 'a row of each agent');
  for (const id of IDS) await bridge.fetch(`/api/agents/lab/${id}/commands/ping?timeout=0`, { body: null });
  const audit: string[] = [];
  for (let cursor: unknown = ''; cursor !== null;) {
    const { body } = await bridge.fetch(
      `/api/audit?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
    );
    const page = body['items'] as { agent: string }[]; // the route's schema
    expect(page.length).toBeLessThanOrEqual(2);
    audit.push(...page.map(({ agent }) => agent));
    cursor = body['cursor'];
  }
  expect(audit.sort()).toEqual(all);
}

/** An agent of the fleet is in one shard, and acts on devices of all. */
async function testFleet(bridge: TestBridge): Promise<void> {
  expect(await tool(bridge, 'fleet_compare', { metric: 'x' })).toMatchObject({ devices: 12 });
  const members = [0, 1, 2].map((shard) => `lab/${idOf(shard)}`);
  await publish(
    bridge,
    [0, 1, 2].map((shard) => idOf(shard)),
    1,
  );
  for (const device of members) {
    expect(await tool(bridge, 'device_tool', { device, tool: 'read_state' })).toMatchObject({ device });
  }
  expect(await tool(bridge, 'fleet_groups', { action: 'save', name: 'mine', members })).toMatchObject({
    saved: 'mine',
  });
  const unknown = await tool(bridge, 'fleet_groups', { action: 'save', name: 'not', members: ['lab/none'] });
  expect(unknown).toMatchObject({ code: 'BRG_BAD_REQUEST' });
}

test('three shards in this thread answer about all agents as one does', async () => {
  const bridge = await startShards(true);
  await testAnswers(bridge);
  await testFleet(bridge);
});

test('three shards in threads answer as one does; when one of them ends the others go on, and nothing is lost', async () => {
  process.env['LAB_CRASH_MARKER'] = join(temporaryDir(), 'crashed');
  const bridge = await startShards(false);
  await testAnswers(bridge);
  await testFleet(bridge);
  await testCrash(bridge);
});

test('a start after a stop finds everybody; one with another number of shards is refused and says what to do', async () => {
  const dataDir = temporaryDir();
  const first = await startShards(false, dataDir);
  await publish(first, IDS, 3);
  await first.stop();
  for (const shards of [1, 2]) {
    await expect(startBridge({ dataDir, shards })).rejects.toMatchObject({
      code: 'BRG_SHARDS',
      message: expect.stringContaining(`mooring reshard ${shards}`) as unknown,
    });
  }
  const journal = join(dataDir, 'journal.db');
  renameSync(journal, `${journal}.away`);
  writeFileSync(journal, 'this is no database, and its thread has to say so'.repeat(100));
  await expect(startBridge({ dataDir })).rejects.toMatchObject({ code: 'BRG_DATA_DIR' });
  renameSync(`${journal}.away`, journal);
  const second = await startBridge({ devices: labDevices, dataDir });
  await publish(second, IDS, 2);
  for (const id of IDS) expect(await second.agent(`lab/${id}`)).toMatchObject({ messages: 5 });
});

async function testCrash(bridge: TestBridge): Promise<void> {
  const device = await bridge.mqtt();
  const [victim, other, third] = ['x0', 'x1', 'x2'].map((prefix, shard) => idOf(shard, prefix)) as [
    string,
    string,
    string,
  ]; // three
  const say = (id: string, values: object): Promise<unknown> =>
    device.publishAsync(`devices/lab/${id}/telemetry`, JSON.stringify(values), { qos: 1 });
  await Promise.all([victim, other, third].map((id) => say(id, { x: 0 })));
  const viewer = await bridge.socket(`lab/${other}`);
  await viewer.frame('cf_agent_identity');
  const said = Array.from({ length: 200 }, (_, x) => [
    say(victim, x === 50 ? { x, note: 'crash-exit' } : { x }),
    say(other, { x }),
    say(third, { x }),
  ]);
  await Promise.all(said.flat());
  for (const id of [victim, other, third]) {
    await bridge.describedAs(`lab/${id}`, ({ messages, state }) => {
      return messages === 201 && JSON.stringify(state).includes('"x":199');
    });
    expect(await bridge.agent(`lab/${id}/telemetry/count`)).toMatchObject({ accepted: 201, applied: 201 });
  }
  // It never noticed: one that was introduced again has its first frames twice.
  expect(viewer.ofType('cf_agent_identity')).toHaveLength(1);
}
