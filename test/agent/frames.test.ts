/** Frames in and out over real WebSockets: the state both ways, the author's own messages, the fleet. */
import { expect, test } from 'vitest';
import { encodeFrame, encodePayload, SUBPROTOCOL_CBOR } from '../../src/wire/index.ts';
import { labDevices, startBridge } from '../support/bridge.ts';
import { calls } from '../support/lab-devices.ts';
import { until } from '../support/until.ts';

const cbor = [SUBPROTOCOL_CBOR];

test('the first frames are identity, state, mcp servers, twin and presence, in this order', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/lab/a/telemetry', '{"x":1}', { qos: 1 });
  for (const protocols of [[], cbor]) {
    const viewer = await bridge.socket('lab/a', protocols);
    await viewer.frame('mooring_presence');
    expect(viewer.frames.slice(0, 5)).toMatchObject([
      { type: 'cf_agent_identity', name: 'a', agent: 'lab' },
      { type: 'cf_agent_state', state: { x: 1 } },
      { type: 'cf_agent_mcp_servers', mcp: { prompts: [], resources: [], servers: {}, tools: [] } },
      { type: 'mooring_twin', version: 0 },
      { type: 'mooring_presence', presence: 'online' },
    ]);
  }
});

test('JSON frames have the fields of the Agents SDK 0.5; only the state has one more, its version', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('plain/f');
  await viewer.frame('mooring_presence');
  const device = await bridge.mqtt();
  await device.publishAsync('devices/plain/f/telemetry', '{"x":1}', { qos: 1 });
  await viewer.frame('cf_agent_state');
  viewer.send({ type: 'cf_agent_state', state: 7 });
  viewer.send({ type: 'rpc', id: 'u1', method: 'x', args: [] });
  await viewer.frame('rpc');
  const texts = viewer.received.map(({ data }) => data.toString());
  const own = texts.map((text) => JSON.parse(text) as { type: string }); // frames of a JSON connection
  expect(own.filter(({ type }) => !type.startsWith('mooring_'))).toStrictEqual([
    { name: 'f', agent: 'plain', type: 'cf_agent_identity' },
    { mcp: { prompts: [], resources: [], servers: {}, tools: [] }, type: 'cf_agent_mcp_servers' },
    { state: { x: 1 }, type: 'cf_agent_state', version: 1 },
    { type: 'cf_agent_state_error', error: 'the state of a device is an object of its metrics' },
    { error: 'Method x does not exist', id: 'u1', success: false, type: 'rpc' },
  ]);
});

test.each([
  ['no id', { type: 'rpc', method: 'm', args: [] }],
  ['a method that is no text', { type: 'rpc', id: '1', method: 1, args: [] }],
  ['no list of arguments', { type: 'rpc', id: '1', method: 'm', args: {} }],
  ['no state', { type: 'cf_agent_state' }],
])('a JSON frame with %s closes its connection with 1002, and changes nothing', async (_what, frame) => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('lab/bad');
  await viewer.frame('mooring_presence');
  viewer.send(frame);
  expect((await viewer.closing()).code).toBe(1002);
  expect(viewer.ofType('mooring_error')).toMatchObject([{ code: 'BRG_FRAME_FIELD' }]);
  expect((await bridge.agent('lab/bad'))['state']).toBeNull();
  expect(calls.filter((call) => call.startsWith('bad onMessage'))).toEqual([]);
});

test.each([
  ['a name that is cut', '{"type":"rpc'],
  ['no frame type either', '{"ts":1,'],
  ['no JSON at all', '{hello'],
])('text that begins as a JSON object and has %s closes its connection with 1007', async (_what, text) => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('lab/cut');
  await viewer.frame('mooring_presence');
  viewer.socket.send(text);
  expect((await viewer.closing()).code).toBe(1007);
  expect(viewer.ofType('mooring_error')).toMatchObject([{ code: 'BRG_FRAME_SYNTAX' }]);
  expect(calls.filter((call) => call.startsWith('cut onMessage'))).toEqual([]);
});

test('a state a client sets reaches the others, not itself, and survives', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const [json, other] = [await bridge.socket('lab/s'), await bridge.socket('lab/s', cbor)];
  await json.frame('mooring_presence');
  await other.frame('mooring_presence');
  json.send({ type: 'cf_agent_state', state: { x: 5 } });
  expect(await other.frame('cf_agent_state')).toEqual({
    type: 'cf_agent_state',
    state: { x: 5 },
    version: 1,
  });
  other.socket.send(encodeFrame({ type: 'cf_agent_state', state: { x: 6 } }, 'cbor'));
  expect(await json.frame('cf_agent_state')).toEqual({ type: 'cf_agent_state', state: { x: 6 }, version: 2 });
  json.send({ do: 'state' });
  expect((await json.frame('cf_agent_state', 2)).state).toEqual({ x: 77 });
  expect((await other.frame('cf_agent_state', 2)).state).toEqual({ x: 77 });
  expect([json.ofType('cf_agent_state').length, other.ofType('cf_agent_state').length]).toEqual([2, 2]);
  expect(calls.filter((call) => call.startsWith('s onStateChanged'))).toEqual([
    's onStateChanged {"x":5} by client',
    's onStateChanged {"x":6} by client',
    's onStateChanged {"x":77} by server',
  ]);
  expect(await bridge.agent('lab/s')).toMatchObject({ state: { x: 77 } });
});

test('many telemetry messages of one commit make one state frame, the last; each makes a telemetry frame', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('plain/a', cbor);
  await viewer.frame('mooring_presence');
  const device = await bridge.mqtt();
  const batch = Array.from({ length: 50 }, (_, x) => ({ x, seq: x, boot: 1 }));
  await device.publishAsync('devices/plain/a/telemetry', JSON.stringify(batch), { qos: 1 });
  const last = await viewer.frame('mooring_telemetry', 50);
  expect(last).toMatchObject({ values: { x: 49 }, seq: 49 });
  expect((await viewer.frame('cf_agent_state')).state).toEqual({ x: 49 });
  expect(viewer.ofType('cf_agent_state').length).toBe(1);
});

test('a device’s state that is no object is refused with an error frame', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('lab/a');
  viewer.send({ type: 'cf_agent_state', state: 'text' });
  expect((await viewer.frame('cf_agent_state_error')).error).toContain('object');
  expect((await bridge.agent('lab/a'))['state']).toBeNull();
});

test('a message of the author’s own reaches onMessage in every codec', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const json = await bridge.socket('lab/m');
  const binary = await bridge.socket('lab/m', cbor);
  json.socket.send('plain text');
  json.send(['a', 'list']);
  json.send({ type: 'of-the-author', n: 1 });
  json.socket.send(Buffer.from([1, 2]));
  await until(() => calls.filter((call) => call.startsWith('m onMessage')).length === 4);
  for (const message of ['plain text', ['a', 'list'], { type: 'of-the-author', n: 1 }, -1]) {
    binary.socket.send(encodePayload(message, 'cbor'));
  }
  await until(() => calls.filter((call) => call.startsWith('m onMessage')).length === 8);
  const own = ['"plain text"', '["a","list"]', '{"type":"of-the-author","n":1}'];
  const said = [...own, '{"0":1,"1":2}', ...own, '-1'].map((text) => `m onMessage ${text}`);
  expect(calls.filter((call) => call.startsWith('m onMessage'))).toEqual(said);
  expect([json.closed, binary.closed]).toEqual([null, null]);
});

test.each([
  ['text', 'hello', 1003],
  ['broken CBOR', Buffer.from('a1', 'hex'), 1007],
  ['a frame of a type nobody knows', Buffer.from('a1001903e7', 'hex'), 1002],
  ['a frame that only the bridge sends', Buffer.from('a10001', 'hex'), 1002],
  ['a frame without a field it needs', Buffer.from('a10002', 'hex'), 1002],
])('%s on a CBOR connection closes it, and changes nothing', async (_what, bytes, code) => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('lab/a', cbor);
  await viewer.frame('mooring_presence');
  viewer.socket.send(bytes);
  expect((await viewer.closing()).code).toBe(code);
  expect(viewer.ofType('mooring_error').length).toBe(1);
  expect((await bridge.agent('lab/a'))['state']).toBeNull();
});

test('a state too deep for CBOR costs a CBOR viewer that frame, and nobody anything else', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const [json, viewer] = [await bridge.socket('lab/a'), await bridge.socket('lab/a', cbor)];
  const fleet = await bridge.socket('fleet/all', cbor);
  await viewer.frame('mooring_presence');
  await fleet.frame('mooring_fleet');
  json.send({ do: 'deep' });
  await until(() => json.received.some(({ data }) => data.toString().includes('{"value":{"value":')));
  const device = await bridge.mqtt();
  let deep: unknown = 1;
  for (let i = 0; i < 31; i++) deep = { deep };
  await device.publishAsync('devices/lab/a/reported', JSON.stringify(deep), { qos: 1 });
  await device.publishAsync('devices/lab/a/telemetry', '{"x":4}', { qos: 1 });
  expect((await viewer.frame('mooring_telemetry')).values).toEqual({ x: 4 });
  expect(await bridge.agent('lab/a')).toMatchObject({ rejected: 0, state: { x: 4 } });
  await device.publishAsync('devices/lab/b/telemetry', '{"x":5}', { qos: 1 });
  await until(async () => (await bridge.fetch('/readyz')).status === 200);
  expect(await bridge.agent('lab/b')).toMatchObject({ state: { x: 5 } });
});

test('an agent cannot reach a connection of another agent', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const [mine, other] = [await bridge.socket('lab/a'), await bridge.socket('lab/b')];
  other.clear();
  other.send({ do: 'connection-state' });
  const said = await until(() => other.received.find(({ data }) => data.toString().includes('"id"')));
  const { id } = JSON.parse(said.data.toString()) as { id: string }; // sent by the agent
  other.clear();
  mine.send({ do: 'foreign', id });
  mine.send({ do: 'connection-state' });
  await until(() => mine.received.some(({ data }) => data.toString().includes('"id"')));
  expect(other.received).toEqual([]);
});

test('onClose hears the code of the client', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const viewer = await bridge.socket('lab/c');
  await viewer.frame('mooring_presence');
  viewer.socket.close(4001, 'done');
  await until(() => calls.includes('c onClose 4001'));
  await bridge.describedAs('lab/c', ({ connections }) => connections === 0);
});

test('the fleet feed begins with totals and then tells of agents that changed', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/plain/a/telemetry', '{"x":1}', { qos: 1 });
  const [json, binary] = [await bridge.socket('fleet/all'), await bridge.socket('fleet/all', cbor)];
  for (const viewer of [json, binary]) {
    expect(await viewer.frame('mooring_fleet')).toMatchObject({ rows: [], totals: { online: 1, agents: 1 } });
    expect((await viewer.frame('cf_agent_identity')).agent).toBe('fleet');
  }
  await device.publishAsync('devices/plain/b/telemetry', '{"x":2}', { qos: 1 });
  for (const viewer of [json, binary]) {
    const { rows, totals } = await until(() =>
      viewer.ofType('mooring_fleet').find((frame) => JSON.stringify(frame.rows).includes('"id":"b"')),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ model: 'plain', id: 'b', presence: 'online', messages: 1, state: { x: 2 } }),
    );
    expect(totals).toMatchObject({ online: 2, agents: 2 });
  }
  expect(binary.received.every(({ isBinary }) => isBinary)).toBe(true);
});
