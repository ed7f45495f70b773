/** WebSocket clients of a running bridge: agents with `ws`, MQTT over WebSocket with MQTT.js. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/base/limits.ts';
import {
  decodeOutboundFrame,
  decodePayloadAs,
  encodeFrame,
  encodePayload,
  type Codec,
  type Frame,
} from '../../src/wire/index.ts';
import { FrameSocket } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';
import { BridgeProcess, newDataDir } from './bridge-process.ts';

let bridge: BridgeProcess;
let dataDir: string;

beforeAll(async () => {
  dataDir = await newDataDir();
  bridge = await BridgeProcess.start(dataDir);
}, 30_000);

afterAll(async () => {
  await bridge?.end('SIGTERM');
  if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
});

function connect(agent: string, codec: Codec): Promise<FrameSocket> {
  return FrameSocket.open(`${bridge.webSocketUrl}/agents/${agent}`, [`mooring.v1.${codec}`]);
}

function setState(client: FrameSocket, state: unknown): void {
  const frame = encodeFrame({ type: 'cf_agent_state', state }, client.codec);
  client.socket.send(frame, { binary: client.codec === 'cbor' });
}

/** Waits for a frame with these fields, also one that came already. */
async function frameWith<T extends Frame['type']>(
  client: FrameSocket,
  type: T,
  fields: object,
): Promise<void> {
  const matches = (frame: Frame): boolean =>
    expect.objectContaining(fields).asymmetricMatch(frame) as boolean; // of vitest
  await until(() => client.ofType(type).some(matches), `${type} with ${JSON.stringify(fields)}`);
}

/** Frames that came as text. */
function texts(client: FrameSocket): unknown[] {
  return client.received.filter(({ isBinary }) => !isBinary);
}

async function refusal(path: string, subprotocols: string[]): Promise<{ status: number; problem: unknown }> {
  const socket = new WebSocket(`${bridge.webSocketUrl}${path}`, subprotocols);
  const [request, response] = (await once(socket, 'unexpected-response')) as [
    { destroy(): void },
    IncomingMessage,
  ]; // of ws
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // no encoding is set
  request.destroy();
  return { status: response.statusCode ?? 0, problem: JSON.parse(Buffer.concat(chunks).toString()) };
}

describe.each(['json', 'cbor'] as const)('a %s connection to an agent', (codec) => {
  const model = 'greenhouse';

  it('gets identity first, then live telemetry and state of what the device publishes', async () => {
    const id = `live-${codec}`;
    const client = await connect(`${model}/${id}`, codec);
    await client.frame('cf_agent_identity');
    expect(client.frames[0]).toMatchObject({ type: 'cf_agent_identity', agent: model, name: id });
    const device = await bridge.mqtt();
    await device.publishAsync(`devices/${model}/${id}/telemetry`, '{"t": 21.5, "boot": 1, "seq": 7}', {
      qos: 1,
    });
    await frameWith(client, 'mooring_presence', { presence: 'online' });
    expect(await client.frame('mooring_telemetry')).toMatchObject({ values: { temperature: 21.5 }, seq: 7 });
    expect(await client.frame('cf_agent_state')).toMatchObject({ state: { temperature: 21.5 } });
    expect(texts(client)).toHaveLength(codec === 'cbor' ? 0 : client.received.length);
  });

  it('sets the state: others get it, the setter does not, the API and a later client see it', async () => {
    const id = `set-${codec}`;
    const setter = await connect(`${model}/${id}`, codec);
    const other = await connect(`${model}/${id}`, codec === 'json' ? 'cbor' : 'json');
    await setter.frame('mooring_presence');
    await other.frame('mooring_presence');
    const state = { note: 'grün', nested: { list: [1, 2.5, null, true] } };
    setState(setter, state);
    expect(await other.frame('cf_agent_state')).toMatchObject({ state });
    setState(other, { note: 'back' });
    expect(await setter.frame('cf_agent_state')).toMatchObject({ state: { note: 'back' } });
    expect(setter.ofType('cf_agent_state')).toHaveLength(1);
    const later = await connect(`${model}/${id}`, codec);
    expect(await later.frame('cf_agent_state')).toMatchObject({ state: { note: 'back' } });
    expect(await bridge.get(`/api/agents/${model}/${id}`)).toMatchObject({
      state: { note: 'back' },
      connections: 3,
    });
  });

  it('is told of a refused payload, a command and its answer', async () => {
    const id = `told-${codec}`;
    const client = await connect(`${model}/${id}`, codec);
    const device = await bridge.mqtt();
    device.on('message', (topic) => {
      const cid = topic.split('/').at(-1) ?? '';
      device.publish(`devices/${model}/${id}/result/${cid}`, '{"ok": false, "error": "jammed"}');
    });
    await device.subscribeAsync(`devices/${model}/${id}/command/+/+`, { qos: 1 });
    await device.publishAsync(`devices/${model}/${id}/telemetry`, '{"temperature": ', { qos: 1 });
    expect(await client.frame('mooring_rejected')).toMatchObject({
      channel: 'telemetry',
      code: 'BRG_PAYLOAD_SYNTAX',
    });
    const answer = await bridge.request(
      'POST',
      `/api/agents/${model}/${id}/commands/vent?timeout=8s`,
      'closed',
    );
    expect(answer).toMatchObject({ status: 200, body: { status: 'failed', error: 'jammed' } });
    await frameWith(client, 'mooring_command', { status: 'failed', error: 'jammed' });
  });
});

describe('an upgrade', () => {
  it('without a subprotocol speaks JSON', async () => {
    const client = await FrameSocket.open(`${bridge.webSocketUrl}/agents/pump/plain`, []);
    await client.frame('cf_agent_identity');
    expect(client.socket.protocol).toBe('');
    expect(texts(client)).toHaveLength(client.received.length);
  });

  it('answers with the subprotocol it chose of several', async () => {
    const offered = ['graphql-ws', 'mooring.v1.cbor'];
    const client = await FrameSocket.open(`${bridge.webSocketUrl}/agents/pump/several`, offered);
    expect(client.socket.protocol).toBe('mooring.v1.cbor');
  });

  it.each([
    ['/agents/toaster/t1', ['mooring.v1.cbor'], 404, 'BRG_UNKNOWN_MODEL'],
    ['/agents/pump/p1', ['mooring.v2.cbor'], 400, 'BRG_SUBPROTOCOL'],
    ['/agents/pump/a%20b', [], 400, 'BRG_ADDRESS'],
    ['/nowhere', [], 404, 'BRG_NOT_FOUND'],
  ])('to %s offering %j is refused with %i and a problem document', async (path, offered, status, code) => {
    expect(await refusal(path, offered)).toMatchObject({ status, problem: { status, code } });
  });
});

describe('bad input closes the connection and changes nothing', () => {
  const deepCbor = Buffer.concat([Buffer.alloc(200, 0x81), Buffer.from([0])]);
  it.each([
    ['text on a CBOR connection', 1003, '{"type":"cf_agent_state","state":{}}'],
    ['CBOR cut short', 1007, Buffer.from([0xa2, 0x00, 0x02])],
    ['CBOR nested 200 deep', 1007, deepCbor],
    ['a CBOR bignum', 1007, Buffer.from([0xa1, 0x02, 0xc2, 0x41, 0x01])],
    ['a frame type nobody knows', 1002, Buffer.from([0xa1, 0x00, 0x18, 0x63])],
    ['a frame over 256 KiB', 1009, Buffer.alloc(limits.frameBytesMax + 1)],
  ])('%s: %i', async (_name, code, data) => {
    const before = await connect('pump/hostile', 'cbor');
    setState(before, { rpm: 1 });
    const client = await connect('pump/hostile', 'cbor');
    await client.frame('cf_agent_state');
    client.socket.send(data);
    expect((await client.closing()).code).toBe(code);
    expect(texts(client)).toEqual([]);
    expect(before.socket.readyState).toBe(WebSocket.OPEN);
    expect(await bridge.get('/api/agents/pump/hostile')).toMatchObject({ state: { rpm: 1 } });
  });
});

describe('the fleet feed at fleet/all', () => {
  it('tells totals at once, then rows of devices that changed', async () => {
    const client = await connect('fleet/all', 'cbor');
    const first = await client.frame('mooring_fleet');
    expect(first).toMatchObject({ rows: [], totals: { agents: expect.any(Number) as unknown } });
    const device = await bridge.mqtt();
    await device.publishAsync('devices/tracker/fleet-1/telemetry', '{"speed": 12}', { qos: 1 });
    const isTracker = (row: unknown): boolean => (row as { id?: unknown }).id === 'fleet-1'; // rows are objects
    const rows = (): readonly unknown[] => client.ofType('mooring_fleet').flatMap((frame) => frame.rows);
    expect(await until(() => rows().find(isTracker), 'its row')).toMatchObject({
      model: 'tracker',
      presence: 'online',
      messages: 1,
      state: { speed: 12 },
    });
    expect(texts(client)).toEqual([]);
  });
});

describe('MQTT over WebSocket at /mqtt', () => {
  it('publishes, subscribes and gets commands like MQTT over TCP', async () => {
    const overWebSocket = await bridge.mqtt({ webSocket: true });
    const overTcp = await bridge.mqtt();
    const heard: string[] = [];
    overWebSocket.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await overWebSocket.subscribeAsync(['devices/pump/ws-1/command/#', 'plaza/+'], { qos: 1 });
    await overTcp.publishAsync('plaza/fountain', 'on', { qos: 1 });
    const command = bridge.request('POST', '/api/agents/pump/ws-1/commands/stop?timeout=8s');
    await until(() => heard.length === 2, 'both');
    expect(heard).toContain('plaza/fountain on');
    const [, cid] =
      /^devices\/pump\/ws-1\/command\/stop\/(\S+) null$/.exec(
        heard.find((line) => line.includes('stop')) ?? '',
      ) ?? [];
    await overWebSocket.publishAsync(`devices/pump/ws-1/result/${cid}`, '{"ok": true}', { qos: 1 });
    expect(await command).toMatchObject({ status: 200, body: { cid, status: 'done' } });
    await overWebSocket.publishAsync('devices/pump/ws-1/telemetry', '{"rpm": 900, "running": false}', {
      qos: 1,
    });
    await until(async () => {
      const { state } = await bridge.get<{ state: { rpm?: number } | null }>('/api/agents/pump/ws-1');
      return state?.rpm === 900;
    }, 'it to be applied');
  });

  it.each(['cbor', 'json'] as const)(
    'a user name with ?codec=%s gets frames and commands in it',
    async (codec) => {
      const id = `frames-${codec}`;
      const device = await bridge.mqtt({ webSocket: true, username: `gateway?codec=${codec}` });
      const frames: Frame[] = [];
      const commands: unknown[] = [];
      device.on('message', (topic, payload) => {
        if (topic.endsWith('/frames')) frames.push(decodeOutboundFrame(payload, codec));
        else commands.push(decodePayloadAs(payload, codec));
      });
      await device.subscribeAsync([`devices/greenhouse/${id}/frames`, `devices/greenhouse/${id}/command/#`], {
        qos: 1,
      });
      const payload = Buffer.from(encodePayload({ t: 20 }, codec === 'cbor' ? 'json' : 'cbor'));
      await device.publishAsync(`devices/greenhouse/${id}/telemetry`, payload, { qos: 1 });
      await until(() => frames.some(({ type }) => type === 'cf_agent_state'), 'identity and state');
      expect(frames[0]).toMatchObject({ type: 'cf_agent_identity', name: id });
      await bridge.request('POST', `/api/agents/greenhouse/${id}/commands/vent?timeout=0`, 'open');
      await until(() => commands.length === 1, 'the command');
      expect(commands).toEqual(['open']);
    },
  );
});
