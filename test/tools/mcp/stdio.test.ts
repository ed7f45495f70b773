import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { clients, ONCE, textOf } from '../../support/mcp-clients.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';
import { until } from '../../support/until.ts';

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

  it('that ends within a call fails it, and is started again for the next', async () => {
    const registry = clients();
    const { id } = await registry.addServer('tools', target('modern'));
    await expect(registry.callTool(id, 'exit', {})).rejects.toMatchObject({ code: 'BRG_MCP_UNAVAILABLE' });
    await until(() => registry.describe().servers[id]?.state === 'not-connected');
    expect(textOf(await registry.callTool(id, 'add', { a: 1, b: 1 }))).toBe('2');
  });

  it('that floods is dropped, and the bridge goes on', async () => {
    const registry = clients();
    const { id } = await registry.addServer('tools', target('flood'), ONCE);
    const described = (): string | null | undefined => registry.describe().servers[id]?.error;
    expect(await until(described)).toContain('floods us');
  });

  it.each(['silent', 'garbage'])('that is %s fails in time, and is ended', async (mode) => {
    const registry = clients({ connectMs: 1500 });
    const added = registry.addServer('mute', target(mode), ONCE);
    await expect(added).rejects.toMatchObject({
      code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/) as unknown,
    });
    expect(Object.values(registry.describe().servers)).toMatchObject([{ name: 'mute', state: 'failed' }]);
  });

  it('that does not exist fails', async () => {
    const registry = clients();
    const missing = registry.addServer('missing', { command: '/nowhere/mcp-server' }, ONCE);
    await expect(missing).rejects.toMatchObject({ code: 'BRG_MCP_UNAVAILABLE' });
  });
});
