import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { clients, ONCE, textOf } from '../../support/mcp-clients.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';

const script = fileURLToPath(new URL('../../support/mcp-stdio-server.ts', import.meta.url));
const target = (mode: string, env: Record<string, string> = {}) => ({
  command: process.execPath,
  args: [script, mode],
  env,
});

describe.each(['modern', 'legacy'])('a %s server over stdio', (mode) => {
  it('is added, called, and described without its environment', async () => {
    const registry = clients();
    const { id, state } = await registry.addServer('tools', target(mode, { KEY: 'a-secret' }));
    expect(state).toBe('ready');
    expect(textOf(await registry.callTool(id, 'add', { a: 20, b: 22 }))).toBe('42');
    expect(registry.describe().servers[id]?.server_url).toBe(`stdio:${process.execPath}`);
    expect(JSON.stringify(registry.describe())).not.toContain('a-secret');
  });

  it('asks a person, also across a restart of both', async () => {
    const storage = new MemoryMcpStorage();
    const first = clients({ storage });
    const { id } = await first.addServer('tools', target(mode));
    const outcome = await first.callTool(id, 'confirm', {});
    expect(outcome.kind).toBe('waiting');
    first.close();
    const woken = clients({ storage });
    const [question] = woken.elicitations();
    const answer = { action: 'accept', content: { sure: true } } as const;
    expect(textOf(await woken.answerElicitation(question?.id ?? '', answer))).toBe('confirmed');
  });
});

describe('a process', () => {
  it('sees what it is given, and nothing else of our environment', async () => {
    process.env['MOORING_TEST_SECRET'] = 'not for it';
    const registry = clients();
    const { id } = await registry.addServer('tools', target('modern', { GIVEN: 'yes' }));
    const seen = JSON.parse(textOf(await registry.callTool(id, 'environment', {}))) as Record<string, string>;
    expect(seen['GIVEN']).toBe('yes');
    expect(Object.values(seen)).not.toContain('not for it');
  });

  it('is refused unless the settings allow it', async () => {
    const storage = new MemoryMcpStorage();
    const registry = clients({ storage, policy: { loopback: true } });
    await expect(registry.addServer('tools', target('modern'))).rejects.toMatchObject({
      code: 'BRG_MCP_REFUSED',
    });
    expect(storage.servers()).toEqual([]);
  });

  it('that does not exist fails', async () => {
    const registry = clients();
    const missing = registry.addServer('missing', { command: '/nowhere/mcp-server' }, ONCE);
    await expect(missing).rejects.toMatchObject({ code: 'BRG_MCP_UNAVAILABLE' });
  });
});
