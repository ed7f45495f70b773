/** Agents that use MCP servers: added, called, shown, kept while the agent sleeps and across a restart. */
import { describe, expect, it } from 'vitest';
import { CBOR_CODEC } from '../../support/chat-client.ts';
import { temporaryDir } from '../../support/bridge.ts';
import { addServer, call, mcpBridge } from '../../support/mcp-agents.ts';
import { legacyServer, modernServer } from '../../support/mcp-http-server.ts';
import { until } from '../../support/until.ts';

interface Servers {
  readonly servers: Readonly<Record<string, { readonly state: string }>>;
  readonly tools: readonly { readonly name: string; readonly serverId: string }[];
}

describe.each([
  ['2025 with sessions', legacyServer],
  ['2026-07-28', modernServer],
] as const)('an agent and a server of %s', (_era, start) => {
  it('adds it, calls a tool by the name a model has for it, and forgets it', async () => {
    const server = await start();
    const bridge = await mcpBridge();
    const added = await call(bridge, 'worker/w', 'add', 'adder', server.url);
    const id = String(added['id']);
    expect(added).toEqual({ id: expect.stringMatching(/^\w{8}$/) as unknown, state: 'ready' });
    expect(await call(bridge, 'worker/w', 'use', id, 'add', { a: 2, b: 3 })).toMatchObject({
      kind: 'done',
      result: { text: '5' },
    });
    expect(await call(bridge, 'worker/w', 'tools')).toContain(`tool_${id}_add`);
    expect(await call(bridge, 'worker/w', 'ai', `tool_${id}_add`, { a: 1, b: 1 })).toEqual({
      content: [{ type: 'text', text: '2' }],
      structuredContent: { total: 2 },
    });
    expect(await call(bridge, 'worker/w', 'ai', `tool_${id}_fail`, {})).toMatchObject({
      code: 'BRG_MCP_TOOL',
      message: 'the valve is stuck',
    });
    await call(bridge, 'worker/w', 'remove', id);
    expect(await call(bridge, 'worker/w', 'tools')).toEqual([]);
    expect(await call(bridge, 'worker/w', 'use', id, 'add', {})).toMatchObject({ code: 'BRG_MCP_UNKNOWN' });
  });
});

it('after hibernation and a restart its tools are there at once, and it connects with the first call', async () => {
  const server = await modernServer();
  const dataDir = temporaryDir();
  const first = await mcpBridge({ dataDir });
  const id = await addServer(first, 'worker/w', server.url);
  expect((await first.fetch('/api/agents/worker/w/hibernate', { method: 'POST' })).body['hibernated']).toBe(
    true,
  );
  const before = server.requests.length;
  expect(await call(first, 'worker/w', 'tools')).toContain(`tool_${id}_add`);
  await first.stop();
  const second = await mcpBridge({ dataDir });
  expect(await call(second, 'worker/w', 'tools')).toContain(`tool_${id}_add`);
  const { servers, tools } = (await call(second, 'worker/w', 'servers')) as unknown as Servers;
  expect(servers[id]?.state).toBe('not-connected');
  expect(tools.some(({ name, serverId }) => name === 'add' && serverId === id)).toBe(true);
  expect(server.requests).toHaveLength(before);
  expect(await call(second, 'worker/w', 'use', id, 'add', { a: 1, b: 2 })).toMatchObject({
    result: { text: '3' },
  });
});

it.each([
  ['JSON', []],
  ['CBOR', CBOR_CODEC],
])('tells its connections in %s: when they connect, and what changes', async (_codec, protocols) => {
  const server = await modernServer();
  const bridge = await mcpBridge();
  const early = await bridge.socket('worker/w', protocols);
  expect((await early.frame('cf_agent_mcp_servers')).mcp).toEqual({
    servers: {},
    tools: [],
    prompts: [],
    resources: [],
  });
  const id = await addServer(bridge, 'worker/w', `${server.url}?key=secret`, {
    headers: { 'x-key': 'secret' },
  });
  const isReady = ({ mcp }: { mcp: unknown }): boolean => (mcp as Servers).servers[id]?.state === 'ready';
  await until(() => early.ofType('cf_agent_mcp_servers').some(isReady), 'the server to be ready');
  const late = await bridge.socket('worker/w', protocols);
  const { mcp } = await late.frame('cf_agent_mcp_servers');
  expect((mcp as unknown as Servers).tools.map(({ name }) => name)).toContain('add');
  expect(JSON.stringify([early.frames, late.frames])).not.toContain('secret');
  if (protocols.length > 0) expect(early.received.every(({ isBinary }) => isBinary)).toBe(true);
  const silent = await bridge.socket('worker/w', protocols);
  await silent.frame('cf_agent_mcp_servers');
  await bridge.fetch(`/api/agents/worker/w/mcp-servers/${id}`, { method: 'DELETE' });
  await until(
    () =>
      silent
        .ofType('cf_agent_mcp_servers')
        .some((frame) => !(id in (frame.mcp as unknown as Servers).servers)),
    'the server to be gone',
  );
});

it('over the API: added, listed with its tools, removed; each with a row in the audit log', async () => {
  const server = await modernServer();
  const bridge = await mcpBridge();
  const id = await addServer(bridge, 'worker/w', server.url, { id: 'sums', trust: 'read' });
  expect(id).toBe('sums');
  const { items } = (await bridge.agent('worker/w/mcp-servers')) as { items: Record<string, unknown>[] };
  expect(items).toMatchObject([
    { id: 'sums', name: 'adder', url: server.url, state: 'ready', trust: 'read' },
  ]);
  expect(items[0]?.['tools']).toContainEqual({
    ...{ name: 'add', key: 'tool_sums_add', description: 'adds', isReadOnly: false },
  });
  // Again, with other words about it: it is the same one.
  expect(await addServer(bridge, 'worker/w', server.url, { trust: 'full' })).toBe('sums');
  const again = (await bridge.agent('worker/w/mcp-servers')) as { items: Record<string, unknown>[] };
  expect(again.items).toMatchObject([{ id: 'sums', trust: 'full' }]);
  const gone = await bridge.fetch('/api/agents/worker/w/mcp-servers/sums', { method: 'DELETE' });
  expect(gone.status).toBe(200);
  const twice = await bridge.fetch('/api/agents/worker/w/mcp-servers/sums', { method: 'DELETE' });
  expect(twice).toMatchObject({ status: 404, body: { code: 'BRG_MCP_UNKNOWN' } });
  const { body } = await bridge.fetch('/api/audit?agent=worker/w&kind=agent');
  const events = (body['items'] as { event: string; subject: string }[]).map(
    ({ event, subject }) => `${event} ${subject}`,
  );
  expect(events).toEqual(['mcp-server-removed sums', 'mcp-server-added sums']);
});

it('refuses what the settings do not allow, and keeps nothing of it', async () => {
  const server = await modernServer();
  const bridge = await mcpBridge({ mcpAllow: [] });
  const refused = await bridge.fetch('/api/agents/worker/w/mcp-servers', {
    body: { name: 'near', url: server.url },
  });
  expect(refused).toMatchObject({ status: 403, body: { code: 'BRG_MCP_REFUSED' } });
  expect(await call(bridge, 'worker/w', 'add', 'process', { command: 'true' })).toMatchObject({
    code: 'BRG_MCP_REFUSED',
  });
  expect(server.requests).toEqual([]);
  // A process is for an author's code only, whatever the settings say.
  const process = await bridge.fetch('/api/agents/worker/w/mcp-servers', {
    body: { name: 'process', command: 'true' },
  });
  expect(process).toMatchObject({ status: 400, body: { code: 'BRG_BAD_REQUEST' } });
  expect((await bridge.agent('worker/w/mcp-servers'))['items']).toEqual([]);
});
