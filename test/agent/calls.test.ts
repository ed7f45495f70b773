/** Callables of an agent over every way in, on a real bridge. */
import { fileURLToPath } from 'node:url';
import { expect, test, describe } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { decodePayload, encodeFrame, encodePayload, type InboundFrame } from '../../src/wire/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { traces } from '../support/call-devices.ts';
import type { FrameSocket } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/call-devices.ts', import.meta.url));
const CBOR = ['mooring.v1.cbor'];
type Protocols = readonly [codec: string, protocols: string[]];
const CODECS: Protocols[] = [
  ['json', []],
  ['cbor', CBOR],
];

const start = (shards = 0): Promise<TestBridge> => startBridge({ devices, shards });

function send(socket: FrameSocket, frame: InboundFrame): void {
  const bytes = encodeFrame(frame as Parameters<typeof encodeFrame>[0], socket.codec); // the table knows both directions
  socket.socket.send(socket.codec === 'cbor' ? bytes : Buffer.from(bytes).toString());
}

let calls = 0;

/** Sends a call; resolves to every reply to it, the last of which ends it. */
async function call(socket: FrameSocket, method: string, ...args: unknown[]): Promise<object[]> {
  const id = `c${++calls}`;
  send(socket, { type: 'rpc', id, method, args });
  return repliesTo(socket, id);
}

async function repliesTo(socket: FrameSocket, id: string): Promise<object[]> {
  const replies = () => socket.ofType('rpc').filter((frame) => frame.id === id);
  await until(
    () => replies().some(({ success, done }) => !success || done === true),
    `the end of call ${id}`,
  );
  return replies().map(({ type: _type, id: _id, ...rest }) => rest);
}

const value = (result: unknown): object[] => [{ success: true, result, done: true }];
const failed = (error: string): object[] => [{ success: false, error }];
const nothing = [{ success: true, done: true }];
const chunk = (result: unknown): object => ({ success: true, result, done: false });

describe.each([0, 1])('with %i shard threads', (shards) => {
  test.each(CODECS)('a %s socket gets values, chunks and errors', async (_codec, protocols) => {
    const bridge = await start(shards);
    const socket = await bridge.socket('callable/a', protocols);
    expect(await call(socket, 'add', 1, 2)).toEqual(value(3));
    expect(await call(socket, 'addLater', 1)).toEqual(value(2));
    expect(await call(socket, 'echo', 'ü', null, { a: [1] })).toEqual(value(['ü', null, { a: [1] }]));
    expect(await call(socket, 'nothing')).toEqual(nothing);
    expect(await call(socket, 'fail')).toEqual(failed('the valve is stuck'));
    expect(await call(socket, 'failPlainly')).toEqual(failed('later'));
    expect(await call(socket, 'failOddly')).toEqual(failed('Unknown error occurred'));
    expect(await call(socket, 'count', 3)).toEqual([chunk(1), chunk(2), chunk(3), ...value({ total: 3 })]);
    expect(await call(socket, 'countForgetful', 2)).toEqual([chunk(1), chunk(2), ...nothing]);
    expect(await call(socket, 'streamThenThrow')).toEqual([chunk('one'), ...failed('broke after one')]);
    expect(await call(socket, 'throwThenStream')).toEqual(failed('broke at once'));
    expect(await call(socket, 'streamError')).toEqual([chunk('one'), ...failed('enough')]);
    const isBinary = socket.codec === 'cbor';
    expect(socket.received.every((message) => message.isBinary === isBinary)).toBe(true);
  });

  test('HTTP gets the value, or a problem with a code', async () => {
    const bridge = await start(shards);
    const socket = await bridge.socket('callable/a');
    await socket.frame('cf_agent_identity');
    const post = (method: string, ...args: unknown[]) =>
      bridge.fetch(`/api/agents/callable/a/call/${method}`, { method: 'POST', body: { args } });
    expect(await post('add', 2, 3)).toEqual({ status: 200, body: { value: 5 } });
    expect(await post('nothing')).toEqual({ status: 200, body: { value: null } });
    expect((await post('count', 3)).body).toEqual({ value: { total: 3 } });
    const problems: [string, unknown[], number, string, unknown][] = [
      ['missing', [], 404, 'BRG_UNKNOWN_METHOD', 'Method missing does not exist'],
      ['notForYou', [], 404, 'BRG_UNKNOWN_METHOD', 'Method notForYou is not callable'],
      ['fail', [], 500, 'BRG_CALL_FAILED', 'the valve is stuck'],
      ['unsendable', [], 500, 'BRG_CALL_FAILED', expect.stringContaining('the result cannot be sent: ')],
      ['hang', [], 504, 'BRG_TIMEOUT', 'Method hang did not answer within 60 ms'],
    ];
    for (const [method, args, status, code, detail] of problems) {
      expect(await post(method, ...args), method).toMatchObject({ status, body: { code, detail } });
    }
    expect(await post('add', 'two')).toMatchObject({ status: 400, body: { code: 'BRG_CALL_ARGUMENTS' } });
  });

  test.each(['json', 'cbor'] as const)('MQTT gets its %s reply on reply/{cid}', async (codec) => {
    const bridge = await start(shards);
    const device = await bridge.mqtt();
    const replies = new Map<string, { value: unknown; codec: string }>();
    device.on(
      'message',
      (topic, payload) => void replies.set(topic.split('/')[4] ?? '', decodePayload(payload)),
    );
    await device.subscribeAsync('devices/callable/a/reply/+', { qos: 1 });
    const ask = async (method: string, args: unknown): Promise<unknown> => {
      const cid = `c${++calls}`;
      const payload = Buffer.from(encodePayload(args, codec));
      await device.publishAsync(`devices/callable/a/call/${method}/${cid}`, payload, { qos: 1 });
      const reply = await until(() => replies.get(cid), `the reply to ${method}`);
      expect(reply.codec).toBe(codec);
      return reply.value;
    };
    expect(await ask('add', [1, 2])).toEqual({ ok: true, value: 3 });
    expect(await ask('addLater', [1])).toEqual({ ok: true, value: 2 });
    expect(await ask('count', [2])).toEqual({ ok: true, value: { total: 2 } });
    expect(await ask('nothing', [])).toEqual({ ok: true, value: null });
    expect(await ask('fail', [])).toEqual({ ok: false, error: 'the valve is stuck' });
    expect(await ask('unsendable', [])).toMatchObject({ ok: false });
    expect(await ask('hang', [])).toEqual({ ok: false, error: 'Method hang did not answer within 60 ms' });
    expect(await ask('missing', [])).toEqual({ ok: false, error: 'Method missing does not exist' });
    expect(await ask('notForYou', [])).toEqual({ ok: false, error: 'Method notForYou is not callable' });
    expect(await ask('add', { a: 1 })).toEqual({ ok: false, error: 'a call carries an array of arguments' });
  });
});

test('a subclass inherits callables, and its own method is the one that is called', async () => {
  const bridge = await start();
  const socket = await bridge.socket('louder/a');
  expect(await call(socket, 'fail')).toEqual(failed('THE VALVE IS STUCK'));
  expect(await call(socket, 'add', 1, 1)).toEqual(value(2));
});

test('names of Object and of the base classes are no methods, whatever `callables` lists', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  const names =
    'constructor __proto__ prototype toString hasOwnProperty valueOf setState schedule queue state';
  for (const name of [...names.split(' '), 'onStart', 'sendCommand', 'alert', '$ping']) {
    expect(await call(socket, name), name).toEqual(failed(`Method ${name} does not exist`));
  }
  expect(await call(socket, 'onTelemetry')).toEqual(failed('Method onTelemetry is not callable'));
});

test('arguments are checked by the schema, sync or async, before the method runs', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  for (const [method, ...args] of [
    ['add', 1],
    ['add', 1, '2'],
    ['add', 1, 2, 3],
    ['addLater', -1],
  ] as const) {
    const [reply] = await call(socket, method, ...args);
    expect(reply).toMatchObject({ success: false, error: expect.stringMatching(/^arguments: /) });
  }
  expect(await call(socket, 'addLater', -1)).toEqual(failed('arguments: not positive'));
});

test('a call that throws leaves no state behind', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  const other = await bridge.socket('callable/a');
  expect(await call(socket, 'setThenFail')).toEqual(failed('taken back'));
  expect(await call(other, 'add', 1, 1)).toEqual(value(2));
  expect(other.ofType('cf_agent_state')).toEqual([]);
  expect((await bridge.agent('callable/a'))['state']).not.toMatchObject({ x: 99 });
});

test('a stream that ended and then threw in the same breath is answered once, with the error', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  expect(await call(socket, 'endThenThrow')).toEqual(failed('after the end'));
});

test('what is written to a stream after its end goes nowhere, and says so', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/late');
  expect(await call(socket, 'afterEnd')).toEqual(value('last'));
  expect(traces).toContain('late late [false,false,false,true]');
});

test('at its deadline a call is answered, and the agent goes on', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  expect(await call(socket, 'hang')).toEqual(failed('Method hang did not answer within 60 ms'));
  expect(await call(socket, 'hangStream')).toEqual([
    chunk('first'),
    ...failed('Method hangStream did not answer within 60 ms'),
  ]);
  // Both lanes are free again.
  expect(await call(socket, 'add', 1, 2)).toEqual(value(3));
  expect(await call(socket, 'count', 1)).toEqual([chunk(1), ...value({ total: 1 })]);
});

test.each(CODECS)('mooring_cancel of a %s socket ends a stream, and its signal says so', async (...codec) => {
  const bridge = await start();
  const socket = await bridge.socket(`callable/${codec[0]}`, codec[1]);
  send(socket, { type: 'rpc', id: 'e', method: 'endless', args: [] });
  await socket.frame('rpc', 3);
  send(socket, { type: 'mooring_cancel', id: 'e' });
  const replies = await repliesTo(socket, 'e');
  expect(replies.at(-1)).toEqual({ success: false, error: 'the call was cancelled' });
  send(socket, { type: 'mooring_cancel', id: 'nobody' });
  const [name] = codec;
  await until(async () => JSON.stringify(await call(socket, 'abortedStreams')).includes(`${name} left`));
  expect(await call(socket, 'abortedStreams')).toEqual(value([name, `${name} left`]));
  expect(socket.ofType('rpc').filter(({ id }) => id === 'e')).toHaveLength(replies.length);
});

test('a connection that closes ends its streams, and no other', async () => {
  const bridge = await start();
  const leaving = await bridge.socket('callable/gone');
  const staying = await bridge.socket('callable/gone');
  send(leaving, { type: 'rpc', id: 'e', method: 'endless', args: [] });
  await leaving.frame('rpc', 2);
  send(staying, { type: 'rpc', id: 'e', method: 'count', args: [3] });
  leaving.socket.close();
  expect(await repliesTo(staying, 'e')).toEqual([chunk(1), chunk(2), chunk(3), ...value({ total: 3 })]);
  await until(async () => JSON.stringify(await call(staying, 'abortedStreams')).includes('gone left'));
});

test('a connection may have so many calls open, and their ids must differ', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/a');
  const other = await bridge.socket('callable/a');
  const open = Array.from({ length: limits.callsPerSourceMax }, (_, n) => `e${n}`);
  for (const id of open) send(socket, { type: 'rpc', id, method: 'endless', args: [] });
  const [refused] = await call(socket, 'add', 1, 2);
  expect(refused).toEqual({
    success: false,
    error: `${limits.callsPerSourceMax} calls are open on this connection; wait for answers`,
  });
  expect(await call(other, 'add', 1, 2)).toEqual(value(3));
  send(socket, { type: 'mooring_cancel', id: 'e7' });
  await repliesTo(socket, 'e7');
  send(socket, { type: 'rpc', id: 'e8', method: 'add', args: [1, 2] });
  await until(() =>
    socket.ofType('rpc').some(({ error }) => error === 'a call with the id e8 is open already'),
  );
  expect(await call(socket, 'add', 1, 2)).toEqual(value(3));
});

test('calls without a stream run one after the other, in order with telemetry', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/order');
  const device = await bridge.mqtt();
  const slow = call(socket, 'slow', 40);
  await until(() => traces.includes('order slow begins'));
  const nothing = call(socket, 'nothing');
  const telemetry = device.publishAsync('devices/callable/order/telemetry', '{"x":1}', { qos: 1 });
  await Promise.all([slow, nothing, telemetry]);
  await until(() => traces.includes('order x=1'));
  const own = traces.filter((trace) => trace.startsWith('order '));
  expect(own.slice(0, 2)).toEqual(['order slow begins', 'order slow ends']);
  expect(own.slice(2).sort()).toEqual(['order nothing', 'order x=1']);
});

test('a stream holds up neither telemetry nor other calls', async () => {
  const bridge = await start();
  const socket = await bridge.socket('callable/stream');
  const device = await bridge.mqtt();
  send(socket, { type: 'rpc', id: 'e', method: 'endless', args: [] });
  await socket.frame('rpc', 2);
  await device.publishAsync('devices/callable/stream/telemetry', '{"x":1}', { qos: 1 });
  await until(() => traces.includes('stream x=1'));
  expect(await call(socket, 'add', 1, 2)).toEqual(value(3));
  const before = socket.ofType('rpc').length;
  await until(() => socket.ofType('rpc').length > before + 2, 'the stream to go on');
});

test('a device that repeats the id of an open call gets one reply', async () => {
  const bridge = await start();
  const device = await bridge.mqtt();
  const replies: unknown[] = [];
  device.on('message', (_topic, payload) => void replies.push(JSON.parse(payload.toString())));
  await device.subscribeAsync('devices/callable/twice/reply/+', { qos: 1 });
  const topic = 'devices/callable/twice/call/count/same';
  await device.publishAsync(topic, '[3, 20]', { qos: 1 });
  await device.publishAsync(topic, '[3, 20]', { qos: 1 });
  await device.publishAsync('devices/callable/twice/call/slow/last', '[100]', { qos: 1 });
  await until(() => replies.some((reply) => JSON.stringify(reply).includes('100')));
  expect(replies).toEqual([
    { ok: true, value: { total: 3 } },
    { ok: true, value: 100 },
  ]);
});
