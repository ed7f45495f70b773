/** A server that wants OAuth: a person is sent there, comes back to the agent's callback, and the agent may use it. */
import { expect, it } from 'vitest';
import { temporaryDir } from '../../support/bridge.ts';
import { call, mcpBridge } from '../../support/mcp-agents.ts';
import { protectedServer } from '../../support/mcp-protected-server.ts';
import { until } from '../../support/until.ts';

const TOKEN = 'an-admin-token-of-tests';

it('comes back without the admin token, once, also after a restart; nothing else is open without it', async () => {
  const server = await protectedServer();
  const dataDir = temporaryDir();
  const config = { dataDir, adminToken: TOKEN, publicUrl: 'http://127.0.0.1:9' };
  const first = await mcpBridge(config);
  const ask = (url: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
  const adding = await ask(first.bridge.http.url, '/api/agents/worker/w/mcp-servers', {
    method: 'POST',
    body: JSON.stringify({ name: 'locked', url: server.url, id: 'locked' }),
  });
  const added = (await adding.json()) as { state: string; authUrl: string };
  expect(added.state).toBe('authenticating');
  const authUrl = new URL(added.authUrl);
  expect(authUrl.searchParams.get('redirect_uri')).toBe('http://127.0.0.1:9/agents/worker/w/callback');
  const { code } = (await (await fetch(authUrl)).json()) as { code: string };
  const state = authUrl.searchParams.get('state') ?? '';
  await first.stop();

  const { bridge } = await mcpBridge(config);
  const back = (query: Record<string, string>, agent = 'worker/w', path = 'callback'): Promise<Response> =>
    fetch(`${bridge.http.url}/agents/${agent}/${path}?${new URLSearchParams(query).toString()}`);
  // Whoever does not know the state, or wants something else, is told nothing but that he may not.
  expect((await back({ code, state }, 'worker/other')).status).toBe(401);
  expect((await back({ code, state }, 'worker/w', 'elsewhere')).status).toBe(401);
  expect((await back({ code })).status).toBe(401);
  const guessed = await back({ code, state: 'guessed<script>' });
  expect(guessed.status).toBe(400);
  expect(await guessed.text()).not.toContain('<script>');
  const page = await back({ code, state });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toContain('locked is authorized');
  expect((await back({ code, state })).status).toBe(400);

  const list = async (): Promise<unknown> =>
    (await ask(bridge.http.url, '/api/agents/worker/w/mcp-servers')).json();
  const listed = await until(async () => {
    const answer = (await list()) as { items: { state: string; tools: { name: string }[] }[] };
    return answer.items[0]?.state === 'ready' ? answer : undefined;
  }, 'the server to be ready');
  expect(listed.items[0]?.tools.map(({ name }) => name)).toContain('add');
  expect(JSON.stringify(listed)).not.toContain('the-token');
});

it('without a place to come back to, a server that wants OAuth fails with its code', async () => {
  const server = await protectedServer();
  const bridge = await mcpBridge();
  const added = await call(bridge, 'worker/w', 'add', 'locked', server.url, { retry: { maxAttempts: 1 } });
  expect(added).toMatchObject({ code: 'BRG_MCP_AUTHORIZATION' });
  expect(
    await call(bridge, 'worker/w', 'add', 'x', server.url, {
      callbackHost: 'http://h',
      callbackPath: '/other',
    }),
  ).toMatchObject({ code: 'BRG_MCP_OPTIONS', message: expect.stringContaining('callbackPath') as unknown });
});
