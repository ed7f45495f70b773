import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { McpClients } from '../../../src/tools/index.ts';
import { clients, ONCE, textOf } from '../../support/mcp-clients.ts';
import { protectedServer } from '../../support/mcp-protected-server.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';
import { until } from '../../support/until.ts';

const CALLBACK = 'http://localhost/agents/pump/p1/callback';

/** Begins an authorization; the state it was given, and the code a person gets for it. */
async function begun(storage = new MemoryMcpStorage()): Promise<{
  registry: McpClients;
  storage: MemoryMcpStorage;
  id: string;
  state: string;
  code: string;
}> {
  const server = await protectedServer();
  const registry = clients({ storage });
  const added = await registry.addServer('locked', server.url, { callbackUrl: CALLBACK, ...ONCE });
  if (added.state !== 'authenticating') throw new Error('it let us in');
  const { code } = (await (await fetch(added.authUrl)).json()) as { code: string };
  const state = new URL(added.authUrl).searchParams.get('state') ?? '';
  return { registry, storage, id: added.id, state, code };
}

async function callback(
  registry: McpClients,
  query: Record<string, string>,
  url = CALLBACK,
): Promise<Response> {
  const response = await registry.handleOAuthCallback(new Request(`${url}?${new URLSearchParams(query)}`));
  if (response === null) throw new Error('not taken as a callback');
  return response;
}

describe('a server that wants OAuth', () => {
  it('is authorized by a person with PKCE, and has its tools then', async () => {
    const { registry, id, state, code } = await begun();
    expect(registry.describe().servers[id]).toMatchObject({ state: 'authenticating' });
    expect(registry.describe().servers[id]?.auth_url).toContain('code_challenge=');
    await expect(registry.callTool(id, 'add', { a: 1, b: 2 })).rejects.toMatchObject({
      code: 'BRG_MCP_AUTHORIZATION',
    });
    const page = await callback(registry, { code, state });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('locked is authorized')]);
    await until(() => registry.describe().servers[id]?.state === 'ready');
    expect(registry.describe().servers[id]?.auth_url).toBeNull();
    expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
  });

  it('can be authorized after a restart, and keeps its token over the next', async () => {
    const { registry, storage, id, state, code } = await begun();
    registry.close();
    const woken = clients({ storage });
    expect(woken.describe().servers[id]?.state).toBe('authenticating');
    woken.restore();
    expect((await callback(woken, { code, state })).status).toBe(200);
    await woken.waitForConnections();
    woken.close();
    const again = clients({ storage });
    expect(textOf(await again.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
  });

  it('takes a state once, at its path, and in time', async () => {
    const { registry, state, code } = await begun();
    const elsewhere = new Request(`http://localhost/other?${new URLSearchParams({ code, state })}`);
    expect(await registry.handleOAuthCallback(elsewhere)).toBeNull();
    expect((await callback(registry, { code, state: 'guessed' })).status).toBe(400);
    expect((await callback(registry, { code, state })).status).toBe(200);
    const second = await callback(registry, { code, state });
    expect([second.status, await second.text()]).toEqual([400, expect.stringContaining('not known')]);

    const { storage, ...late } = await begun();
    late.registry.close();
    const after = Date.now() + limits.mcpAuthorizationMs + 1000;
    const woken = clients({ storage, clock: { now: () => after, after: () => () => undefined } });
    const expired = await callback(woken, { code: late.code, state: late.state });
    expect([expired.status, await expired.text()]).toEqual([400, expect.stringContaining('took too long')]);
  });

  it('shows what a stranger says as text only, and a code with the wrong verifier is worth nothing', async () => {
    const { registry, id, state } = await begun();
    const page = await callback(registry, {
      error: 'access_denied',
      error_description: '<script>alert(1)</script>',
      state,
    });
    const html = await page.text();
    expect(page.status).toBe(400);
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toContain('<script>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(registry.describe().servers[id]).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('alert(1)') as unknown,
    });

    const other = await begun();
    const refused = await callback(other.registry, { code: 'code-of-another', state: other.state });
    expect(refused.status).toBe(502);
    expect(other.registry.describe().servers[other.id]?.state).toBe('failed');
  });

  it('cannot send a person to anything but a web page, and fails where nobody said how to come back', async () => {
    const evil = await protectedServer('javascript:alert(1)');
    await expect(clients().addServer('evil', evil.url, { callbackUrl: CALLBACK, ...ONCE })).rejects.toThrow();
    const locked = await protectedServer();
    await expect(clients().addServer('locked', locked.url, ONCE)).rejects.toMatchObject({
      code: 'BRG_MCP_AUTHORIZATION',
    });
  });

  it('shows no secret in what it tells of itself', async () => {
    const { registry, storage, id, state, code } = await begun();
    await callback(registry, { code, state });
    await until(() => registry.describe().servers[id]?.state === 'ready');
    expect(storage.secrets(id).tokens?.access_token).toBe('the-token');
    expect(JSON.stringify([registry.describe(), storage.servers()])).not.toMatch(
      /the-token|code_verifier|refresh/,
    );
  });
});
