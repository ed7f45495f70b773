/** The agents of the fleet: what they find among many devices, and how they act on one. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { startModelServer, type ModelRequest } from '../../support/model-server.ts';
import { actuator, start } from '../device-tools/live.ts';

type Json = Record<string, unknown>;

async function run(bridge: TestBridge, tool: string, input: Json = {}, fleet = 'all'): Promise<Json> {
  const { status, body } = await bridge.fetch(`/api/agents/fleet/${fleet}/tools/${tool}`, { body: input });
  return status === 200 ? (body['value'] as Json) : body;
}

async function publish(bridge: TestBridge, devices: Readonly<Record<string, object>>): Promise<void> {
  const client = await bridge.mqtt();
  await Promise.all(
    Object.entries(devices).map(([device, values]) =>
      client.publishAsync(`devices/${device}/telemetry`, JSON.stringify(values), { qos: 1 }),
    ),
  );
}

/** Twelve greenhouses of 20 to 31 °C, one of which has slept since, and two pumps. */
const DEVICES = {
  ...Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`greenhouse/g${n}`, { temperature: 20 + n }])),
  'pump/p1': { vibration: 2, running: true },
  'pump/p2': { vibration: 7, running: false },
};

test('devices are counted, found by what they said last and compared; nobody is listed or woken for it', async () => {
  const here = await startBridge();
  await publish(here, DEVICES);
  await here.fetch('/api/agents/greenhouse/g11/hibernate', { method: 'POST' });
  expect(await run(here, 'fleet_overview')).toMatchObject({
    models: { greenhouse: { online: 12 }, pump: { online: 2 } },
  });
  const hot = await run(here, 'fleet_search', { metric: 'temperature', op: '>', value: 28, limit: 2 });
  expect(hot).toMatchObject({
    matching: 3,
    devices: [
      { device: 'greenhouse/g10', values: { temperature: 30 } },
      { device: 'greenhouse/g11', values: { temperature: 31 } },
    ],
    next: 'greenhouse/g11',
  });
  const rest = await run(here, 'fleet_search', {
    metric: 'temperature',
    op: '>',
    value: 28,
    after: hot['next'],
  });
  expect(rest['devices']).toMatchObject([{ device: 'greenhouse/g9' }]);
  expect(rest).not.toHaveProperty('next');
  expect(await run(here, 'fleet_search', { metric: 'running', op: '=', value: false })).toMatchObject({
    matching: 1,
    devices: [{ device: 'pump/p2' }],
  });
  expect(await run(here, 'fleet_compare', { metric: 'temperature', model: 'greenhouse' })).toMatchObject({
    devices: 12,
    min: 20,
    mean: 25.5,
    max: 31,
    highest: [{ device: 'greenhouse/g11', value: 31 }, {}, {}, {}, {}],
    lowest: [{ device: 'greenhouse/g0', value: 20 }, {}, {}, {}, {}],
  });
  expect((await here.agent('greenhouse/g11'))['awake']).toBe(false);
  expect(await run(here, 'fleet_search', { op: '>', value: 28 })).toMatchObject({ code: 'BRG_BAD_REQUEST' });
});

test('groups are named, are agents of their own that see nobody else, and outlive a restart', async () => {
  const dataDir = temporaryDir();
  const before = await startBridge({ dataDir });
  await publish(before, DEVICES);
  await run(before, 'fleet_groups', {
    action: 'save',
    name: 'hot',
    metric: 'temperature',
    op: '>',
    value: 28,
  });
  await run(before, 'fleet_groups', { action: 'save', name: 'two', members: ['pump/p1', 'greenhouse/g3'] });
  expect(
    await run(before, 'fleet_groups', { action: 'save', name: 'bad', members: ['pump/nobody'] }),
  ).toMatchObject({ code: 'BRG_BAD_REQUEST' });
  await before.stop();
  const bridge = await startBridge({ dataDir });
  const { groups } = await run(bridge, 'fleet_groups', { action: 'list' });
  expect(Object.keys(groups as Json)).toEqual(['hot', 'two']);
  expect(await run(bridge, 'fleet_search', { group: 'hot' })).toMatchObject({ matching: 3 });
  expect(await run(bridge, 'fleet_search', {}, 'two')).toMatchObject({
    devices: [{ device: 'greenhouse/g3' }, { device: 'pump/p1' }],
  });
  expect(await run(bridge, 'device_tool', { device: 'pump/p2', tool: 'read_state' }, 'two')).toMatchObject({
    code: 'BRG_UNKNOWN_AGENT',
  });
  expect(await run(bridge, 'fleet_search', {}, 'nothing')).toMatchObject({ code: 'BRG_NOT_FOUND' });
  await run(bridge, 'fleet_groups', { action: 'delete', name: 'hot' });
  expect(await run(bridge, 'fleet_search', { group: 'hot' })).toMatchObject({ code: 'BRG_NOT_FOUND' });
  // It is no device: nobody counts it.
  expect((await bridge.fetch('/api/agents')).body['agents']).toHaveLength(14);
});

test('a device is acted on where it is: under its policy, and named in its audit log', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const act = (input: Json): Promise<Json> =>
    run(bridge, 'device_tool', { device: 'valve/v1', tool: 'send_command', input });
  expect(await act({ command: 'stop' })).toMatchObject({ device: 'valve/v1', answer: { outcome: 'done' } });
  expect(await act({ command: 'purge' })).toMatchObject({ answer: { outcome: 'refused' } });
  expect(await act({ command: 'move', value: 80 })).toMatchObject({ answer: { outcome: 'needs-approval' } });
  expect(device.got.map(({ name }) => name)).toEqual(['stop']);
  const { tools } = await run(bridge, 'device_tools', { device: 'valve/v1' });
  expect(JSON.stringify(tools)).toContain('send_command');
  expect(await run(bridge, 'device_tool', { device: 'valve/v9', tool: 'read_state' })).toMatchObject({
    code: 'BRG_UNKNOWN_AGENT',
  });
  expect((await bridge.fetch('/api/agents/valve/v9')).status).toBe(404);
});

test('the fleet is asked in words; its chat acts through a device, and is there after a restart', async () => {
  const requests: ModelRequest[] = [];
  await using server = await startModelServer((request) => {
    requests.push(request);
    if (request.body.messages.at(-1)?.role === 'tool') return { text: ['It is ', '23 there.'] };
    const input = { device: 'greenhouse/g3', tool: 'read_state' };
    return { call: { id: 'c1', name: 'device_tool', input: JSON.stringify(input) } };
  });
  const dataDir = temporaryDir();
  const settings = { dataDir, model: `openai-compatible:${server.url}#any` };
  const before = await startBridge(settings);
  await publish(before, DEVICES);
  const asked = await before.fetch('/api/agents/fleet/all/ask', { body: { text: 'how warm is g3?' } });
  expect(asked.body).toMatchObject({ finish: 'done', text: 'It is 23 there.' });
  expect(JSON.stringify(requests[1]?.body.messages.at(-1))).toContain('23');
  await before.stop();
  const bridge = await startBridge(settings);
  expect((await bridge.agent('fleet/all/messages'))['messages']).toHaveLength(2);
  expect((await bridge.fetch('/api/agents')).body['agents']).toHaveLength(14);
  expect(await bridge.fetch('/api/agents/fleet/all', { method: 'DELETE' })).toMatchObject({ status: 200 });
  expect((await bridge.agent('fleet/all/messages'))['messages']).toEqual([]);
});

test('without a model it answers how many, which and how warm, and hands a question on to the device it names', async () => {
  const bridge = await startBridge();
  await publish(bridge, DEVICES);
  const ask = async (text: string): Promise<unknown> =>
    (await bridge.fetch('/api/agents/fleet/all/ask', { body: { text } })).body['text'];
  expect(await ask('how many are online?')).toMatch(
    /14 of 14 devices are online \(greenhouse 12, pump 2\)\.$/,
  );
  expect(await ask('which greenhouses are above 29 °C?')).toMatch(
    /: greenhouse\/g10 30, greenhouse\/g11 31\.$/,
  );
  expect(await ask('which pumps are not running?')).toMatch(/1 pump device .*: pump\/p2\.$/);
  expect(await ask('warmest greenhouse')).toMatch(/greenhouse\/g11 31, greenhouse\/g10 30/);
  expect(await ask('which are silent for an hour?')).toMatch(/ 0 devices silent for 60 min or more\.$/);
  expect(await ask('what is the temperature of greenhouse/g3?')).toMatch(/ greenhouse\/g3: temperature: 23$/);
  expect(await run(bridge, 'fleet_search', { silent_minutes: 0, model: 'pump' })).toMatchObject({
    matching: 2,
  });
});

test('its prompt stays under 4,000 tokens with 10,000 devices, and looking at all of them holds nobody up', async () => {
  const requests: ModelRequest[] = [];
  await using server = await startModelServer((request) => {
    requests.push(request);
    return { text: ['Many.'] };
  });
  const bridge = await startBridge({ model: `openai-compatible:${server.url}#any` });
  const entries = Array.from({ length: 10_000 }, (_, n) => [`greenhouse/g${n}`, { temperature: n % 50 }]);
  await publish(bridge, Object.fromEntries(entries) as Record<string, object>);
  await bridge.fetch('/api/agents/fleet/all/ask', { body: { text: 'how many are too warm?' } });
  // No text of this kind has more than a token for each three bytes.
  const { messages, tools } = requests[0]?.body ?? {};
  expect(Buffer.byteLength(JSON.stringify({ messages, tools })) / 3).toBeLessThan(4000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const hot = await run(bridge, 'fleet_search', { metric: 'temperature', op: '=', value: 49 });
  delay.disable();
  expect(hot).toMatchObject({ matching: 200 });
  expect(delay.max / 1e6).toBeLessThan(250);
  expect(JSON.stringify(hot).length / 3).toBeLessThan(1500);
}, 60_000);
