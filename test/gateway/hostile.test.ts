/** Clients that want to hold the server up, or to slip something past it. */
import { connect as connectTcp } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { rawRequest, refusedUpgrade, start, type Started } from './start.ts';

/** Sends these bytes and resolves with all that comes back until the server ends it. */
function exchange(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connectTcp(Number(port), hostname, () => socket.write(bytes));
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(text));
  return promise;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

async function asked({ url, runtime }: Started): Promise<void> {
  expect(runtime.asked).toEqual([]); // nothing of it reached an agent
  expect((await fetch(`${url}/healthz`)).status).toBe(200); // and it still answers
}

it('refuses headers over 16 KiB with 431, and ends the connection', async () => {
  const started = await start();
  const answer = await exchange(
    started.url,
    `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
  );
  expect(statusOf(answer)).toBe(431);
  await asked(started);
});

it.each([
  [
    'two lengths',
    'POST /api/agents/pump/p1/ask HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  ],
  [
    'length and chunks',
    'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a chunk of no size', 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
  ['a header with a bare CR', 'GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb: c\r\n\r\n'],
  ['a NUL in a header', 'GET / HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n'],
  ['an unknown version', 'GET / HTTP/9.9\r\nhost: localhost\r\n\r\n'],
  ['TLS', Buffer.from('16030100c8010000c4030300', 'hex')],
])('answers 400 to %s, which could be read in two ways or in none', async (_what, bytes) => {
  const started = await start();
  expect(statusOf(await exchange(started.url, bytes))).toBe(400);
  await asked(started);
});

it('takes no compressed body, so that no bomb goes off', async () => {
  const started = await start();
  const body = gzipSync(Buffer.alloc(10_000_000));
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const path = '/api/agents/pump/p1/commands/stop';
  expect((await rawRequest(started.url, path, { method: 'POST', headers, body })).status).toBe(415);
  await asked(started);
});

it('offers no compression, whatever a client offers', async () => {
  const { url } = await start();
  const headers = { 'accept-encoding': 'gzip, br, deflate, zstd' };
  const answer = await rawRequest(url, '/api/openapi.json', { headers });
  expect(answer.headers['content-encoding']).toBeUndefined();
});

it('ends a body over the limit with 413, also one that does not say how long it is', async () => {
  const started = await start();
  const path = '/api/agents/pump/p1/commands/stop';
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  const chunk = 'x'.repeat(limits.httpBodyBytesMax + 1);
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`;
  expect(statusOf(await exchange(started.url, chunked))).toBe(413);
  await asked(started);
});

it('has the headers that keep a page from being framed, sniffed, or read by another', async () => {
  const { url } = await start();
  for (const path of ['/', '/api/models', '/healthz', '/nothing']) {
    const { headers } = await fetch(url + path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

it('lets nobody in by a token in the wrong place', async () => {
  const { url, wsUrl } = await start({ adminToken: 'an-admin-token' });
  const tries: Record<string, string>[] = [
    { authorization: 'Basic an-admin-token' },
    { authorization: 'an-admin-token' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer an-admin-token an-admin-token' },
    { authorization: `Bearer ${'x'.repeat(10_000)}` },
    { cookie: 'token=an-admin-token' },
    { 'x-token': 'an-admin-token' },
  ];
  for (const headers of tries) {
    expect((await rawRequest(url, '/api/models', { headers })).status).toBe(401);
    expect((await refusedUpgrade(`${wsUrl}/agents/pump/p1`, [], headers)).status).toBe(401);
  }
  const bodies = await Promise.all(tries.map((headers) => rawRequest(url, '/api/models', { headers })));
  expect(bodies.filter(({ body }) => body.includes('an-admin-token'))).toEqual([]);
});
