/** A connection that speaks CBOR never sees a byte of text; one that must not see JSON sees nothing. */
import { expect, test } from 'vitest';
import { FRAMES, type Frame } from '../src/wire/frames.ts';
import { decodeCbor, encodeFrame } from '../src/wire/index.ts';
import { SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from '../src/wire/subprotocol.ts';
import { labDevices, startBridge, type TestBridge } from './support/bridge.ts';
import { frameOf, type FrameSocket } from './support/frame-socket.ts';
import { calls, everyOutboundFrame } from './support/lab-devices.ts';
import { until } from './support/until.ts';

const outboundTypes = FRAMES.filter(({ direction }) => direction !== 'in').map(({ type }) => type);

function start(): Promise<TestBridge> {
  return startBridge({ devices: labDevices });
}

/** Connected, its first frames there and thrown away. */
async function settled(bridge: TestBridge, target: string, protocol: string): Promise<FrameSocket> {
  const socket = await bridge.socket(target, [protocol]);
  await socket.frame('mooring_presence');
  expect(textsOf(socket)).toBe(protocol === SUBPROTOCOL_CBOR ? 0 : socket.received.length);
  socket.clear();
  return socket;
}

function textsOf(socket: FrameSocket): number {
  return socket.received.filter(({ isBinary }) => !isBinary).length;
}

/** Sends a message that makes the agent act and waits until everything it caused has arrived. */
async function perform(actor: FrameSocket, order: string): Promise<void> {
  actor.send({ do: order });
  await roundTrip(actor);
}

/** Answers leave in order: when this one is back, everything before it is. */
async function roundTrip(socket: FrameSocket): Promise<void> {
  const id = `round-trip-${socket.received.length}`;
  socket.send({ type: 'rpc', id, method: 'nothing', args: [] });
  await until(() => socket.ofType('rpc').some((frame) => frame.id === id), 'the answer to an rpc');
}

function expectEveryFrameOnce(frames: readonly Frame[]): void {
  expect(frames).toEqual(everyOutboundFrame());
}

test('the samples hold every frame type the bridge may send', () => {
  expect(outboundTypes.length).toBeGreaterThan(15);
  expect(everyOutboundFrame().map(({ type }) => type)).toEqual(outboundTypes);
});

for (const order of ['frames', 'broadcast-frames']) {
  test(`every frame type reaches a CBOR connection once, as binary, equal to the JSON one (${order})`, async () => {
    const bridge = await start();
    const json = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
    const cbor = await settled(bridge, 'lab/a', SUBPROTOCOL_CBOR);
    const cborWithoutText = await settled(bridge, 'lab/a?mode=none', SUBPROTOCOL_CBOR);
    const silent = await bridge.socket('lab/a?mode=none', [SUBPROTOCOL_JSON]);
    await perform(json, order);
    await until(() => cbor.received.length >= outboundTypes.length);
    await until(() => cborWithoutText.received.length >= outboundTypes.length);
    expectEveryFrameOnce(json.frames.slice(0, outboundTypes.length));
    expectEveryFrameOnce(cbor.frames);
    expectEveryFrameOnce(cborWithoutText.frames);
    expect(cbor.received.every(({ isBinary }) => isBinary)).toBe(true);
    expect(cborWithoutText.received.every(({ isBinary }) => isBinary)).toBe(true);
    expect(json.received.every(({ isBinary }) => !isBinary)).toBe(true);
    expect(silent.received).toEqual([]);
  });
}

test('text, objects and bytes of the author reach CBOR as binary, and a silent JSON connection as bytes only', async () => {
  const bridge = await start();
  const json = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
  const cbor = await settled(bridge, 'lab/a', SUBPROTOCOL_CBOR);
  const silent = await bridge.socket('lab/a?mode=none', [SUBPROTOCOL_JSON]);
  await bridge.describedAs('lab/a', ({ connections }) => connections === 3);
  await perform(json, 'messages');
  await until(() => cbor.received.length === 3);
  await until(() => silent.received.length > 0);
  const [text, object, bytes] = cbor.received.map(({ data }) => data);
  expect(cbor.received.every(({ isBinary }) => isBinary)).toBe(true);
  expect(decodeCbor(text ?? Buffer.alloc(0))).toBe('plain text');
  expect(decodeCbor(object ?? Buffer.alloc(0))).toEqual({ own: ['message', 1] });
  expect(bytes).toEqual(Buffer.from([1, 2, 3]));
  const own = json.received.slice(0, 3);
  expect(own.map(({ isBinary }) => isBinary)).toEqual([false, false, true]);
  expect(own.slice(0, 2).map(({ data }) => data.toString())).toEqual(['plain text', '{"own":["message",1]}']);
  expect(silent.received).toEqual([{ data: Buffer.from([1, 2, 3]), isBinary: true }]);
});

test('what a life of the device causes (state, twin, commands, alerts, errors, replies, closing) is binary on CBOR', async () => {
  const bridge = await start();
  const cbor = await settled(bridge, 'lab/a', SUBPROTOCOL_CBOR);
  const silent = await bridge.socket('lab/a?mode=none', [SUBPROTOCOL_JSON]);
  const json = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
  const device = await bridge.mqtt();
  await device.publishAsync('devices/lab/a/telemetry', '{"x":1,"note":"alert"}', { qos: 1 });
  await device.publishAsync('devices/lab/a/telemetry', '{"x":', { qos: 1 });
  await device.publishAsync('devices/lab/a/reported', '{"mode":"eco"}', { qos: 1 });
  await bridge.fetch('/api/agents/lab/a/commands/ping?timeout=0', { body: null });
  cbor.socket.send(Buffer.from([0xa2, 0x00, 0x02, 0x02, 0x01])); // cf_agent_state with state 1
  cbor.socket.send(Buffer.from([0xa4, 0x00, 0x05, 0x01, 0x61, 0x31, 0x0b, 0x61, 0x6d, 0x0c, 0x80])); // rpc "1", m()
  json.send({ type: 'cf_agent_state', state: { x: 5 } });
  cbor.socket.send(Buffer.from([0xa1, 0x00, 0x0c])); // resume request: not handled by this agent
  await cbor.frame('mooring_error');
  cbor.socket.send('text on a binary connection');
  expect((await cbor.closing()).code).toBe(1003);
  const types = new Set(cbor.frames.map(({ type }) => type));
  expect([...types].sort()).toEqual([
    'cf_agent_state',
    'cf_agent_state_error',
    'mooring_alert',
    'mooring_command',
    'mooring_error',
    'mooring_presence',
    'mooring_rejected',
    'mooring_telemetry',
    'mooring_twin',
    'rpc',
  ]);
  expect(textsOf(cbor)).toBe(0);
  expect(cbor.frames.length).toBe(cbor.received.length);
  expect(silent.received).toEqual([]);
});

test('a suppressed connection gets no text for what it asks itself: replies, errors, refused states, chat', async () => {
  const bridge = await start();
  const silent = await bridge.socket('lab/a?mode=none', [SUBPROTOCOL_JSON]);
  const binary = await bridge.socket('lab/a?mode=none', [SUBPROTOCOL_CBOR]);
  const asked: Frame[] = [
    { type: 'cf_agent_state', state: 'no object of metrics' },
    { type: 'rpc', id: '1', method: 'nobody', args: [] } as never, // of a client
    { type: 'cf_agent_use_chat_request', id: 'r', init: { method: 'POST', body: '{}' } } as never, // of a client
    { type: 'cf_agent_chat_clear' },
    { type: 'cf_agent_state', state: { x: 8 } },
  ];
  for (const frame of asked) {
    silent.send(frame);
    binary.socket.send(encodeFrame(frame, 'cbor'));
  }
  silent.socket.send('that was all');
  await until(() => calls.includes('a onMessage "that was all"'));
  // What it caused has left before this answer.
  await roundTrip(await settled(bridge, 'lab/a', SUBPROTOCOL_JSON));
  await until(() => binary.ofType('mooring_error').length === 2);
  expect(binary.ofType('cf_agent_state_error')).toHaveLength(1);
  expect(binary.ofType('rpc')).toMatchObject([{ error: 'Method nobody does not exist' }]);
  expect(textsOf(binary)).toBe(0);
  expect(silent.received).toEqual([]);
  expect(silent.closed).toBeNull();
});

test('an object names the classes that are sent; replies are never masked', async () => {
  const bridge = await start();
  const json = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
  const named = await bridge.socket('lab/a?mode=only-chat-errors', [SUBPROTOCOL_CBOR]);
  const none = await bridge.socket('lab/a?mode=only-nothing', [SUBPROTOCOL_JSON]);
  await bridge.describedAs('lab/a', ({ connections }) => connections === 3);
  await perform(json, 'frames');
  const wanted = FRAMES.filter(
    (row) => row.direction !== 'in' && ['chat', 'errors', 'reply'].includes(row.class),
  );
  await until(() => named.received.length >= wanted.length);
  await until(() => none.received.length > 0);
  expect(named.frames.map(({ type }) => type)).toEqual(wanted.map(({ type }) => type));
  expect(textsOf(named)).toBe(0);
  expect(none.frames.map(({ type }) => type)).toEqual(['rpc']);
});

test('an asynchronous decision is awaited; one that fails or does not come lets nothing through', async () => {
  const bridge = await start();
  const json = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
  const later = await settled(bridge, 'lab/a?mode=later', SUBPROTOCOL_CBOR);
  const failing: FrameSocket[] = [];
  for (const mode of ['rejects', 'throws', 'hangs']) {
    for (const protocol of [SUBPROTOCOL_JSON, SUBPROTOCOL_CBOR]) {
      failing.push(await bridge.socket(`lab/a?mode=${mode}`, [protocol]));
    }
  }
  await bridge.describedAs('lab/a', ({ connections }) => connections === 8);
  await perform(json, 'frames');
  await until(() => later.received.length >= outboundTypes.length);
  expectEveryFrameOnce(later.frames);
  await bridge.describedAs('lab/a', () => true);
  expect(failing.map(({ received }) => received.length)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('over MQTT every frame type arrives in the codec of the connection', async () => {
  const bridge = await start();
  const classes = 'only-identity-state-mcp-chat-telemetry-errors';
  const [cbor, json] = await Promise.all(
    ['cbor', 'json'].map(async (codec) => {
      const client = await bridge.mqtt({ username: `${classes}?codec=${codec}` });
      const payloads: Buffer[] = [];
      client.on('message', (_topic, payload) => void payloads.push(payload));
      await client.subscribeAsync('devices/lab/a/frames');
      return payloads;
    }),
  );
  if (cbor === undefined || json === undefined) throw new Error('two clients were made');
  const control = await settled(bridge, 'lab/a', SUBPROTOCOL_JSON);
  const isGreeted = (payloads: Buffer[], codec: 'json' | 'cbor') =>
    payloads.some((payload) => frameOf(payload, codec).some(({ type }) => type === 'mooring_presence'));
  await until(() => isGreeted(cbor, 'cbor') && isGreeted(json, 'json'));
  const before = { cbor: cbor.length, json: json.length };
  await perform(control, 'frames');
  await until(() => cbor.length - before.cbor >= outboundTypes.length);
  await until(() => json.length - before.json >= outboundTypes.length);
  expectEveryFrameOnce(cbor.slice(before.cbor).flatMap((payload) => frameOf(payload, 'cbor')));
  expectEveryFrameOnce(json.slice(before.json).flatMap((payload) => frameOf(payload, 'json')));
  // Every CBOR frame is a map (major type 5), which no JSON text begins with.
  expect(cbor.every((payload) => (payload[0] ?? 0) >> 5 === 5)).toBe(true);
});

test('an MQTT connection gets the agent’s state by default, not an echo of its own telemetry', async () => {
  const bridge = await start();
  const device = await bridge.mqtt({ username: 'a?codec=cbor' });
  const types: string[] = [];
  device.on('message', (_topic, payload) => {
    types.push(...frameOf(payload, 'cbor').map(({ type }) => type));
  });
  await device.subscribeAsync('devices/lab/a/frames');
  await device.publishAsync('devices/lab/a/telemetry', '{"x":3}', { qos: 1 });
  await until(() => types.includes('cf_agent_state'));
  expect(types.filter((type) => type.startsWith('mooring_telemetry') || type === 'mooring_presence')).toEqual(
    [],
  );
});
