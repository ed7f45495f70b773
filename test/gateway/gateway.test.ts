import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closeOf, connect, start, until } from './start.ts';

async function rawBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('listening', () => {
  it('tells its port', async () => {
    const { gateway } = await start();
    expect(gateway.address.host).toBe('127.0.0.1');
    expect(gateway.address.port).toBeGreaterThan(0);
  });

  it('says in one line that a port is taken, and what to do', async () => {
    const { gateway } = await start();
    const { port } = gateway.address;
    const failure: unknown = await start({ port }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'BRG_PORT_IN_USE', details: { port } });
    expect(String(failure)).toMatch(/^[^\n]*already in use[^\n]*MOORING_HTTP_PORT[^\n]*$/);
  });

  it('refuses an address that is not of this machine', async () => {
    await expect(start({ host: '192.0.2.1', adminToken: 't' })).rejects.toMatchObject({ code: 'BRG_CONFIG' });
  });

  it('answers bytes that are not HTTP with 400, headers without end with 431', async () => {
    const { url } = await start();
    expect(await rawBytes(url, '\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(await rawBytes(url, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1.1 431 /);
  });

  it('does not mistake //host/path for another host', async () => {
    const { url } = await start();
    const answer = await rawBytes(
      url,
      'GET //healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
  });
});

it('understands the absolute form of a request target', async () => {
  const { url } = await start();
  const head = 'GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  expect(await rawBytes(url, head)).toMatch(/^HTTP\/1.1 200 /);
});

describe('stopping', () => {
  it('closes WebSockets with 1001 and stops listening', async () => {
    const { gateway, wsUrl, url } = await start();
    const socket = await connect(`${wsUrl}/agents/pump/p1`);
    await fetch(`${url}/healthz`); // leaves an idle keep-alive connection
    const closed = closeOf(socket);
    await Promise.all([gateway.stop(), gateway.stop()]);
    expect((await closed).code).toBe(1001);
    expect(gateway.connectionCount()).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('lets a request in flight have its answer', async () => {
    const { gateway, runtime, url } = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    runtime.gate = promise;
    const answer = fetch(`${url}/api/stats`);
    await until(() => runtime.asked.length === 1);
    const stopped = gateway.stop();
    resolve();
    const response = await answer;
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    await stopped;
  });

  it('does not wait for a request or a WebSocket that never ends', async () => {
    const { gateway, runtime, url, wsUrl } = await start();
    runtime.gate = new Promise(() => {});
    const answer = fetch(`${url}/api/stats`).catch((error: unknown) => error);
    const silent = await connect(`${wsUrl}/agents/pump/p1`);
    silent.pause();
    await until(() => runtime.asked.length === 1);
    await gateway.stop(); // else the test's own time limit ends it
    expect(await answer).toBeInstanceOf(Error);
  });
});
