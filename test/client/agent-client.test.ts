import { describe, expect, it } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import {
  AgentClient,
  BridgeError,
  type SocketLike,
  type TelemetryMessage,
  type TwinMessage,
} from '../../src/client/index.ts';
import { limits } from '../../src/base/limits.ts';
import type { Frame } from '../../src/wire/index.ts';
import { until } from '../support/until.ts';
import { type Peer, ScriptedServer, type Script } from './scripted-server.ts';

const IDENTITY: Frame = { type: 'cf_agent_identity', name: 'g1', agent: 'greenhouse' };

/** Answers calls of `echo`, `fail`, `count`; keeps silent on the others. */
const answering: Script['onFrame'] = (frame, peer) => {
  if (frame.type !== 'rpc') return;
  const { id, method, args } = frame;
  if (method === 'echo') peer.send({ type: 'rpc', id, success: true, result: args[0], done: true });
  if (method === 'fail') peer.send({ type: 'rpc', id, success: false, error: 'it is jammed' });
  if (method === 'count') {
    for (let n = 1; n <= Number(args[0]); n++)
      peer.send({ type: 'rpc', id, success: true, result: n, done: false });
    peer.send({ type: 'rpc', id, success: true, result: 'end', done: true });
  }
};

interface Greenhouse {
  state: { temperature: number };
  echo(value: unknown): unknown;
  fail(): void;
  silent(): void;
  count(stream: { send(chunk: number): boolean; end(final?: string): boolean }, to: number): void;
}

function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof BridgeError ? error.code : String(error)),
  );
}

describe.each([
  ['cbor', undefined],
  ['json', undefined],
  ['cbor', WsWebSocket],
  ['json', WsWebSocket],
] as const)('a %s client over %o', (codec, WebSocket) => {
  const settings = { codec, ...(WebSocket === undefined ? {} : { WebSocket }) };

  it('is ready when identity and state are here', async () => {
    const server = await ScriptedServer.start({
      onConnect: (peer) => {
        peer.send(IDENTITY);
        peer.send({ type: 'cf_agent_state', state: { temperature: 21.5 } });
      },
    });
    const client = server.client<Greenhouse>({ ...settings, token: 'secret' });
    expect(client.status).toBe('connecting');
    await client.ready;
    expect(client).toMatchObject({
      agent: 'greenhouse',
      name: 'g1',
      status: 'live',
      state: { temperature: 21.5 },
    });
    const { target, codec: spoken } = await server.peer();
    expect(target).toBe('/agents/greenhouse/g1?state=patch&token=secret');
    expect(spoken).toBe(codec);
  });

  it('calls methods, by name and through the stub, and gets their errors', async () => {
    const server = await ScriptedServer.start({ onFrame: answering });
    const client = server.client<Greenhouse>(settings);
    expect(await client.call('echo', [{ list: [1, null, 'é'] }])).toEqual({ list: [1, null, 'é'] });
    expect(await Promise.all([1, 0, false, ''].map((value) => client.stub.echo(value)))).toEqual([
      1,
      0,
      false,
      '',
    ]);
    await expect(client.stub.fail()).rejects.toMatchObject({
      code: 'BRG_CALL_FAILED',
      message: 'it is jammed',
    });
  });

  it('hands on the chunks of a stream, then its end', async () => {
    const server = await ScriptedServer.start({ onFrame: answering });
    const client = server.client<Greenhouse>(settings);
    const heard: unknown[] = [];
    const stream = {
      onChunk: (chunk: unknown) => heard.push(chunk),
      onDone: (final: unknown) => heard.push(final),
    };
    expect(await client.call('count', [3], { stream })).toBe('end');
    expect(heard).toEqual([1, 2, 3, 'end']);
    const looped: unknown[] = [];
    for await (const chunk of client.stream('count', [4])) looped.push(chunk);
    expect(looped).toEqual([1, 2, 3, 4]);
  });

  it('tells of every frame with its own event', async () => {
    const server = await ScriptedServer.start();
    const frames: string[] = [];
    const client = server.client<Greenhouse>({ ...settings, onFrame: ({ type }) => frames.push(type) });
    const heard: Record<string, unknown> = {};
    for (const event of ['telemetry', 'presence', 'command', 'alert', 'twin', 'fleet', 'rejected'] as const) {
      client.on(event, (message: unknown) => (heard[event] = message));
    }
    await client.ready;
    const telemetry: TelemetryMessage = {
      ts: 1767225600000,
      values: { temperature: 21.5, on: true },
      seq: 7,
    };
    const twin: TwinMessage = { reported: { a: 1 }, desired: { a: 2 }, delta: { a: 2 }, version: 4 };
    const messages = {
      telemetry,
      twin,
      presence: { presence: 'online', at: 1767225600000 },
      command: { cid: 'c1', name: 'vent', status: 'done', value: 'open' },
      alert: { ts: 1767225600000, ruleId: 'r1', kind: 'alert', text: 'too hot' },
      fleet: { rows: [], totals: { online: 1 } },
      rejected: { ts: 1767225600000, channel: 'telemetry', code: 'BRG_PAYLOAD_RANGE', reason: 'too high' },
    };
    const peer = await server.peer();
    for (const [name, message] of Object.entries(messages)) {
      peer.send({ type: `mooring_${name}`, ...message } as Frame); // one of its type each
    }
    await until(() => Object.keys(heard).length === 7, 'all came');
    expect(heard).toEqual(messages);
    expect(frames).toEqual(['cf_agent_identity', ...Object.keys(messages).map((name) => `mooring_${name}`)]);
  });
});

describe('messages that are no frames', () => {
  it.each(['cbor', 'json'] as const)('pass both ways on %s; unknown frames do not', async (codec) => {
    const server = await ScriptedServer.start();
    const client = server.client({ codec });
    const messages: unknown[] = [];
    client.on('message', (message) => messages.push(message));
    await client.ready;
    const { socket } = await server.peer();
    if (codec === 'json') {
      socket.send('{"type":"mooring_of_tomorrow","x":1}');
      socket.send('plain');
      socket.send('{"type":"own"}');
    } else {
      socket.send(Buffer.from('a2001903e70101', 'hex')); // {0: 999, 1: 1}
      socket.send(Buffer.from('65706c61696e', 'hex')); // "plain"
      socket.send(Buffer.from('a16474797065636f776e', 'hex')); // {"type": "own"}
    }
    await until(() => messages.length === 2, 'both came');
    expect(messages).toEqual(codec === 'json' ? ['plain', '{"type":"own"}'] : ['plain', { type: 'own' }]);
  });

  it('are sent as text, bytes or a value of the codec', async () => {
    const server = await ScriptedServer.start();
    const client = server.client({ codec: 'json' });
    await client.ready;
    const { socket } = await server.peer();
    socket.removeAllListeners('message');
    const received: string[] = [];
    socket.on('message', (data, isBinary) => received.push(`${isBinary} ${String(data)}`));
    for (const message of ['text', { a: 1 }, new Uint8Array([104, 105])]) client.send(message);
    await until(() => received.length === 3, 'all came');
    expect(received).toEqual(['false text', 'false {"a":1}', 'true hi']);
  });
});

describe('calls', () => {
  it('that are not answered are rejected at their deadline, with the method and the time', async () => {
    const server = await ScriptedServer.start();
    const client = server.client<Greenhouse>();
    await expect(client.call('silent', [], { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'BRG_TIMEOUT',
      message: 'RPC call to silent timed out after 20ms',
    });
    const hurried = server.client<Greenhouse>({ callTimeoutMs: 10 });
    await expect(hurried.stub.silent()).rejects.toThrow('timed out after 10ms');
  });

  it('can be aborted, before and after they were sent', async () => {
    const server = await ScriptedServer.start();
    const client = server.client<Greenhouse>();
    expect(await codeOf(client.call('silent', [], { signal: AbortSignal.abort() }))).toBe('BRG_ABORTED');
    const abort = new AbortController();
    const call = client.call('silent', [], { signal: abort.signal });
    await (await server.peer()).call();
    abort.abort();
    expect(await codeOf(call)).toBe('BRG_ABORTED');
  });

  it('that stream have their deadline between chunks', async () => {
    const server = await ScriptedServer.start();
    const client = server.client<Greenhouse>();
    const errors: string[] = [];
    const stream = { onError: (message: string) => errors.push(message) };
    const call = client.call('count', [3], { timeoutMs: 60, stream });
    const peer = await server.peer();
    const { id } = await peer.call();
    peer.send({ type: 'rpc', id, success: true, result: 1, done: false });
    await expect(call).rejects.toThrow('RPC call to count timed out after 60ms');
    expect(errors).toEqual(['RPC call to count timed out after 60ms']);
  });

  it('given up by leaving the loop are forgotten; late answers do no harm', async () => {
    const server = await ScriptedServer.start({ onFrame: answering });
    const client = server.client<Greenhouse>();
    for await (const chunk of client.stream('count', [100])) if (chunk === 2) break;
    expect(await client.stub.echo('still here')).toBe('still here');
  });

  it('beyond the limit are refused at once, and so are frames that are too big', async () => {
    const server = await ScriptedServer.start();
    const client = server.client<Greenhouse>();
    await client.ready;
    const calls = Array.from({ length: limits.clientCallsPendingMax }, () => codeOf(client.stub.silent()));
    expect(await codeOf(client.stub.silent())).toBe('BRG_BUSY');
    expect(await codeOf(client.stub.echo('x'.repeat(limits.frameBytesMax)))).toBe('BRG_FRAME_TOO_LARGE');
    client.close();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['BRG_CONNECTION_CLOSED']));
    expect(await codeOf(client.stub.silent())).toBe('BRG_CONNECTION_CLOSED');
    await expect(client.ready).rejects.toMatchObject({ code: 'BRG_CONNECTION_CLOSED' });
  });
});

describe('frames()', () => {
  it('loops over one type across a reconnect, until the client is closed', async () => {
    const server = await ScriptedServer.start({
      onConnect: (peer: Peer, n) => {
        peer.send(IDENTITY);
        peer.send({ type: 'mooring_presence', presence: 'online', at: n });
        if (n === 0) peer.socket.close(1001);
      },
    });
    const client = server.client();
    const times: number[] = [];
    for await (const { at } of client.frames('mooring_presence')) {
      times.push(at);
      if (at === 1) client.close();
    }
    expect(times).toEqual([0, 1]);
  });

  it('ends with an error in a loop that is too slow', async () => {
    const server = await ScriptedServer.start();
    const client = server.client();
    const frames = client.frames('mooring_presence');
    await client.ready;
    const peer = await server.peer();
    for (let at = 0; at <= limits.clientFramesWaitingMax; at++) {
      peer.send({ type: 'mooring_presence', presence: 'online', at });
    }
    await client.setState({}); // its answer comes behind them
    const loop = async (): Promise<void> => {
      for await (const frame of frames) expect(frame.type).toBe('mooring_presence');
    };
    expect(await codeOf(loop())).toBe('BRG_SLOW_CLIENT');
  });
});

describe('an address', () => {
  it.each([
    [{ host: '127.0.0.1:8080', model: 'pump', id: 'p1' }, 'ws://127.0.0.1:8080/agents/pump/p1'],
    [{ host: 'https://127.0.0.1:8080/', model: 'pump', id: 'p1' }, 'wss://127.0.0.1:8080/agents/pump/p1'],
    [{ url: 'http://127.0.0.1:8080/agents/pump/p1?x=1' }, 'ws://127.0.0.1:8080/agents/pump/p1?x=1'],
    [{ host: 'bridge.example.com', model: 'pump', id: 'p1' }, 'wss://bridge.example.com/agents/pump/p1'],
    [{ host: '[::1]:8080', model: 'pump', id: 'a:b~c' }, 'ws://[::1]:8080/agents/pump/a:b~c'],
  ])('%j is %s', async (target, url) => {
    const urls: string[] = [];
    class Recorder implements SocketLike {
      binaryType = '';
      bufferedAmount = 0;
      constructor(url: string) {
        urls.push(url);
      }
      send(): void {}
      close(): void {}
      addEventListener(): void {}
    }
    const client = new AgentClient({ ...target, WebSocket: Recorder });
    await until(() => urls.length === 1, 'it dialled');
    client.close();
    expect(urls).toEqual([`${url}${url.includes('?') ? '&' : '?'}state=patch`]);
  });

  it.each([
    [{ host: 'h', model: 'Pump', id: 'p1' }],
    [{ host: 'h', model: 'pump', id: 'a/b' }],
    [{ model: 'pump', id: 'p1' }],
    [{ url: 'ftp://h/agents/pump/p1' }],
    [{ url: 'nonsense' }],
  ])('may not be %j', (target) => {
    expect(() => new AgentClient(target)).toThrow(expect.objectContaining({ code: 'BRG_ADDRESS' }) as Error);
  });
});
