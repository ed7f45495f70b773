/** A device's life as its agent keeps it: telemetry, presence, twin, dead letters, hooks. */
import { expect, test } from 'vitest';
import { encodePayload } from '../../src/wire/index.ts';
import { labDevices, startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { calls } from '../support/lab-devices.ts';
import { until } from '../support/until.ts';

interface Letter {
  readonly channel: string;
  readonly code: string;
  readonly payload: string;
  readonly encoding: string;
  readonly bytes: number;
}

async function letters(bridge: TestBridge, path: string): Promise<readonly Letter[]> {
  return ((await bridge.agent(`${path}/rejected`)) as unknown as { items: Letter[] }).items; // the route's schema
}

/** Calls of hooks of one agent, in order. */
function callsOf(name: string): string[] {
  return calls.filter((call) => call.startsWith(`${name} `)).map((call) => call.slice(name.length + 1));
}

const BAD: [what: string, channel: string, payload: string | Buffer, code: string, encoding: string][] = [
  ['cut JSON', 'telemetry', '{"x":', 'BRG_PAYLOAD_SYNTAX', 'utf8'],
  ['cut CBOR', 'telemetry', Buffer.from('a16178', 'hex'), 'BRG_CBOR_SYNTAX', 'hex'],
  ['a CBOR bignum', 'telemetry', Buffer.from('a16178c24101', 'hex'), 'BRG_CBOR_TAG', 'hex'],
  ['neither', 'telemetry', Buffer.from([0xff, 0x00]), 'BRG_PAYLOAD_SYNTAX', 'hex'],
  ['nothing', 'telemetry', '', 'BRG_PAYLOAD_SYNTAX', 'utf8'],
  ['a value out of range', 'telemetry', '{"x":1000001}', 'BRG_PAYLOAD_RANGE', 'utf8'],
  ['a value of another type', 'telemetry', '{"x":"warm"}', 'BRG_PAYLOAD_SHAPE', 'utf8'],
  ['a reported list', 'reported', '[1]', 'BRG_PAYLOAD_SHAPE', 'utf8'],
  ['a result that is none', 'result/abc', '{"ok":"yes"}', 'BRG_PAYLOAD_SHAPE', 'utf8'],
  ['presence that is none', 'presence', 'dancing', 'BRG_PAYLOAD_SHAPE', 'utf8'],
];

test.each(BAD)(
  '%s on %s is a dead letter: kept with the reason, state unchanged, device connected',
  async (...row) => {
    const [, topic, payload, code, encoding] = row;
    const bridge = await startBridge({ devices: labDevices });
    const device = await bridge.mqtt();
    await device.publishAsync('devices/lab/a/telemetry', '{"x":1}', { qos: 1 });
    await device.publishAsync('devices/lab/a/reported', '{"mode":"eco"}', { qos: 1 });
    const before = await bridge.agent('lab/a');
    await device.publishAsync(`devices/lab/a/${topic}`, payload, { qos: 1 });
    await bridge.describedAs('lab/a', ({ rejected }) => rejected === 1);
    const bytes = Buffer.byteLength(payload);
    const kept = encoding === 'hex' ? Buffer.from(payload).toString('hex') : String(payload);
    expect(await letters(bridge, 'lab/a')).toMatchObject([
      { channel: topic.split('/')[0], code, payload: kept, encoding, bytes },
    ]);
    const { state, reported, presence } = await bridge.agent('lab/a');
    expect({ state, reported, presence }).toEqual({
      state: before['state'],
      reported: before['reported'],
      presence: 'online',
    });
    await device.publishAsync('devices/lab/a/telemetry', '{"x":2}', { qos: 1 });
    expect(await bridge.agent('lab/a')).toMatchObject({ state: { x: 2 }, rejected: 1 });
  },
);

test('the good maps of a batch are applied, the bad ones are dead letters', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const batch = [{ x: 1 }, { x: 'bad' }, { x: 3, note: 'ok' }];
  await device.publishAsync('devices/lab/a/telemetry', JSON.stringify(batch), { qos: 1 });
  expect(await bridge.agent('lab/a')).toMatchObject({
    state: { x: 3, note: 'ok' },
    rejected: 1,
    messages: 1,
  });
  expect(await bridge.agent('lab/a/telemetry/count')).toMatchObject({ accepted: 2, applied: 2 });
});

test('a clock that is not set (1970) or ahead is replaced by the receive time; a plausible one is kept', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const now = Date.now();
  const yesterday = now - 24 * 3_600_000;
  const times = [5000, now + 3 * 24 * 3_600_000, yesterday];
  for (const [x, ts] of times.entries()) {
    await device.publishAsync('devices/lab/a/telemetry', encodeTelemetry({ ts, x: x + 1 }), { qos: 1 });
  }
  const count = async (fromMs: number, toMs: number): Promise<number[]> => {
    const query = `metric=x&from=${fromMs}&to=${toMs}&points=1`;
    const { series } = (await bridge.agent(`lab/a/telemetry?${query}`)) as {
      series: { points: { min: number; max: number; count: number }[] }[]; // the route's schema
    };
    const point = series[0]?.points[0];
    return point === undefined ? [] : [point.min, point.max, point.count];
  };
  expect(await count(now - 1000, now + 60_000)).toEqual([1, 2, 2]);
  expect(await count(yesterday - 10, yesterday + 10)).toEqual([3, 3, 1]);
  expect(await count(0, yesterday - 1000)).toEqual([]);
});

function encodeTelemetry(value: unknown): Buffer {
  return Buffer.from(encodePayload(value, 'cbor'));
}

test('presence: online with the first packet, offline on disconnect, on a lost connection with a will, not on a takeover', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const will = {
    topic: 'devices/lab/w/presence',
    payload: Buffer.from('offline'),
    qos: 1,
    retain: true,
  } as const;
  const is = (presence: string) => bridge.describedAs('lab/w', (agent) => agent['presence'] === presence);
  const first = await bridge.mqtt({ clientId: 'w', will });
  await is('online'); // its will says which device it is
  const second = await bridge.mqtt({ clientId: 'w', will });
  await until(() => !first.connected);
  await second.publishAsync('devices/lab/w/telemetry', '{"x":1}', { qos: 1 });
  await is('online');
  expect(
    callsOf('w')
      .filter((call) => call.startsWith('onO'))
      .at(-1),
  ).toBe('onOnline');
  second.stream.destroy();
  await is('offline');
  const third = await bridge.mqtt({ clientId: 'w', will });
  await is('online');
  await third.endAsync();
  await is('offline');
  expect(callsOf('w').at(-1)).toBe('onOffline disconnect');
});

test('a device that was online when the bridge stopped is offline after the start, unless it is back', async () => {
  const dataDir = temporaryDir();
  const first = await startBridge({ devices: labDevices, dataDir, shards: 1 });
  for (const id of ['gone', 'back']) {
    const device = await first.mqtt({ clientId: id });
    await device.publishAsync(`devices/plain/${id}/telemetry`, '{"x":1}', { qos: 1 });
  }
  expect(await first.agent('plain/gone')).toMatchObject({ presence: 'online' });
  await first.stop();
  const second = await startBridge({ devices: labDevices, dataDir, shards: 1 });
  const device = await second.mqtt({ clientId: 'back' });
  await device.publishAsync('devices/plain/back/telemetry', '{"x":2}', { qos: 1 });
  await second.describedAs('plain/gone', ({ presence }) => presence === 'offline');
  expect(await second.agent('plain/back')).toMatchObject({ presence: 'online' });
});

test('hooks run in order, and what one throws costs neither data nor the hooks after it', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/lab/h/telemetry', '{"x":1,"note":"throw"}', { qos: 1 });
  await device.publishAsync('devices/lab/h/reported', '{"mode":"eco"}', { qos: 1 });
  await device.publishAsync('devices/lab/h/telemetry', '[{"x":2},{"x":3}]', { qos: 1 });
  await device.endAsync();
  await bridge.describedAs('lab/h', ({ presence }) => presence === 'offline');
  expect(callsOf('h')).toEqual([
    'onStart',
    'onOnline',
    'onTelemetry {"x":1,"note":"throw"}',
    'onError Error: hook',
    'onReported {"mode":"eco"}',
    'onTelemetry {"x":2}',
    'onTelemetry {"x":3}',
    'onOffline disconnect',
  ]);
  expect(await bridge.agent('lab/h')).toMatchObject({
    state: { x: 3, note: 'throw' },
    reported: { mode: 'eco' },
    messages: 3,
    rejected: 0,
  });
});

test('the twin: versions grow, the delta goes out on change and on connect, and empties as the device reports', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const desired: unknown[] = [];
  device.on('message', (_topic, payload) => void desired.push(JSON.parse(payload.toString())));
  await device.publishAsync('devices/lab/a/reported', '{"mode":"eco","led":{"on":true}}', { qos: 1 });
  const patch = (body: unknown) => bridge.fetch('/api/agents/lab/a/desired', { method: 'PATCH', body });
  expect((await patch({ mode: 'boost', led: { on: true } })).body).toEqual({
    version: 1,
    delta: { mode: 'boost' },
  });
  await device.subscribeAsync('devices/lab/a/desired', { qos: 1 });
  expect(await until(() => desired[0])).toEqual({ version: 1, delta: { mode: 'boost' } });
  await patch({ led: { color: 'red' } });
  expect(await until(() => desired[1])).toEqual({
    version: 2,
    delta: { mode: 'boost', led: { color: 'red' } },
  });
  await device.publishAsync('devices/lab/a/reported', '{"mode":"boost"}', { qos: 1 });
  expect(await bridge.agent('lab/a')).toMatchObject({
    reported: { mode: 'boost', led: { on: true } },
    desired: { mode: 'boost', led: { on: true, color: 'red' } },
    delta: { led: { color: 'red' } },
    version: 2,
  });
  expect((await patch({ led: null })).body).toEqual({ version: 3, delta: {} });
  expect((await patch([1])).status).toBe(400);
  expect(await bridge.agent('lab/a')).toMatchObject({ version: 3 });
});

test('a reported state over its limit is refused, and the one before stays', async () => {
  const bridge = await startBridge({ devices: labDevices });
  const device = await bridge.mqtt();
  const half = (name: string) => JSON.stringify({ [name]: 'x'.repeat(150_000) });
  await device.publishAsync('devices/lab/a/reported', half('a'), { qos: 1 });
  await device.publishAsync('devices/lab/a/reported', half('b'), { qos: 1 });
  await bridge.describedAs('lab/a', ({ rejected }) => rejected === 1);
  expect(Object.keys((await bridge.agent('lab/a'))['reported'] as object)).toEqual(['a']);
  const [letter] = await letters(bridge, 'lab/a');
  expect([letter?.code, letter?.payload.length]).toEqual(['BRG_STATE_TOO_LARGE', 4096]);
});
