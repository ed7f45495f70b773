import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { McpClients } from '../../../src/tools/index.ts';
import { clients, ONCE, textOf } from '../../support/mcp-clients.ts';
import { legacyServer, listen, modernServer, type HttpFixture } from '../../support/mcp-http-server.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';
import { until } from '../../support/until.ts';

const SERVERS = [
  ['2025 with sessions', legacyServer],
  ['2026-07-28', modernServer],
] as const;

function stateOf(registry: McpClients, id: string): string | undefined {
  return registry.describe().servers[id]?.state;
}

describe.each(SERVERS)('a server of %s over HTTP', (_era, start) => {
  it('is added, discovered, and called', async () => {
    const server = await start();
    const registry = clients();
    const added = await registry.addServer('adder', server.url);
    expect(added).toEqual({ id: expect.stringMatching(/^\w{8}$/) as unknown, state: 'ready' });
    const outcome = await registry.callTool(added.id, 'add', { a: 2, b: 3 });
    expect(outcome).toEqual({
      kind: 'done',
      result: { text: '5', structured: { total: 5 }, content: [{ type: 'text', text: '5' }] },
    });
    const tool = registry.tools().find(({ name }) => name === `tool_${added.id}_add`);
    expect(await tool?.execute({ a: 1, b: 1 }, { signal: AbortSignal.timeout(10_000) })).toEqual({
      total: 2,
    });
  });

  it('is described as the Agents SDK describes it', async () => {
    const server = await start();
    const registry = clients();
    const { id } = await registry.addServer('adder', `${server.url}?key=secret`, {
      headers: { 'x-key': 'secret' },
    });
    const frame = registry.describe();
    expect(frame.servers[id]).toMatchObject({
      name: 'adder',
      server_url: server.url,
      auth_url: null,
      state: 'ready',
      error: null,
      instructions: 'Use add to add.',
      capabilities: { tools: {} },
    });
    expect(frame.tools).toContainEqual(
      expect.objectContaining({ name: 'add', description: 'adds', serverId: id }),
    );
    expect(frame.prompts).toEqual([{ name: 'greet', description: 'greets', arguments: [], serverId: id }]);
    expect(frame.resources).toMatchObject([{ uri: 'file:///manual', serverId: id }]);
    expect(JSON.stringify(frame)).not.toContain('secret');
  });

  it('has its tools at once after a wake, without a request, and is connected to when one is called', async () => {
    const server = await start();
    const storage = new MemoryMcpStorage();
    const { id } = await clients({ storage }).addServer('adder', server.url);
    const before = server.requests.length;
    const woken = clients({ storage });
    woken.restore();
    await woken.waitForConnections();
    expect(woken.listTools().map(({ name }) => name)).toContain('add');
    expect(stateOf(woken, id)).toBe('not-connected');
    expect(server.requests).toHaveLength(before);
    expect(textOf(await woken.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
    expect(stateOf(woken, id)).toBe('ready');
  });

  it('comes back: the call after a restart of the server goes through', async () => {
    const server = await start();
    const registry = clients();
    const { id } = await registry.addServer('adder', server.url, {
      retry: { maxAttempts: 3, baseDelayMs: 1 },
    });
    await server.stop();
    await expect(registry.callTool(id, 'add', { a: 1, b: 2 })).rejects.toMatchObject({
      code: 'BRG_MCP_UNAVAILABLE',
    });
    await start(server.port);
    expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
  });

  it('gives the errors of its tools, with their text', async () => {
    const registry = clients();
    const { id } = await registry.addServer('adder', (await start()).url);
    await expect(registry.callTool(id, 'fail', {})).rejects.toMatchObject({
      code: 'BRG_MCP_TOOL',
      message: 'the valve is stuck',
    });
    await expect(registry.callTool(id, 'nothing', {})).rejects.toMatchObject({ code: 'BRG_MCP_UNKNOWN' });
    await expect(registry.callTool(id, 'add', { a: 'one' })).rejects.toMatchObject({
      code: 'BRG_MCP_ARGUMENTS',
      message: expect.stringContaining('a: expected number') as unknown,
    });
  });

  it('cannot make a caller wait: deadline, signal, and other calls meanwhile', async () => {
    const server = await start();
    const registry = clients();
    const { id } = await registry.addServer('adder', server.url);
    const stop = new AbortController();
    const late = expect(registry.callTool(id, 'hang', {}, { deadlineMs: 150 })).rejects.toMatchObject({
      code: 'BRG_MCP_TIMEOUT',
    });
    const aborted = expect(registry.callTool(id, 'hang', {}, { signal: stop.signal })).rejects.toThrow(
      'the caller left',
    );
    await until(() => server.calls.length === 2);
    stop.abort(new Error('the caller left'));
    expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
    await Promise.all([late, aborted]);
  });
});

it('a server of 2025 that leaves many calls unanswered still answers others', async () => {
  const server = await legacyServer();
  const registry = clients();
  const { id } = await registry.addServer('adder', server.url);
  for (let i = 0; i < 2 * limits.mcpCallsMax; i++) {
    await expect(registry.callTool(id, 'hang', {}, { deadlineMs: 20 })).rejects.toMatchObject({
      code: 'BRG_MCP_TIMEOUT',
    });
  }
  expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 2 }, { deadlineMs: 10_000 }))).toBe('3');
});

describe('the registry', () => {
  it('knows the same name and URL again, and forgets what is removed', async () => {
    const server = await modernServer();
    const storage = new MemoryMcpStorage();
    const registry = clients({ storage });
    const first = await registry.addServer('adder', server.url);
    expect(await registry.addServer('adder', server.url)).toEqual(first);
    const second = await registry.addServer('other', server.url, { id: 'second' });
    expect(second.id).toBe('second');
    await expect(registry.addServer('third', server.url, { id: 'second' })).rejects.toMatchObject({
      code: 'BRG_MCP_OPTIONS',
    });
    expect(registry.removeServer('second')).toBe(true);
    expect(registry.removeServer('second')).toBe(false);
    expect(storage.servers().map(({ id }) => id)).toEqual([first.id]);
    await expect(registry.callTool('second', 'add', {})).rejects.toMatchObject({ code: 'BRG_MCP_UNKNOWN' });
  });

  it('tells of changes once a tick, through every state', async () => {
    const server = await modernServer();
    const states: (string | undefined)[] = [];
    const registry: McpClients = clients({
      onChange: () => states.push(Object.values(registry.describe().servers)[0]?.state),
    });
    await registry.addServer('adder', server.url);
    await until(() => states.includes('ready'));
    const order = states.filter((state, i) => state !== states[i - 1]);
    expect(order).toEqual(['connecting', 'discovering', 'ready']);
  });

  it('tries again as its options say, keeps a server it could not reach, and says what was wrong', async () => {
    let requests = 0;
    const { url } = await listen((_request, response) => {
      requests++;
      response.writeHead(500).end('out of order');
    });
    const storage = new MemoryMcpStorage();
    const registry = clients({ storage, random: () => 0 });
    await expect(registry.addServer('broken', url, { retry: { maxAttempts: 3 } })).rejects.toMatchObject({
      code: 'BRG_MCP_UNAVAILABLE',
      message: expect.stringMatching(`^Failed to connect to MCP server at ${url}: `) as unknown,
    });
    expect(requests).toBe(3);
    const [row] = storage.servers();
    expect(registry.describe().servers[row?.id ?? '']).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('500') as unknown,
    });
  });

  it.each([
    ['a URL that is none', 'nonsense', {}, 'url must be a URL'],
    ['another scheme', 'ftp://example.com/', {}, 'url must be http or https'],
    ['a password in the URL', 'https://user:secret@example.com/mcp', {}, 'send it as a header'],
    [
      'half an attempt',
      'https://example.com/',
      { retry: { maxAttempts: 1.5 } },
      'retry.maxAttempts must be an integer',
    ],
    ['no attempt', 'https://example.com/', { retry: { maxAttempts: 0 } }, 'retry.maxAttempts must be >= 1'],
    ['no pause', 'https://example.com/', { retry: { baseDelayMs: 0 } }, 'retry.baseDelayMs must be > 0'],
    ['NaN', 'https://example.com/', { retry: { maxDelayMs: NaN } }, 'retry.maxDelayMs must be > 0'],
    [
      'pauses the wrong way',
      'https://example.com/',
      { retry: { baseDelayMs: 6000 } },
      'must be <= retry.maxDelayMs',
    ],
    ['an id with a slash', 'https://example.com/', { id: 'a/b' }, 'id must be'],
    [
      'a header with a line break',
      'https://example.com/',
      { headers: { a: 'b\r\nc: d' } },
      'valid HTTP headers',
    ],
    [
      'a callback with a query',
      'https://example.com/',
      { callbackUrl: 'https://me.example/cb?x=1' },
      'callbackUrl',
    ],
  ])('refuses %s before it does anything', async (_what, url, options, message) => {
    const storage = new MemoryMcpStorage();
    await expect(clients({ storage }).addServer('x', url, options)).rejects.toMatchObject({
      code: 'BRG_MCP_OPTIONS',
      message: expect.stringContaining(message) as unknown,
    });
    expect(storage.servers()).toEqual([]);
  });

  it('holds as many servers as it may, and calls of one server', async () => {
    const server = await modernServer();
    const registry = clients();
    await Promise.all(
      Array.from({ length: limits.mcpServersMax }, (_, i) =>
        registry.addServer(`s${i}`, server.url, { id: `s${i}` }),
      ),
    );
    await expect(registry.addServer('more', server.url)).rejects.toMatchObject({ code: 'BRG_MCP_FULL' });
    const stop = new AbortController();
    const hanging = Array.from({ length: limits.mcpCallsMax }, () =>
      registry.callTool('s0', 'hang', {}, { signal: stop.signal }).catch(() => undefined),
    );
    await expect(registry.callTool('s0', 'add', { a: 1, b: 2 })).rejects.toMatchObject({
      code: 'BRG_MCP_FULL',
    });
    expect(textOf(await registry.callTool('s1', 'add', { a: 1, b: 2 }))).toBe('3');
    stop.abort();
    await Promise.all(hanging);
  });

  it('connects to several after a wake when their tools are out of date, a few at a time', async () => {
    let open = 0;
    let most = 0;
    const slow: HttpFixture = await listen((request, response) => {
      request.resume();
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.writeHead(500).end();
      }, 30);
    });
    const storage = new MemoryMcpStorage();
    const first = clients({ storage });
    const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
    await Promise.all(
      names.map((id) => first.addServer(id, slow.url, { id, ...ONCE }).catch(() => undefined)),
    );
    expect(most).toBeLessThanOrEqual(limits.mcpConnectsMax);
    const woken = clients({ storage });
    [open, most] = [0, 0];
    woken.restore();
    await woken.waitForConnections();
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(limits.mcpConnectsMax);
    expect(names.map((id) => stateOf(woken, id))).toEqual(names.map(() => 'failed'));
  });
});
