import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { AgentClient, type ClientStatus } from '../../src/client/index.ts';
import { backoffMs } from '../../src/client/backoff.ts';
import { until } from '../support/until.ts';
import { type Call, type Peer, ScriptedServer } from './scripted-server.ts';

function answer(peer: Peer, { id }: Call, result: unknown): void {
  peer.send({ type: 'rpc', id, success: true, result, done: true });
}

describe('after a lost connection', () => {
  it('a client is live again, with a new ready and a token asked for anew', async () => {
    const server = await ScriptedServer.start();
    let asked = 0;
    const client = server.client({ token: () => Promise.resolve(`t${++asked}`) });
    const statuses: ClientStatus[] = [];
    client.on('status', (status) => statuses.push(status));
    await client.ready;
    const before = client.ready;
    (await server.peer(0)).socket.terminate();
    await until(() => statuses.filter((status) => status === 'live').length === 2, 'it is live again');
    expect(client.ready).not.toBe(before);
    await client.ready;
    expect(statuses).toEqual(['live', 'waiting', 'connecting', 'live']);
    expect(server.peers.map(({ target }) => target.split('?')[1])).toEqual([
      'state=patch&token=t1',
      'state=patch&token=t2',
    ]);
  });

  it('idempotent calls are sent again with the same id; others are rejected', async () => {
    const server = await ScriptedServer.start();
    const client = server.client();
    const once = client.call('once', []);
    const twice = client.call('twice', [1], { idempotent: true });
    const first = await server.peer(0);
    await first.call(1);
    first.socket.terminate();
    await expect(once).rejects.toMatchObject({
      code: 'BRG_CONNECTION_CLOSED',
      message: 'Connection closed: once may or may not have run',
    });
    const second = await server.peer(1);
    const resent = await second.call(0);
    expect(resent).toEqual(first.calls[1]);
    answer(second, resent, 'done');
    expect(await twice).toBe('done');
    expect(second.calls).toHaveLength(1);
  });

  it('an idempotent stream is sent again only while none of it has come', async () => {
    const server = await ScriptedServer.start();
    const client = server.client();
    const begun = client.call('begun', [], { idempotent: true, stream: {} });
    const fresh = client.call('fresh', [], { idempotent: true, stream: {} });
    const first = await server.peer(0);
    await first.call(1);
    const { id } = await first.call(0);
    first.send({ type: 'rpc', id, success: true, result: 1, done: false });
    await client.setState(null); // its answer comes behind the chunk
    first.socket.terminate();
    await expect(begun).rejects.toMatchObject({ code: 'BRG_CONNECTION_CLOSED' });
    const second = await server.peer(1);
    const resent = await second.call(0);
    expect(resent.method).toBe('fresh');
    answer(second, resent, null);
    expect(await fresh).toBeNull();
  });

  it('calls made meanwhile wait for the next connection', async () => {
    const server = await ScriptedServer.start();
    const client = server.client();
    await client.ready;
    const waiting = new Promise<void>((resolve) => {
      client.on('status', (status) => {
        if (status === 'waiting') resolve();
      });
    });
    (await server.peer(0)).socket.terminate();
    await waiting;
    const call = client.call('late', []);
    const second = await server.peer(1);
    answer(second, await second.call(0), 'here');
    expect(await call).toBe('here');
  });

  it('a bridge that comes up later is found', async () => {
    const first = await ScriptedServer.start();
    const { port } = first;
    await first.stop();
    const errors: string[] = [];
    const client = first.client({ host: `127.0.0.1:${port}`, onError: ({ code }) => errors.push(code) });
    await until(() => errors.length > 1, 'it failed twice');
    expect(new Set(errors)).toEqual(new Set(['BRG_CONNECTION_CLOSED']));
    await ScriptedServer.start({}, port);
    await client.ready;
  });
});

describe('a client gives up', () => {
  it('when the bridge closes with 1008', async () => {
    const server = await ScriptedServer.start({ onConnect: ({ socket }) => socket.close(1008, 'no') });
    const client = server.client();
    await expect(client.ready).rejects.toMatchObject({ code: 'BRG_FORBIDDEN' });
    expect(client.status).toBe('closed');
    expect(server.peers).toHaveLength(1);
  });

  it('after attemptsMax failures', async () => {
    const server = await ScriptedServer.start({ onConnect: ({ socket }) => socket.close(1011) });
    const client = server.client({ attemptsMax: 3 });
    await expect(client.ready).rejects.toMatchObject({ code: 'BRG_CONNECTION_CLOSED' });
    expect(server.peers).toHaveLength(3);
  });

  it('by close(), and does not come back', async () => {
    const server = await ScriptedServer.start();
    const errors: unknown[] = [];
    const client = server.client({ onError: (error) => errors.push(error) });
    await client.ready;
    const { socket } = await server.peer();
    const closed = once(socket, 'close');
    client.close();
    expect((await closed)[0]).toBe(1000);
    expect(client.status).toBe('closed');
    expect(errors).toEqual([]);
  });
});

describe('the heartbeat', () => {
  it.each([undefined, WebSocket])(
    'leaves a socket that has stopped answering, over %o',
    async (constructor) => {
      const server = await ScriptedServer.start({
        answers: (peer) => peer !== server.peers[0] || peer.probes === 1,
      });
      const errors: string[] = [];
      const client = server.client({
        heartbeatMs: 30,
        heartbeatTimeoutMs: 30,
        onError: ({ message }) => errors.push(message),
        ...(constructor === undefined ? {} : { WebSocket: constructor }),
      });
      await client.ready;
      await server.peer(1);
      await until(() => client.status === 'live', 'it is live again');
      expect(server.peers[0]?.probes).toBe(2);
      expect(errors).toEqual([expect.stringMatching(/^Connection closed: nothing came for \d+ ms/)]);
    },
  );

  it('asks only after silence, and any message is a sign of life', async () => {
    const server = await ScriptedServer.start();
    const client = server.client({ heartbeatMs: 500, heartbeatTimeoutMs: 5_000 });
    await client.ready;
    const peer = await server.peer();
    const busy = setInterval(() => peer.send({ type: 'mooring_presence', presence: 'online', at: 0 }), 5);
    onTestFinished(() => clearInterval(busy));
    const startedMs = performance.now();
    await until(() => performance.now() - startedMs > 1_200, 'two silences would have passed');
    clearInterval(busy);
    expect(peer.probes).toBe(1);
    await until(() => peer.probes === 2, 'silence was noticed');
    expect(server.peers).toHaveLength(1);
  });

  it('gives up a connection that is never accepted', async () => {
    const sockets: Socket[] = [];
    const hole = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      hole.close();
    });
    await once(hole, 'listening');
    const { port } = hole.address() as AddressInfo; // it listens on TCP
    const client = new AgentClient({
      url: `ws://127.0.0.1:${port}/`,
      connectTimeoutMs: 20,
      backoffBaseMs: 1,
      attemptsMax: 2,
    });
    await expect(client.ready).rejects.toThrow('no connection within 20 ms');
  });
});

describe('backoffMs', () => {
  it('is below the doubled ceiling and the cap, and reaches down to 0', () => {
    fc.assert(
      fc.property(
        fc.nat(2000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const waitMs = backoffMs(attempt, 500, 30_000, random);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThan(Math.min(30_000, 500 * 2 ** attempt));
        },
      ),
    );
    expect(backoffMs(20, 500, 30_000, 0)).toBe(0);
    expect(backoffMs(20, 500, 30_000, 0.999999)).toBe(29_999);
  });
});
