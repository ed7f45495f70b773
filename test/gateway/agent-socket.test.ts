import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { BridgeError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from '../../src/wire/subprotocol.ts';
import { closeOf, connect, refusedUpgrade, start, until } from './start.ts';

describe('upgrade', () => {
  it.each([
    [[], 'json', ''],
    [[SUBPROTOCOL_JSON], 'json', SUBPROTOCOL_JSON],
    [[SUBPROTOCOL_CBOR], 'cbor', SUBPROTOCOL_CBOR],
    [['graphql-ws', SUBPROTOCOL_CBOR], 'cbor', SUBPROTOCOL_CBOR],
  ])('offer %j becomes codec %s with subprotocol "%s"', async (offered, codec, subprotocol) => {
    const { wsUrl, runtime, gateway } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1?_pk=abc`, offered);
    expect(socket.protocol).toBe(subprotocol);
    expect(socket.extensions).toBe('');
    expect(runtime.connections[0]?.details).toEqual({
      address: { model: 'pump', id: 'p1' },
      transport: 'websocket',
      codec,
      uri: '/agents/pump/p1?_pk=abc',
      user: null,
    });
    expect(gateway.connectionCount()).toBe(1);
  });

  it.each([
    ['/agents/boat/b1', [], 404, 'BRG_UNKNOWN_MODEL'],
    ['/agents/pump/a%2Fb', [], 400, 'BRG_ADDRESS'],
    ['/agents/pump/%zz', [], 400, 'BRG_BAD_REQUEST'],
    ['/agents/pump', [], 404, 'BRG_NOT_FOUND'],
    ['/elsewhere', [], 404, 'BRG_NOT_FOUND'],
    ['/agents/pump/p1', ['mooring.v9.xml'], 400, 'BRG_SUBPROTOCOL'],
  ])('%s with offer %j is refused before the upgrade with %d', async (path, offered, status, code) => {
    const { wsUrl, runtime } = await start();
    const refused = await refusedUpgrade(wsUrl + path, offered);
    expect(refused).toMatchObject({ status, problem: { status, code } });
    expect(runtime.connections).toEqual([]);
  });

  it('connects to the built-in fleet', async () => {
    const { wsUrl, runtime } = await start();
    await connect(`${wsUrl}/agents/fleet/all`, [SUBPROTOCOL_CBOR]);
    expect(runtime.connections[0]?.details.address).toEqual({ model: 'fleet', id: 'all' });
  });

  it('refuses more connections than allowed with 503, and takes one when another left', async () => {
    const { wsUrl, gateway } = await start({ connectionsMax: 1 });
    const first = await connect(`${wsUrl}/agents/pump/p1`);
    expect(await refusedUpgrade(`${wsUrl}/agents/pump/p2`)).toMatchObject({
      status: 503,
      problem: { code: 'BRG_BUSY' },
    });
    first.close();
    await until(() => gateway.connectionCount() === 0);
    await connect(`${wsUrl}/agents/pump/p2`);
  });

  it('hands /mqtt to the broker with the socket untouched', async () => {
    const { wsUrl } = await start({
      onMqttUpgrade: (socket, request, head) => {
        socket.end(
          `HTTP/1.1 418 ${request.url}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n${head.length}}`,
        );
      },
    });
    const socket = new WebSocket(`${wsUrl}/mqtt?x=1`, ['mqtt']);
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]; // event of ws
    expect(response.statusCode).toBe(418);
    socket.terminate();
  });

  it('answers an upgrade to something else than WebSocket as plain HTTP', async () => {
    const { url } = await start();
    const { hostname, port } = new URL(url);
    const socket = connectTcp(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    const [bytes] = (await once(socket, 'data')) as [Buffer]; // no encoding set
    expect(bytes.toString()).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('frames', () => {
  it('pass as they are, text and binary, and are counted by codec with their bytes', async () => {
    const counted: [string, string, number][] = [];
    const { wsUrl, runtime } = await start({
      counters: {
        framesIn: (codec, bytes) => counted.push(['in', codec, bytes]),
        framesOut: (codec, bytes) => counted.push(['out', codec, bytes]),
      },
    });
    const socket = await connect(`${wsUrl}/agents/pump/p1`, [SUBPROTOCOL_CBOR]);
    const echoes: [string, boolean][] = [];
    socket.on('message', (data: Buffer, isBinary) => echoes.push([data.toString(), isBinary]));
    socket.send('tëxt');
    socket.send(Buffer.from('bin'));
    await until(() => echoes.length === 2);
    expect(echoes).toEqual([
      ['tëxt', false],
      ['bin', true],
    ]);
    expect(runtime.connections[0]?.received.map(({ isText }) => isText)).toEqual([true, false]);
    expect(counted.filter(([way]) => way === 'in')).toEqual([
      ['in', 'cbor', 5],
      ['in', 'cbor', 3],
    ]);
    expect(counted.filter(([way]) => way === 'out')).toHaveLength(2);
  });

  it('of every length form arrive whole, in order, and before the close frame of their tick', async () => {
    const { wsUrl, runtime } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    const received: {
      readonly bytes: number;
      readonly last: number | undefined;
      readonly isBinary: boolean;
    }[] = [];
    socket.on('message', (data: Buffer, isBinary) =>
      received.push({ bytes: data.length, last: data.at(-1), isBinary }),
    );
    const sink = runtime.connections[0]?.sink;
    const lengths = [0, 1, 125, 126, 16_384, 16_385, 65_535, 65_536, 1_000_000];
    const closed = closeOf(socket);
    for (const [n, length] of lengths.entries()) sink?.send(new Uint8Array(length).fill(n), n % 2 === 1);
    sink?.close(1000, 'done');
    expect(await closed).toEqual({ code: 1000, reason: 'done' });
    expect(received).toEqual(
      lengths.map((bytes, n) => ({ bytes, last: bytes === 0 ? undefined : n, isBinary: n % 2 === 0 })),
    );
  });

  it('closes with 1009 when a frame exceeds 256 KiB, and takes one of exactly that', async () => {
    const { wsUrl, runtime } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    socket.send(Buffer.alloc(limits.frameBytesMax));
    await once(socket, 'message');
    socket.send(Buffer.alloc(limits.frameBytesMax + 1));
    expect((await closeOf(socket)).code).toBe(1009);
    expect(runtime.connections[0]?.received).toHaveLength(1);
    await until(() => runtime.connections[0]?.closed.length === 1);
  });

  it('closes with 1007 when text is not UTF-8', async () => {
    const { wsUrl } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await closeOf(socket)).code).toBe(1007);
  });

  it('stops reading while the agents are congested, and loses nothing', async () => {
    const { wsUrl, runtime } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    runtime.congested = true;
    socket.send('0');
    await until(() => runtime.connections[0]?.received.length === 1);
    for (let n = 1; n < 10; n++) socket.send(String(n));
    let isPonged = false;
    socket.once('pong', () => (isPonged = true));
    socket.ping();
    runtime.congested = false;
    await until(() => runtime.connections[0]?.received.length === 10 && isPonged);
    const texts = runtime.connections[0]?.received.map(({ frame }) => Buffer.from(frame).toString());
    expect(texts?.join('')).toBe('0123456789');
  });
});

describe('the end of a connection', () => {
  it.each([
    [1003, 'text on a binary connection', 1003],
    [4001, 'own', 4001],
    [1006, 'not a code to send', 1011],
    [42, 'no code at all', 1011],
  ])('sink.close(%d) is sent as %s, %d', async (code, reason, sent) => {
    const { wsUrl, runtime } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    runtime.connections[0]?.sink.close(code, reason);
    expect(await closeOf(socket)).toEqual({ code: sent, reason });
    runtime.connections[0]?.sink.send(new Uint8Array(1), false); // too late, and harmless
    runtime.connections[0]?.sink.close(1000, '');
  });

  it('cuts a reason to what a close frame can carry, at a character', async () => {
    const { wsUrl, runtime } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    runtime.connections[0]?.sink.close(1008, `x${'ü'.repeat(200)}`);
    expect(await closeOf(socket)).toEqual({ code: 1008, reason: `x${'ü'.repeat(59)}` });
  });

  it('reaches the agent once, with code, reason and whether it was clean', async () => {
    const { wsUrl, runtime } = await start();
    const clean = await connect(`${wsUrl}/agents/pump/p1`);
    const rude = await connect(`${wsUrl}/agents/pump/p2`);
    clean.close(4000, 'bye');
    rude.terminate();
    await until(() => runtime.connections.every(({ closed }) => closed.length > 0));
    expect(runtime.connections.map(({ closed }) => closed)).toEqual([
      [{ code: 4000, reason: 'bye', wasClean: true }],
      [{ code: 1006, reason: '', wasClean: false }],
    ]);
  });

  it('is 1013 for a client that does not read', async () => {
    const { wsUrl, runtime } = await start({ socketBufferBytesMax: 1024 * 1024 });
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    socket.pause();
    const sink = runtime.connections[0]?.sink;
    const frame = new Uint8Array(64 * 1024);
    let bytes = 0;
    socket.on('message', (data: Buffer) => (bytes += data.length));
    const frames = 1000; // 64 MB: beyond the buffers of any kernel
    for (let n = 0; n < frames; n++) sink?.send(frame, false);
    const closed = closeOf(socket);
    socket.resume();
    expect((await closed).code).toBe(1013);
    expect(bytes).toBeLessThan(frames * frame.length);
  });

  it('comes by ping for a peer that no longer answers', async () => {
    const timers: (() => void)[] = [];
    const clock = {
      now: Date.now,
      after: (_delayMs: number, callback: () => void) => (timers.push(callback), () => {}),
    };
    const { wsUrl, runtime, gateway } = await start({ clock });
    const alive = await connect(`${wsUrl}/agents/pump/p1`);
    const dead = await connect(`${wsUrl}/agents/pump/p2`, [], { autoPong: false });
    const pinged = Promise.all([once(alive, 'ping'), once(dead, 'ping')]);
    timers.shift()?.(); // pings, and sets the timer for the next round
    await pinged;
    alive.ping();
    await once(alive, 'pong'); // so the gateway has read what `alive` sent before, its own pong
    timers.shift()?.();
    await until(() => runtime.connections[1]?.closed.length === 1);
    expect(runtime.connections[1]?.closed[0]).toMatchObject({ code: 1006, wasClean: false });
    expect(runtime.connections[0]?.closed).toEqual([]);
    expect(gateway.connectionCount()).toBe(1);
  });

  it('is told to the client when the agent cannot be opened', async () => {
    const { wsUrl, runtime } = await start();
    runtime.openFailure = new BridgeError('BRG_BUSY', 'too many');
    const socket = new WebSocket(`${wsUrl}/agents/pump/p1`);
    expect(await closeOf(socket)).toEqual({ code: 1013, reason: 'too many' });
    runtime.openFailure = new TypeError('secret');
    const other = new WebSocket(`${wsUrl}/agents/pump/p1`);
    const { code, reason } = await closeOf(other);
    expect(code).toBe(1011);
    expect(reason).not.toContain('secret');
  });
});
