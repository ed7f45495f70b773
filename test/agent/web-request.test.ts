/** HTTP requests that an agent's `onRequest` answers, from real HTTP clients to a real bridge. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { agentFetch } from '../../src/client/index.ts';
import { rawRequest } from '../gateway/start.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { notes } from '../support/plain-devices.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/plain-devices.ts', import.meta.url));
const start = (shards = 0): Promise<TestBridge> => startBridge({ devices, shards });
const ask = (bridge: TestBridge, path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${bridge.bridge.http.url}/agents/${path}`, init);

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

async function problem(response: Response): Promise<unknown> {
  const { code, status, detail } = (await response.json()) as Record<string, unknown>; // a problem document
  return [response.status, status, code, detail];
}

describe.each([0, 1])('with %i shard threads', (shards) => {
  test('method, address, headers and body arrive, and status, headers and body come back', async () => {
    const bridge = await start(shards);
    const { url } = bridge.bridge.http;
    const init = { method: 'PUT', body: 'grüße', headers: { 'x-of': 'mine', cookie: 'session=1' } };
    const echo = (await (await ask(bridge, 'web/w/echo/a%20b?q=1&token=t&r=%20', init)).json()) as Echo; // see above
    expect(echo).toMatchObject({
      method: 'PUT',
      url: `${url}/agents/web/w/echo/a%20b?q=1&r=+`,
      body: 'grüße',
    });
    expect(echo.headers).toMatchObject({ 'x-of': 'mine', 'content-type': 'text/plain;charset=UTF-8' });
    for (const name of ['cookie', 'connection', 'transfer-encoding'])
      expect(echo.headers).not.toHaveProperty(name);
    const same = (await (await ask(bridge, 'web/w/echo?b=%2f&a')).json()) as Echo;
    expect(same).toMatchObject({ method: 'GET', url: `${url}/agents/web/w/echo?b=%2f&a`, body: '' });

    const bytes = new Uint8Array(limits.httpBodyBytesMax).map((_zero, at) => at % 256);
    expect(await (await ask(bridge, 'web/w/bytes', { method: 'POST', body: bytes })).bytes()).toEqual(bytes);
    const teapot = await ask(bridge, 'web/w/teapot');
    expect([teapot.status, await teapot.text()]).toEqual([418, 'short and stout']);
    expect(teapot.headers.get('x-tea')).toBe('Earl Grey');
    expect(teapot.headers.get('set-cookie')).toBe(null);
    expect(teapot.headers.get('x-content-type-options')).toBe('nosniff');
    const empty = await ask(bridge, 'web/w/empty', { method: 'DELETE' });
    expect([empty.status, await empty.text()]).toEqual([204, '']);
    expect(await (await ask(bridge, 'web/w/streamed')).text()).toBe('one two three');
    expect(await (await ask(bridge, 'porter/door/bell', { method: 'PATCH' })).text()).toBe(
      'PATCH at the door',
    );
  });
});

test('an agent without onRequest answers 404 "Not implemented"; what is no agent, a problem', async () => {
  const bridge = await start();
  const answer = await ask(bridge, 'room/r');
  expect([answer.status, await answer.text()]).toEqual([404, 'Not implemented']);
  expect(await problem(await ask(bridge, 'roof/r'))).toContain('BRG_UNKNOWN_MODEL');
  const large = { method: 'POST', body: new Uint8Array(limits.httpBodyBytesMax + 1) };
  expect(await problem(await ask(bridge, 'web/w/bytes', large))).toContain('BRG_BODY_TOO_LARGE');
  const trace = await rawRequest(bridge.bridge.http.url, '/agents/web/w', { method: 'TRACE' });
  expect([trace.status, trace.headers.allow]).toEqual([405, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
  const out = await rawRequest(bridge.bridge.http.url, '/agents/web/w/../other/echo');
  expect(out.status).toBe(400);
});

test('what may change something is journaled; GET, HEAD and OPTIONS are not', async () => {
  const bridge = await start();
  const journaled = async (method: string): Promise<number> => {
    const sequence = async () => Number((await bridge.fetch('/api/stats')).body['journalSequence']);
    const before = await sequence();
    await ask(bridge, 'web/w/empty', { method });
    return (await sequence()) - before;
  };
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(await journaled(method)).toBe(1);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(await journaled(method)).toBe(0);
});

test('HEAD and OPTIONS are the agent’s to answer', async () => {
  const bridge = await start();
  const head = await rawRequest(bridge.bridge.http.url, '/agents/web/w/teapot', { method: 'HEAD' });
  expect([head.status, head.headers['x-tea'], head.headers['content-length'], head.body]).toEqual([
    ...[418, 'Earl Grey', '15', ''],
  ]);
  const options = (await (await ask(bridge, 'web/w/echo', { method: 'OPTIONS' })).json()) as Echo;
  expect(options.method).toBe('OPTIONS');
});

test('what it writes is committed before the answer, one request after the other', async () => {
  const bridge = await start();
  const socket = await bridge.socket('web/w');
  await socket.frame('cf_agent_identity');
  const all = await Promise.all([1, 2, 3].map(() => ask(bridge, 'web/w/slow', { method: 'POST' })));
  const numbers = await Promise.all(all.map((answer) => answer.json()));
  expect(numbers.sort()).toEqual([1, 2, 3]);
  expect(await (await ask(bridge, 'web/w/count', { method: 'POST' })).json()).toBe(4);
  await until(() => socket.ofType('cf_agent_state').some(({ state }) => state === 4));
  expect(await (await ask(bridge, 'web/w/broadcast')).text()).toBe('told');
  await until(() => socket.received.some(({ data }) => data.toString() === 'asked'));
  expect(await (await ask(bridge, 'web/w/who')).json()).toEqual(['w', true, true]);
  const { dataDir } = bridge;
  await bridge.stop();
  const again = await startBridge({ devices, dataDir });
  expect((await again.fetch('/api/agents/web/w/call/current', { body: { args: [] } })).body).toEqual({
    value: 4,
  });
});

test('what fails goes to onError, leaves nothing behind and is a problem that tells nothing', async () => {
  const bridge = await start();
  const fail = async (path: string): Promise<unknown> => problem(await ask(bridge, `web/f/${path}`));
  const failed = [500, 500, 'BRG_REQUEST_FAILED'];
  expect(await fail('throw')).toEqual([...failed, 'onRequest failed; the log has more']);
  expect(await fail('reject')).toEqual([...failed, 'onRequest failed; the log has more']);
  expect(await fail('nothing')).toEqual([...failed, 'onRequest answered no Response']);
  expect(await fail('error')).toEqual([...failed, 'onRequest answered Response.error()']);
  expect(await fail('wide')).toMatchObject([...failed, expect.stringContaining('more than 16384')]);
  expect(await fail('odd')).toMatchObject([...failed, expect.stringContaining('x-odd')]);
  const large = `the body of the Response has more than ${limits.httpAnswerBytesMax} bytes`;
  expect(await fail('endless')).toEqual([...failed, large]);
  await until(() => notes.includes('endless was cancelled'));
  expect(notes.filter((note) => note === 'f onError Error: secret words')).toHaveLength(2);
  expect((await bridge.fetch('/api/agents/web/f/call/current', { body: { args: [] } })).body).toEqual({
    value: 0,
  });
});

describe('access', () => {
  test('a page of another origin is refused whatever the method, a link from it is not', async () => {
    const bridge = await start();
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await rawRequest(bridge.bridge.http.url, '/agents/web/w/teapot', { headers })).status;
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(await status({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(418);
    expect(await status({ 'sec-fetch-site': 'same-origin' })).toBe(418);
    expect(await status({ origin: bridge.bridge.http.url })).toBe(418);
    expect(await status({ host: 'evil.example' })).toBe(403);
  });

  test('the admin token is needed where there is one, and the agent does not see it', async () => {
    const bridge = await startBridge({ devices, adminToken: 'a-long-enough-token' });
    const target = { host: bridge.bridge.http.url, model: 'web', id: 'w', path: 'echo?a=1' };
    const token = 'a-long-enough-token';
    expect((await agentFetch(target)).status).toBe(401);
    const echo = (await (await agentFetch({ ...target, token })).json()) as Echo;
    expect(echo.url).toBe(`${bridge.bridge.http.url}/agents/web/w/echo?a=1`);
    expect(echo.headers).not.toHaveProperty('authorization');
    const byQuery = (await (await ask(bridge, `web/w/echo?token=${token}`)).json()) as Echo;
    expect(byQuery.url).toBe(`${bridge.bridge.http.url}/agents/web/w/echo`);
  });

  test('agentFetch keeps method, body and the whole path', async () => {
    const bridge = await start();
    const target = { host: bridge.bridge.http.url, model: 'web', id: 'w' };
    const init = { method: 'POST', body: 'x', headers: { authorization: 'Basic abc' } };
    const echo = (await (await agentFetch({ ...target, path: '/echo/a/b?c=d' }, init)).json()) as Echo;
    expect(echo).toMatchObject({ method: 'POST', body: 'x', headers: { authorization: 'Basic abc' } });
    expect(new URL(echo.url).pathname).toBe('/agents/web/w/echo/a/b');
    expect((await agentFetch({ ...target, path: '//evil.example' })).status).toBe(404);
    expect((await agentFetch(target)).status).toBe(404);
  });
});
