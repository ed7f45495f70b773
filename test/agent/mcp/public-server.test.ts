/**
 * A server we have not written, from npm: the reference server of the protocol's authors, as a process that an agent starts.
 * Its HTTP dependencies are left out of node_modules (`overrides` of package.json): over stdio it uses none of them.
 */
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { call, mcpBridge } from '../../support/mcp-agents.ts';

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const target = { command: process.execPath, args: [everything, 'stdio'] };

interface Servers {
  readonly servers: Readonly<Record<string, { readonly state: string }>>;
  readonly tools: readonly { readonly name: string }[];
  readonly prompts: readonly { readonly name: string }[];
  readonly resources: readonly { readonly uri: string }[];
}

it('the public server "everything": added, listed, called, asleep, awake with what was kept, called again', async () => {
  const bridge = await mcpBridge({ mcpAllow: ['stdio'] });
  const use = (name: string, input: unknown): Promise<Record<string, unknown>> =>
    call(bridge, 'worker/w', 'use', id, name, input);
  const servers = async (): Promise<Servers> =>
    (await call(bridge, 'worker/w', 'servers')) as unknown as Servers;
  const added = await call(bridge, 'worker/w', 'add', 'everything', target);
  expect(added).toMatchObject({ state: 'ready' });
  const id = String(added['id']);
  const offered = await servers();
  expect(offered.tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['echo', 'get-sum', 'get-structured-content']) as unknown,
  );
  expect(offered.prompts.map(({ name }) => name)).toContain('args-prompt');
  expect(offered.resources.length).toBeGreaterThan(0);
  expect(await use('get-sum', { a: 20, b: 22 })).toMatchObject({
    kind: 'done',
    result: { text: expect.stringContaining('42') as unknown },
  });
  // It gives a schema of what it answers, and keeps to it.
  expect(await use('get-structured-content', { location: 'Chicago' })).toMatchObject({
    result: { structured: { temperature: expect.any(Number) as unknown } },
  });
  expect(await use('get-sum', { a: 'twenty', b: 22 })).toMatchObject({ code: 'BRG_MCP_ARGUMENTS' });
  const { body } = await bridge.fetch('/api/agents/worker/w/hibernate', { method: 'POST' });
  expect(body['hibernated']).toBe(true);
  expect(await call(bridge, 'worker/w', 'tools')).toContain(`tool_${id}_echo`);
  expect((await servers()).servers[id]?.state).toBe('not-connected');
  expect(await use('echo', { message: 'mooring' })).toMatchObject({
    kind: 'done',
    result: { text: 'Echo: mooring' },
  });

  // It asks a person: the answer, over the API, ends its call.
  const asked = await use('trigger-elicitation-request', {});
  expect(asked).toMatchObject({ kind: 'waiting' });
  const { items } = (await bridge.agent('worker/w/mcp-questions')) as { items: { id: string }[] };
  const answer = { action: 'accept', content: { name: 'Anna', check: true } };
  const answered = await bridge.fetch(`/api/agents/worker/w/mcp-questions/${items[0]?.id}`, { body: answer });
  expect(answered).toMatchObject({ status: 200, body: { kind: 'done' } });
  expect(JSON.stringify(answered.body)).toContain('Anna');
});
