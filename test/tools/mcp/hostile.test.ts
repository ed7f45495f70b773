/** Servers that lie, hang, flood, grow or point elsewhere. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { cleanCatalogue, cleanText, toolKey } from '../../../src/tools/mcp/client/catalogue.ts';
import { clients, ONCE, textOf } from '../../support/mcp-clients.ts';
import { listen, modernServer } from '../../support/mcp-http-server.ts';
import { answerScripted, scripted, type Answers } from '../../support/mcp-scripted-server.ts';
import { until } from '../../support/until.ts';

const object = { type: 'object', properties: {} };
const list = (...tools: unknown[]): Answers => ({ 'tools/list': () => ({ tools }) });

async function added(answers: Answers): Promise<{ registry: ReturnType<typeof clients>; id: string }> {
  const registry = clients();
  const { id } = await registry.addServer('hostile', (await scripted(answers)).url, ONCE);
  return { registry, id };
}

describe('a server that lies', () => {
  const outputSchema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] };
  const tool = { name: 'sum', inputSchema: object, outputSchema };

  it.each([
    ['answers without the structure it promised', { content: [{ type: 'text', text: '5' }] }],
    ['answers with another', { content: [], structuredContent: { total: 'five' } }],
    ['nests deeper than anything is read', { content: [], structuredContent: { total: 1, x: nested(100) } }],
  ])('%s: the answer is refused', async (_what, result) => {
    const { registry, id } = await added({ ...list(tool), 'tools/call': () => result });
    await expect(registry.callTool(id, 'sum', {})).rejects.toMatchObject({ code: 'BRG_MCP_ANSWER' });
  });

  it('keeps prototypes of what it answers to itself', async () => {
    const structuredContent = JSON.parse('{"total": 1, "__proto__": {"isAdmin": true}}') as unknown;
    const { registry, id } = await added({
      ...list(tool),
      'tools/call': () => ({ content: [], structuredContent }),
    });
    const outcome = await registry.callTool(id, 'sum', {});
    expect(outcome).toMatchObject({ kind: 'done', result: { structured: { total: 1 } } });
    expect(JSON.stringify(outcome)).not.toContain('isAdmin');
  });

  it('cannot hang us with the schemas it gives: exponential references, evil patterns', async () => {
    const levels = Array.from({ length: 40 }, (_, i) => [
      `d${i}`,
      { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]);
    const $defs = Object.fromEntries([...levels, ['d40', { type: 'string', pattern: '^(a+)+$' }]]) as object;
    const evil = { type: 'object', properties: { x: { $ref: '#/$defs/d0' } }, $defs };
    const { registry, id } = await added({
      ...list({ name: 'evil', inputSchema: evil, outputSchema: evil }),
      'tools/call': () => ({ content: [], structuredContent: { x: 1 } }),
    });
    const start = performance.now();
    await expect(registry.callTool(id, 'evil', { x: `${'a'.repeat(40)}!` })).rejects.toThrow();
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('offers tools of which only the sound ones are kept', async () => {
    const { registry, id } = await added(
      list(
        { name: 'sound', inputSchema: object, description: 'fine\u202e\u200b \u{e0041}text\u0000' },
        { name: 'sound', inputSchema: object, description: 'takes the place of another' },
        { name: 'two words', inputSchema: object },
        { name: '__proto__', inputSchema: object },
        { name: 'x'.repeat(129), inputSchema: object },
        { name: 'deep', inputSchema: { type: 'object', properties: { x: nested(40) } } },
        { name: 'large', inputSchema: { type: 'object', description: 'x'.repeat(limits.mcpSchemaBytesMax) } },
        { name: 'wordy', inputSchema: object, description: 'x'.repeat(10_000) },
      ),
    );
    const tools = registry.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['sound', 'wordy']);
    expect(tools[0]?.description).toBe('fine text');
    expect(tools[1]?.description.length).toBe(limits.mcpDescriptionCharactersMax);
    expect(tools[0]?.key).toBe(`tool_${id}_sound`);
  });

  it('offers more than is kept', () => {
    const tools = Array.from({ length: 2000 }, (_, i) => ({
      name: `t${i}`,
      inputSchema: object,
      description: 'x'.repeat(3000),
    }));
    const raw = { instructions: 1, capabilities: null, tools, prompts: [], resources: [], ttlMs: 1e12 };
    const catalogue = cleanCatalogue(raw, 0);
    expect(catalogue.tools.length).toBeLessThanOrEqual(limits.mcpToolsMax);
    expect(JSON.stringify(catalogue).length).toBeLessThan(limits.mcpCatalogueBytesMax * 1.1);
    expect(catalogue.refused).toBe(2000 - catalogue.tools.length);
    expect(catalogue.ttlMs).toBe(limits.mcpCatalogueTtlMaxMs);
  });
});

describe('a server that takes its time, or too much', () => {
  it('takes connections and never answers: its user waits no longer than the attempt may take', async () => {
    let open = 0;
    const { url } = await listen((request, response) => {
      request.resume();
      open++;
      response.on('close', () => open--);
    });
    const registry = clients({ connectMs: 300 });
    const added = registry.addServer('mute', url, { retry: { maxAttempts: 2, baseDelayMs: 1 } });
    await expect(added).rejects.toMatchObject({ code: 'BRG_MCP_TIMEOUT' });
    await until(() => open === 0);
  });

  it('never ends a list: it fails, and a caller waits no longer than it wants', async () => {
    let page = 0;
    const endless = {
      'tools/list': () => ({ tools: [{ name: `t${page}`, inputSchema: object }], nextCursor: `c${++page}` }),
    };
    const registry = clients();
    const { url } = await scripted(endless);
    await expect(registry.addServer('endless', url, ONCE)).rejects.toMatchObject({
      code: 'BRG_MCP_ANSWER',
      message: expect.stringContaining('Failed to discover') as unknown,
    });
    expect(page).toBeLessThanOrEqual(limits.mcpListPagesMax + 1);
  });

  it('answers more than is read: cut off, by size and not by what it claims', async () => {
    let isGone = false;
    const { url } = await listen((request, response) => {
      request.resume();
      response.on('close', () => (isGone = true));
      response.writeHead(200, { 'content-type': 'application/json' });
      const piece = Buffer.alloc(64 * 1024, 0x20);
      const flood = (): void => {
        while (!isGone && response.write(piece));
        if (!isGone) response.once('drain', flood);
      };
      flood();
    });
    await expect(clients().addServer('endless', url, ONCE)).rejects.toMatchObject({ code: 'BRG_MCP_ANSWER' });
    await until(() => isGone);
  });

  it('floods its event stream: dropped', async () => {
    const { url } = await listen((request, response) => {
      if (request.method !== 'GET')
        return void answerScripted(list({ name: 'x', inputSchema: object }), request, response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(10_000) } })}\n\n`;
      const flood = (): void => {
        while (!response.destroyed && response.write(event));
        if (!response.destroyed) response.once('drain', flood);
      };
      flood();
    });
    const registry = clients();
    const { id } = await registry.addServer('flood', url, ONCE).catch(() => ({ id: '' }));
    const errors = (): string =>
      Object.values(registry.describe().servers)
        .map(({ error }) => error ?? '')
        .join();
    expect(await until(errors, `the flood of ${id} to be noticed`)).toMatch(/flood/);
  });

  it('answers a tool call with more than is passed on', async () => {
    const server = await modernServer();
    const registry = clients();
    const { id } = await registry.addServer('large', server.url);
    const fits = textOf(await registry.callTool(id, 'large', { bytes: 100_000 }));
    expect(fits).toHaveLength(100_000);
    const bytes = limits.mcpResultBytesMax + 1;
    await expect(registry.callTool(id, 'large', { bytes })).rejects.toMatchObject({ code: 'BRG_MCP_ANSWER' });
    const flood = { bytes: limits.mcpAnswerBytesMax + 1 };
    await expect(registry.callTool(id, 'large', flood, { deadlineMs: 5_000 })).rejects.toMatchObject({
      code: 'BRG_MCP_ANSWER',
    });
    expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 2 }))).toBe('3');
  });

  it('ends streams at once and says "again in 0 ms": it is asked again slowly', async () => {
    let streams = 0;
    const { url } = await listen((request, response) => {
      if (request.method !== 'GET')
        return void answerScripted(list({ name: 'x', inputSchema: object }), request, response);
      streams++;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\n\n');
    });
    const registry = clients();
    await registry.addServer('storm', url, ONCE);
    await until(() => streams > 0);
    const start = performance.now();
    await until(() => performance.now() - start > 500);
    expect(streams).toBe(1);
  });
});

describe('names and texts', () => {
  it('keys are as in the Agents SDK, and fit what models take', () => {
    expect(toolKey('ab-cd', 'read_file')).toBe('tool_abcd_read_file');
    const dotted = toolKey('a', 'fs.read/file');
    expect(dotted).toMatch(/^tool_a_fs_read_file_[0-9a-f]{8}$/);
    expect(toolKey('a', 'fs_read.file')).not.toBe(dotted);
    expect(toolKey('a', 'x'.repeat(128))).toMatch(/^[A-Za-z0-9_-]{64}$/);
  });

  it('what nobody sees is not shown to a model', () => {
    expect(cleanText('a\u0007b\u2066c\ufeffd\u{e0061}e', 100)).toBe('abcde');
    expect(cleanText('line\nand\ttab', 100)).toBe('line\nand\ttab');
    expect(cleanText('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(cleanText(7, 10)).toBe('');
  });
});

/** `levels` objects within each other. */
function nested(levels: number): unknown {
  return levels === 0 ? 1 : { x: nested(levels - 1) };
}
