import { expect, it } from 'vitest';
import type { McpHandler, McpRequester } from '../../src/gateway/mcp-request.ts';
import { rawRequest, start, until } from './start.ts';

const ok: McpHandler = () =>
  Promise.resolve(new Response('{}', { headers: { 'content-type': 'application/json' } }));

it('hands a request on without token and cookies, and says who asks', async () => {
  const seen: { request: Request; requester: McpRequester; body: string }[] = [];
  const mcp: McpHandler = async (request, requester) => {
    seen.push({ request, requester, body: await request.text() });
    return ok(request, requester);
  };
  const { url } = await start({ mcp, adminToken: 'a-token-of-some-length' });
  const headers = {
    authorization: 'Bearer a-token-of-some-length',
    cookie: 'session=1',
    'mcp-protocol-version': '2025-11-25',
    'content-type': 'application/json',
  };
  const answer = await fetch(`${url}/mcp`, { method: 'POST', headers, body: '{"a":1}' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(seen).toHaveLength(1);
  expect(seen[0]?.requester).toEqual({ user: 'admin', scopes: ['read', 'act', 'admin'] });
  expect(seen[0]?.body).toBe('{"a":1}');
  const given = Object.fromEntries(seen[0]?.request.headers ?? []);
  expect(given).toMatchObject({ 'mcp-protocol-version': '2025-11-25', 'content-type': 'application/json' });
  expect(Object.keys(given)).not.toContain('authorization');
  expect(Object.keys(given)).not.toContain('cookie');
});

it('asks nobody when the caller may not, or sends too much', async () => {
  let asked = 0;
  const mcp: McpHandler = (request, requester) => {
    asked++;
    return ok(request, requester);
  };
  const { url } = await start({ mcp });
  const foreign = { method: 'POST', headers: { origin: 'https://evil.example' } };
  expect((await rawRequest(url, '/mcp', foreign)).status).toBe(403);
  expect((await rawRequest(url, '/mcp', { headers: { host: 'rebound.example' } })).status).toBe(403);
  // An image of another site is a plain read without Origin.
  const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  expect((await rawRequest(url, '/mcp', { headers: image })).status).toBe(403);
  expect((await rawRequest(url, '/mcp', { method: 'POST', body: 'x'.repeat(300 * 1024) })).status).toBe(413);
  expect(asked).toBe(0);
  expect((await rawRequest(url, '/mcp', { method: 'POST', body: '{}' })).status).toBe(200);
  expect(asked).toBe(1);
});

it('sends a stream as it comes, and ends it in the handler when the client goes', async () => {
  let isCancelled = false;
  let signal: AbortSignal | undefined;
  const mcp: McpHandler = (request) => {
    ({ signal } = request);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: first\n\n')),
      cancel: () => void (isCancelled = true),
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  };
  const { url } = await start({ mcp });
  const stop = new AbortController();
  const answer = await fetch(`${url}/mcp`, { method: 'POST', body: '{}', signal: stop.signal });
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: first\n\n');
  expect(signal?.aborted).toBe(false);
  stop.abort();
  await until(() => isCancelled && signal?.aborted === true);
});

it('answers a problem when the handler fails, and goes on', async () => {
  let fails = true;
  const mcp: McpHandler = (request, requester) =>
    fails ? Promise.reject(new Error('out of order')) : ok(request, requester);
  const { url } = await start({ mcp });
  const failed = await rawRequest(url, '/mcp', { method: 'POST', body: '{}' });
  expect([failed.status, failed.body]).toEqual([500, expect.stringContaining('BRG_INTERNAL')]);
  expect(failed.body).not.toContain('out of order');
  fails = false;
  expect((await rawRequest(url, '/mcp', { method: 'POST', body: '{}' })).status).toBe(200);
});

it('nothing is at /mcp without a handler', async () => {
  const { url } = await start();
  expect((await rawRequest(url, '/mcp', { method: 'POST', body: '{}' })).status).toBe(404);
});
