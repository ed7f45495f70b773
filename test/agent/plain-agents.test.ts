/** Agents that are no devices: who serves which model, and every way in. */
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Agent, DeviceAgent, sortClasses, type AgentClasses } from '../../src/agent/index.ts';
import { AgentClient } from '../../src/client/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';
import { decodePayload, encodePayload } from '../../src/wire/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { devicesFile } from '../support/devices-file.ts';
import { notes } from '../support/plain-devices.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/plain-devices.ts', import.meta.url));
const start = (shards = 0): Promise<TestBridge> => startBridge({ devices, shards });

class Plain extends Agent {}
class Device extends DeviceAgent {}

const lamp = (agent?: string) =>
  defineDevice({
    model: 'lamp',
    description: 'a lamp',
    ...(agent === undefined ? {} : { agent }),
    metrics: [numeric('x', { min: 0, max: 1 })],
    sample: { x: 1 },
  });

describe('the agents of a module', () => {
  test('are of the model of their name, unless they are for devices', () => {
    const { devices: forDevices, plain } = sortClasses([lamp()], { room: Plain, 'lamp-agent': Device });
    expect([...plain]).toEqual([['room', Plain]]);
    expect([...forDevices.keys()]).toEqual(['device-agent', 'lamp-agent']);
  });

  test.each<[string, AgentClasses, string]>([
    ['Room', { Room: Plain }, 'agents["Room"]: it serves the model of its name'],
    ['lamp', { lamp: Plain }, 'agents["lamp"]: a device has this model'],
    [
      'bulb',
      { bulb: Plain },
      'device "lamp": its agent "bulb" extends Agent; a device needs one that extends',
    ],
    ['fleet', { fleet: Plain, bulb: Device }, 'agents["fleet"]: this name is the bridge’s own'],
    ['no class', { room: {} as typeof Plain, bulb: Device }, 'agents["room"] is no class that extends Agent'],
    [
      'another class',
      { room: Date as unknown as typeof Plain },
      'agents["room"] is no class that extends Agent',
    ],
    ['a missing one', {}, 'device "lamp": no agent "bulb"; known are device-agent'],
  ])('are refused with BRG_DEFINITION: %s', (name, agents, message) => {
    const definition = lamp(['Room', 'lamp', 'another class'].includes(name) ? undefined : 'bulb');
    expect(() => sortClasses([definition], agents)).toThrow(
      expect.objectContaining({
        code: 'BRG_DEFINITION',
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  test('stop the bridge from starting when they do not fit', async () => {
    const code = `import { Agent } from 'mooring';
      export const definitions = [];
      export const agents = { 'Not A Model': class extends Agent {} };`;
    await expect(startBridge({ devices: devicesFile(code), shards: 1 })).rejects.toMatchObject({
      code: 'BRG_DEFINITION',
    });
  });
});

describe.each([0, 1])('with %i shard threads', (shards) => {
  test('the first connection, call or question creates a plain agent', async () => {
    const bridge = await start(shards);
    const call = (path: string, ...args: unknown[]) =>
      bridge.fetch(`/api/agents/${path}`, { method: 'POST', body: { args } });
    expect(await bridge.fetch('/api/agents/room/r1')).toMatchObject({ status: 404 });

    const client = new AgentClient({ host: bridge.bridge.http.url, model: 'room', id: 'r1' });
    onTestFinished(() => client.close());
    await client.ready;
    expect([client.agent, client.name, client.state]).toEqual(['room', 'r1', { members: [] }]);
    expect(await call('room/r2/call/join', 'ada')).toEqual({ status: 200, body: { value: 1 } });
    expect(await call('porter/door/call/letIn', 'r3', 'bob')).toEqual({ status: 200, body: { value: 1 } });
    expect(await call('room/r3/call/join', 'eve')).toEqual({ status: 200, body: { value: 2 } });
    expect((await fetch(`${bridge.bridge.http.url}/agents/room/r4`)).status).toBe(404); // no onRequest of its own
    const { body } = await bridge.fetch('/api/agents?model=room');
    expect((body['agents'] as { id: string }[]).map(({ id }) => id)).toEqual(['r1', 'r2', 'r3', 'r4']);
    expect(await call('roof/r1/call/join')).toMatchObject({
      status: 404,
      body: { code: 'BRG_UNKNOWN_MODEL' },
    });
  });
});

test('its state survives a restart, and it hears messages and broadcasts as a device’s agent does', async () => {
  const bridge = await start();
  const [one, two] = [await bridge.socket('room/r'), await bridge.socket('room/r', ['mooring.v1.cbor'])];
  await Promise.all([one.frame('cf_agent_state'), two.frame('cf_agent_state')]);
  one.socket.send('hello');
  await until(() => one.received.some(({ data }) => data.toString() === 'you said hello'));
  one.send({ type: 'rpc', id: '1', method: 'shout', args: ['all'] });
  expect(await one.frame('rpc')).toMatchObject({ success: true, result: 2 });
  expect(one.received.some(({ data }) => data.toString() === 'r: all')).toBe(true);
  await until(() => two.received.some(({ data }) => data.equals(encodePayload('r: all', 'cbor'))));
  one.send({ type: 'cf_agent_state', state: { members: ['x', 'y'] } });
  await until(() => two.ofType('cf_agent_state').some(({ state }) => JSON.stringify(state).includes('y')));
  const { dataDir } = bridge;
  await bridge.stop();
  const again = await startBridge({ devices, dataDir });
  const body = { args: [] };
  expect((await again.fetch('/api/agents/room/r/call/size', { body })).body).toEqual({ value: 2 });
});

test('a call over HTTP has the lane for itself until it is done', async () => {
  const bridge = await start();
  const call = (method: string, ...args: unknown[]) =>
    bridge.fetch(`/api/agents/room/lane/call/${method}`, { body: { args } });
  const slow = call('slow', 50);
  await until(() => notes.includes('lane slow begins'));
  // It would count if it ran while `slow` waits.
  const join = call('join', 'ada');
  expect((await slow).body).toEqual({ value: 0 });
  expect((await join).body).toEqual({ value: 1 });
});

test('an MQTT client calls it, without speaking for it; all its other topics are of no model', async () => {
  const bridge = await start();
  const mqtt = await bridge.mqtt();
  const replies = new Map<string, unknown>();
  mqtt.on('message', (topic, payload) => replies.set(topic, decodePayload(payload).value));
  await mqtt.subscribeAsync('devices/room/m/reply/+', { qos: 1 });
  const call = async (method: string, cid: string, payload: Uint8Array | string): Promise<unknown> => {
    await mqtt.publishAsync(`devices/room/m/call/${method}/${cid}`, Buffer.from(payload), { qos: 1 });
    const topic = `devices/room/m/reply/${cid}`;
    return until(() => replies.get(topic), topic);
  };
  expect(await call('join', 'c1', '["ada"]')).toEqual({ ok: true, value: 1 });
  expect(await call('join', 'c2', encodePayload(['bob'], 'cbor'))).toEqual({ ok: true, value: 2 });
  expect(await call('size', 'c3', '')).toEqual({ ok: true, value: 2 });
  const noArray = { ok: false, error: 'a call carries an array of arguments' };
  expect(await call('size', 'c4', '{"a":1}')).toEqual(noArray);
  expect(await call('size', 'c5', '[1')).toEqual(noArray);
  expect(await call('nobody', 'c6', '[]')).toEqual({ ok: false, error: 'Method nobody does not exist' });

  for (const channel of ['telemetry', 'reported', 'presence', 'result/x']) {
    await mqtt.publishAsync(`devices/room/n/${channel}`, '{"x":1}', { qos: 1 });
  }
  const metrics = await (await fetch(`${bridge.bridge.http.url}/metrics`)).text();
  expect(metrics).toMatch(/^mooring_unmapped_total 4$/m);
  expect((await bridge.fetch('/api/agents/room/n')).status).toBe(404);
  expect((await bridge.agent('room/m'))['presence']).toBe('never');
});

test('it is listed, described and forgotten; what only devices have is empty, or refused', async () => {
  const bridge = await start();
  await bridge.fetch('/api/agents/room/d/call/join', { body: { args: ['ada'] } });
  expect(await bridge.agent('room/d')).toEqual({
    ...{ model: 'room', id: 'd', presence: 'never', lastSeen: null, state: { members: ['ada'] } },
    ...{ reported: {}, desired: {}, delta: {}, version: 0, codec: null, awake: true, canChat: false },
    ...{ messages: 0, rejected: 0, connections: 0, rules: 0, alerts: 0, commandsPending: 0 },
  });
  const { body: models } = await bridge.fetch('/api/models');
  expect(models).toMatchObject([
    { model: 'porter', kind: 'device' },
    { model: 'room', kind: 'agent', metrics: [], commands: [] },
    { model: 'web', kind: 'agent' },
  ]);
  const empty = { telemetry: { series: [] }, rejected: { items: [] }, commands: { items: [] } };
  for (const [path, answer] of Object.entries({ ...empty, alerts: { items: [] }, rules: { rules: [] } })) {
    expect(await bridge.agent(`room/d/${path}`)).toEqual(answer);
  }
  expect(await bridge.agent('room/d/telemetry/count')).toMatchObject({ applied: 0 });
  const refused = [
    await bridge.fetch('/api/agents/room/d/commands/vent', { body: 'open' }),
    await bridge.fetch('/api/agents/room/d/desired', { method: 'PATCH', body: { a: 1 } }),
    await bridge.fetch('/api/agents/room/d/rules', { body: { rule: { text: 'alert when x > 1' } } }),
  ];
  expect(refused.map(({ status, body }) => [status, body['code']])).toEqual(
    refused.map(() => [404, 'BRG_NOT_FOUND']),
  );
  expect((await bridge.fetch('/api/agents/room/d', { method: 'DELETE' })).status).toBe(200);
  expect((await bridge.fetch('/api/agents/room/d')).status).toBe(404);
});
