/** What a connection is called, keeps, may do and is sent; every inbound frame meets the same gate. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FRAMES, type FieldSpec, type FrameSpec } from '../../src/wire/frames.ts';
import { decodeCbor, encodeFrame, SUBPROTOCOL_CBOR, type InboundFrame } from '../../src/wire/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import type { FrameSocket } from '../support/frame-socket.ts';
import { call, hookBridge } from '../support/hook-bridge.ts';
import { notes } from '../support/hook-devices.ts';
import { until } from '../support/until.ts';

async function joined(bridge: TestBridge, target: string, protocols: string[] = []): Promise<FrameSocket> {
  const socket = await bridge.socket(target, protocols);
  await socket.frame('cf_agent_mcp_servers');
  return socket;
}

async function idOf(socket: FrameSocket): Promise<string> {
  return ((await call(socket, 'memory')) as { id: string }).id;
}

/** One frame of each type a client may send. */
const inboundFrames = FRAMES.filter(({ direction }) => direction !== 'out').map((row: FrameSpec) => {
  const samples = {
    string: 'a',
    number: 1,
    boolean: true,
    array: [],
    object: {},
    any: { n: 1 },
    'text-or-map': '',
  };
  const fields = Object.entries(row.fields).filter(([, { only }]: [string, FieldSpec]) => only !== 'out');
  const values = fields.map(([name, { type }]) => [name, name === 'method' ? 'who' : samples[type]]);
  return { type: row.type, ...Object.fromEntries(values) } as InboundFrame; // made from its row
});

/** What each type needs; a new inbound frame must be entered here, and in the table of the gate. */
const NEEDED: Record<InboundFrame['type'], string> = {
  cf_agent_state: 'state.write',
  rpc: 'rpc:who',
  cf_agent_chat_messages: 'chat.send',
  cf_agent_use_chat_request: 'chat.send',
  cf_agent_chat_clear: 'chat.send',
  cf_agent_chat_request_cancel: 'chat.send',
  cf_agent_tool_result: 'chat.send',
  cf_agent_tool_approval: 'tool.approve',
  cf_agent_stream_resume_request: '',
  cf_agent_stream_resume_ack: '',
  mooring_cancel: '',
};

test('each inbound frame type passes the gate with its capability, and with that one only', async () => {
  expect(inboundFrames.map(({ type }) => type).sort()).toEqual(Object.keys(NEEDED).sort());
  const bridge = await hookBridge();
  const all = ['state.write', 'rpc:who', 'chat.send', 'tool.approve', 'admin'];
  const tried: string[] = [];
  for (const protocols of [[], [SUBPROTOCOL_CBOR]]) {
    for (const frame of inboundFrames) {
      const needed = NEEDED[frame.type];
      for (const granted of [all.filter((name) => name !== needed), [needed === '' ? 'admin' : needed]]) {
        const target = `room/gate?can=${granted.join()}`;
        const socket = await joined(bridge, target, protocols);
        socket.socket.send(encodeFrame(frame as never, socket.codec), { binary: socket.codec === 'cbor' });
        socket.socket.send(
          encodeFrame({ type: 'rpc', id: 'probe', method: 'nothing', args: [] } as never, socket.codec),
          { binary: socket.codec === 'cbor' },
        );
        await until(
          () => socket.ofType('rpc').some(({ id }) => id === 'probe'),
          `a reply after ${frame.type}`,
        );
        const isDenied = JSON.stringify(socket.frames).includes(`lacks the capability ${needed || '-'}`);
        const isReadonly = socket
          .ofType('cf_agent_state_error')
          .some(({ error }) => error === 'Connection is readonly');
        expect([frame.type, granted, isDenied || isReadonly]).toEqual([
          frame.type,
          granted,
          needed !== '' && !granted.includes(needed),
        ]);
        expect(socket.closed).toBeNull();
        socket.socket.terminate();
        tried.push(frame.type);
      }
    }
  }
  expect(new Set(tried).size).toBe(inboundFrames.length);
  // Nobody without the capability changed anything: one accepted state for each codec.
  const { state, version } = await (await joined(bridge, 'room/gate')).frame('cf_agent_state');
  expect([state, version]).toEqual([{ n: 1 }, 2]);
});

test('a readonly connection cannot set the state, chat, clear or approve, and its calls cannot set the state', async () => {
  const bridge = await hookBridge();
  for (const readonly of ['yes', 'later', 'rejects']) {
    const viewer = await joined(bridge, `room/readonly?readonly=${readonly}`);
    viewer.send({ type: 'cf_agent_state', state: { n: 1 } });
    viewer.send({ type: 'cf_agent_use_chat_request', id: 'r1', init: { method: 'POST' } });
    viewer.send({ type: 'cf_agent_chat_clear' });
    viewer.send({ type: 'cf_agent_tool_approval', toolCallId: 't', approved: true });
    expect(await call(viewer, 'set', { n: 1 })).toBe('Connection is readonly');
    expect(await call(viewer, 'trySet', { n: 1 })).toBe('Connection is readonly');
    expect(await call(viewer, 'who')).toBe('readonly connection undefined');
    expect(viewer.ofType('cf_agent_state_error')).toEqual([
      { type: 'cf_agent_state_error', error: 'Connection is readonly' },
    ]);
    const lacks = 'this connection lacks the capability';
    expect(viewer.ofType('cf_agent_use_chat_response')).toMatchObject([
      { id: 'r1', body: `${lacks} chat.send`, done: true, error: true },
    ]);
    expect(viewer.ofType('mooring_error').map(({ code, error }) => [code, error])).toEqual([
      ['BRG_FORBIDDEN', `${lacks} chat.send`],
      ['BRG_FORBIDDEN', `${lacks} tool.approve`],
    ]);
    expect(viewer.ofType('cf_agent_state')).toEqual([]);
  }
  expect(notes.filter((note) => note.startsWith('readonly onStateChanged'))).toEqual([]);
  expect(notes).toContain('readonly onError connection no decision');
});

test('readonly can be taken and given while connected; it gives nothing that was not granted', async () => {
  const bridge = await hookBridge();
  const admin = await joined(bridge, 'room/toggle');
  const viewer = await joined(bridge, 'room/toggle');
  const caller = await joined(bridge, 'room/toggle?can=rpc:*');
  const [viewerId, callerId] = [await idOf(viewer), await idOf(caller)];
  expect(await call(admin, 'readonly', viewerId, true)).toBe(true);
  expect(await call(viewer, 'set', 1)).toBe('Connection is readonly');
  expect(await call(viewer, 'can', 'admin')).toBe(false);
  expect(await call(admin, 'readonly', viewerId, false)).toBe(false);
  expect(await call(viewer, 'set', 1)).toBe(1);
  expect(await call(admin, 'readonly', callerId, false)).toBe(true); // still not granted
  expect(await call(caller, 'set', 2)).toBe('Connection is readonly');
  await call(admin, 'allow', callerId, ['rpc:set', 'state.write']);
  expect(await call(caller, 'set', 3)).toBe(3);
  expect(await call(caller, 'memory')).toBe('this connection lacks the capability rpc:memory');
  expect(await call(admin, 'allow', callerId, ['state.wirte'])).toContain('"state.wirte" is no capability');
  expect(await call(caller, 'set', 4)).toBe(4);
  expect(await call(admin, 'can', 'no.such')).toBe(false);
});

test.each([['state.wirte,rpc:*'], ['throws'], ['rpc:'], ['*']])(
  'a hook that answers %s grants nothing, and onError hears of it',
  async (can) => {
    const bridge = await hookBridge();
    const name = `grant-${can.length}`;
    const socket = await joined(bridge, `room/${name}?can=${can}`);
    expect(await call(socket, 'who')).toBe('this connection lacks the capability rpc:who');
    socket.send({ type: 'cf_agent_state', state: 1 });
    expect((await socket.frame('cf_agent_state_error')).error).toBe('Connection is readonly');
    const heard = notes.filter((note) => note.startsWith(`${name} onError connection`));
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatch(/no decision|is no capability/);
  },
);

test('tags find connections, through sleep; too many or too long ones are refused', async () => {
  const bridge = await hookBridge({}, { shard: { idleTimeoutMs: 20 } });
  const tagged = (name: string, tags: unknown): Promise<FrameSocket> =>
    joined(bridge, `room/${name}?tags=${encodeURIComponent(JSON.stringify(tags))}`);
  const [a, b] = [await tagged('tags', ['red', 'big']), await tagged('tags', ['red'])];
  const none = await joined(bridge, 'room/tags');
  const [idA, idB, idNone] = [await idOf(a), await idOf(b), await idOf(none)];
  await until(async () => (await bridge.fetch('/api/stats')).body['awake'] === 0, 'every agent to be asleep');
  expect(await call(none, 'tagged', 'red')).toEqual([idA, idB]);
  expect(await call(none, 'tagged', 'big')).toEqual([idA]);
  expect(await call(none, 'tagged', 'blue')).toEqual([]);
  expect(await call(none, 'tagged')).toEqual([idA, idB, idNone]);
  expect(notes).toContain('tags onConnect red,big');
  const ten = Array.from({ length: 10 }, (_, n) => String(n).repeat(256));
  await tagged('tag-limits', ten);
  await until(() => notes.includes(`tag-limits onConnect ${ten.join()}`));
  for (const wrong of [[...ten, 'x'], ['x'.repeat(257)], [1], 'red']) await tagged('tag-limits', wrong);
  await until(() => notes.filter((note) => note === 'tag-limits onConnect ').length === 4);
  expect(
    notes.filter((note) => note.startsWith('tag-limits onError connection tags of a connection')),
  ).toHaveLength(4);
});

test('a connection’s state may be any JSON value, survives sleep, and is its own', async () => {
  const bridge = await hookBridge({}, { shard: { idleTimeoutMs: 20 } });
  // A flagged connection loses no values either, which the Agents SDK drops.
  const [mine, other] = [await joined(bridge, 'room/own?readonly=yes'), await joined(bridge, 'room/own')];
  expect(await call(mine, 'memory')).toMatchObject({ state: null });
  for (const value of [0, '', false, 'text', [1, null], { deep: { n: 1 } }, null]) {
    expect(await call(mine, 'keep', value)).toEqual(value);
    await until(
      async () => (await bridge.fetch('/api/stats')).body['awake'] === 0,
      'every agent to be asleep',
    );
    expect(await call(mine, 'memory')).toMatchObject({ state: value });
  }
  expect([await call(mine, 'keep', 'count'), await call(mine, 'keep', 'count')]).toEqual([1, 2]);
  expect(await call(mine, 'keep', 'x'.repeat(20_000))).toContain('the limit is 16384');
  expect(await call(mine, 'memory')).toMatchObject({ state: 2 });
  expect(await call(other, 'memory')).toMatchObject({ state: null });
});

test('protocol frames can be switched off and on while connected; the first state after that is whole', async () => {
  const bridge = await hookBridge();
  const admin = await joined(bridge, 'room/mask');
  const viewer = await joined(bridge, 'room/mask?state=patch');
  const id = await idOf(viewer);
  const long = 'x'.repeat(50);
  await call(admin, 'set', { long, n: 1 });
  await call(admin, 'set', { long, n: 2 });
  await viewer.frame('mooring_state_patch');
  expect(await call(admin, 'protocol', id, false)).toBe(false);
  await call(admin, 'set', { long, n: 3 });
  expect(await call(admin, 'protocol', id, { errors: true })).toBe(true);
  await call(admin, 'set', { long, n: 4 });
  expect(await call(admin, 'protocol', id, true)).toBe(true);
  await call(admin, 'set', { long, n: 5 });
  await call(admin, 'set', { long, n: 6 });
  await viewer.frame('mooring_state_patch', 2);
  const seen = viewer.frames.filter(
    ({ type }) => type === 'cf_agent_state' || type === 'mooring_state_patch',
  );
  expect(seen.slice(1)).toEqual([
    { type: 'mooring_state_patch', patch: { n: 2 }, version: 2 },
    { type: 'cf_agent_state', state: { long, n: 5 }, version: 5 },
    { type: 'mooring_state_patch', patch: { n: 6 }, version: 6 },
  ]);
});

test('broadcast reaches every connection but those it leaves out; getConnection knows only those there are', async () => {
  const devices = fileURLToPath(new URL('../support/parity-devices.ts', import.meta.url));
  const bridge = await startBridge({ devices });
  const sockets = [await joined(bridge, 'probe/b'), await joined(bridge, 'probe/b', [SUBPROTOCOL_CBOR])];
  const caller = await joined(bridge, 'probe/b');
  const ids = (await call(caller, 'shout', 'all')) as string[];
  expect(new Set(ids).size).toBe(3);
  await call(caller, 'shout', 'but two', ids.slice(0, 2));
  await call(caller, 'shout', 'nobody', ids);
  await call(caller, 'shout', 'all again', ['no such id', '']);
  const words = (socket: FrameSocket): string[] =>
    socket.received
      .map(({ data }) => (socket.codec === 'cbor' ? decodeCbor(data) : data.toString()))
      .filter((word) => typeof word === 'string' && /^(all|but|nobody)/.test(word)) as string[]; // just checked
  await until(() => sockets.every((socket) => words(socket).includes('all again')));
  expect(sockets.map(words)).toEqual(Array(2).fill(['all', 'all again']));
  expect(words(caller)).toEqual(['all', 'but two', 'all again']);
  for (const id of [...ids, '0', '99', '', 'x', '1e0', ' 1']) {
    expect([id, await call(caller, 'known', id)]).toEqual([id, ids.includes(id)]);
  }
});
