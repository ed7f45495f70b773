/** The life of an agent: the order of its hooks, errors, who runs, and its end. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { getCurrentAgent } from '../../src/agent/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import type { FrameSocket } from '../support/frame-socket.ts';
import { call, hookBridge } from '../support/hook-bridge.ts';
import { notes } from '../support/hook-devices.ts';
import { heardBy } from '../support/parity-devices.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/parity-devices.ts', import.meta.url));

async function joined(bridge: TestBridge, target: string): Promise<FrameSocket> {
  const socket = await bridge.socket(target);
  await socket.frame('cf_agent_mcp_servers');
  return socket;
}

function notesOf(name: string): string[] {
  return notes.filter((note) => note.startsWith(`${name} `)).map((note) => note.slice(name.length + 1));
}

test('no message comes before its connect has ended, however asynchronous the hooks are', async () => {
  const bridge = await hookBridge();
  const socket = await bridge.socket('room/order?can=state.write,rpc:*&readonly=later&tags=["t"]');
  for (const n of [1, 2, 3]) socket.socket.send(`m${n}`);
  socket.send({ type: 'cf_agent_state', state: 1 });
  socket.socket.send('m4');
  socket.socket.close(4001);
  await until(() => notesOf('order').includes('onClose 4001 true'));
  expect(notesOf('order')).toEqual([
    'onStart',
    'onConnect t',
    'onConnect ended',
    ...['m1', 'm2', 'm3', 'm4'].map((text) => `onMessage ${text}`),
    'onClose 4001 true',
  ]);
});

test('the first frames come before onConnect, and a broken connection is not closed cleanly', async () => {
  const bridge = await hookBridge();
  const socket = await joined(bridge, 'room/broken');
  socket.socket.terminate();
  await until(() => notesOf('broken').includes('onClose 1006 false'));
  expect(notesOf('broken')).toEqual(['onStart', 'onConnect ', 'onConnect ended', 'onClose 1006 false']);
});

test('on connect: tags, readonly, capabilities, protocol, then identity, state, MCP servers, then onConnect', async () => {
  const bridge = await startBridge({ devices });
  const socket = await bridge.socket('probe/order');
  socket.socket.send('at once');
  await until(() => heardBy('order').length === 7);
  expect(heardBy('order')).toEqual([
    'onStart',
    'getConnectionTags',
    'shouldConnectionBeReadonly 1',
    'getConnectionCapabilities',
    'shouldSendProtocolMessages',
    'onConnect',
    'onMessage at once',
  ]);
  await until(() => socket.received.length === 4);
  expect(socket.frames.map(({ type }) => type)).toEqual([
    'cf_agent_identity',
    'cf_agent_state',
    'cf_agent_mcp_servers',
  ]);
  expect(socket.received.at(-1)?.data.toString()).toBe('hello');
});

test('what onStart throws goes to onError; the agent goes on with the message that woke it', async () => {
  const bridge = await startBridge({ devices });
  const socket = await joined(bridge, 'probe/bad-start');
  expect(await call(socket, 'known', 'nobody')).toBe(false);
  expect(heardBy('bad-start').slice(0, 3)).toEqual([
    'onStart',
    'onError Error: onStart',
    'getConnectionTags',
  ]);
});

test('validateStateChange runs before the state changes, onStateChanged after, both with who changed it', async () => {
  const bridge = await startBridge({ devices });
  const socket = await joined(bridge, 'probe/source');
  socket.send({ type: 'cf_agent_state', state: 1 });
  await call(socket, 'set', 2);
  const about = heardBy('source').filter((what) => /^(validate|changed)/.test(what));
  expect(about).toEqual([
    'validate 1 by /agents/probe/source, is {"n":0}',
    'changed 1 by /agents/probe/source, is 1',
    'validate 2 by server, is 1',
    'changed 2 by server, is 2',
  ]);
});

test('in onClose the connection still has its tags, and is none of getConnections any more', async () => {
  const bridge = await startBridge({ devices });
  const [leaving, staying] = [await joined(bridge, 'probe/close'), await joined(bridge, 'probe/close')];
  leaving.socket.close();
  await until(() => heardBy('close').some((what) => what.startsWith('onClose')));
  expect(heardBy('close').at(-1)).toBe('onClose 1 false 1');
  expect(await call(staying, 'shout', 'still here')).toHaveLength(1);
});

test('of a storm of 6,000 messages on one agent none is lost, and each sender’s come in their order', async () => {
  const bridge = await startBridge({ devices });
  const sockets = await Promise.all([1, 2, 3, 4].map(() => bridge.socket('storm/one')));
  const device = await bridge.mqtt();
  const each = Array.from({ length: 1000 }, (_, n) => n);
  const acknowledged = [1, 2].map((boot) =>
    each.map((seq) => {
      const payload = JSON.stringify({ x: seq, boot: `device${boot}`, seq });
      return device.publishAsync('devices/storm/one/telemetry', payload, { qos: 1 });
    }),
  );
  for (const n of each) for (const [who, { socket }] of sockets.entries()) socket.send(`socket${who} ${n}`);
  await Promise.all(acknowledged.flat());
  await until(() => heardBy('one').length >= 6000, 'every message');
  for (const who of ['socket0', 'socket1', 'socket2', 'socket3', 'device1', 'device2']) {
    const own = heardBy('one').filter((what) => what.startsWith(who));
    expect(own).toEqual(each.map((n) => `${who} ${n}`));
  }
  expect(heardBy('one')).toHaveLength(6000);
}, 60_000);

test('onError hears of a connection’s hook with the connection, falsy errors included', async () => {
  const bridge = await hookBridge();
  const socket = await joined(bridge, 'room/errors?fail=connect');
  socket.socket.send('fail');
  await until(() => notesOf('errors').includes('onError connection undefined'));
  expect(notesOf('errors')).toEqual([
    'onStart',
    'onConnect ',
    'onError connection onConnect',
    'onMessage fail',
    'onError connection undefined',
  ]);
  const plain = await joined(bridge, 'errors/plain');
  plain.socket.send('x');
  plain.socket.send('y');
  await until(() => notesOf('plain').length === 2);
  expect(notesOf('plain')).toEqual(['onError Error: hook', 'onError Error: hook']);
  expect(plain.closed).toBeNull();
});

test('getCurrentAgent knows agent and connection in calls, after await, in streams and jobs, and nobody outside', async () => {
  const bridge = await hookBridge();
  const [a, b] = [await joined(bridge, 'room/who-a'), await joined(bridge, 'room/who-b')];
  const answers = await Promise.all(
    [a, b].flatMap((socket) =>
      ['who', 'whoLater', 'whoStream', 'whoLater'].map((name) => call(socket, name)),
    ),
  );
  const expected = ['who-a', 'who-b'].flatMap(
    (name) => Array(4).fill(`${name} connection undefined`) as string[],
  );
  expect(answers).toEqual(expected);
  expect(a.ofType('rpc').filter(({ done }) => done === false)).toMatchObject([
    { result: 'who-a connection undefined' },
  ]);
  await call(a, 'queueWho');
  await until(() => notesOf('who-a').includes('noteWho who-a nobody undefined'));
  const { body } = await bridge.fetch('/api/agents/room/who-a/call/who', { body: { args: [] } });
  expect(body).toMatchObject({ value: 'who-a nobody undefined' });
  expect(getCurrentAgent()).toEqual({ agent: undefined, connection: undefined, request: undefined });
});

test.each(['leave', 'leaveThenFail'])(
  'destroy deletes everything and closes the connections (%s)',
  async (method) => {
    const bridge = await hookBridge();
    const [first, other] = [await joined(bridge, `room/${method}`), await joined(bridge, `room/${method}`)];
    await call(first, 'set', { n: 1 });
    first.send({ type: 'rpc', id: 'last', method, args: [] });
    expect(await first.closing()).toEqual({ code: 1000, reason: 'the agent was destroyed' });
    expect((await other.closing()).code).toBe(1000);
    expect((await first.frame('rpc', 2)).id).toBe('last'); // the answer came before the end
    const { body } = await bridge.fetch('/api/agents?model=room');
    expect(body['items'] ?? body['agents']).toEqual([]);
    const again = await joined(bridge, `room/${method}`);
    expect(again.ofType('cf_agent_state')).toEqual([]);
    expect(await call(again, 'set', { n: 2 })).toEqual({ n: 2 });
    expect(again.ofType('cf_agent_state')).toMatchObject([{ version: 1 }]);
    expect(notesOf(method).filter((note) => note === 'onStart').length).toBe(2);
  },
);
