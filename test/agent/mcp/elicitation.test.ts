/** Questions of MCP servers to a person: kept while the agent sleeps and across a restart, answered over the API or by code. */
import { describe, expect, it } from 'vitest';
import { temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { addServer, call, mcpBridge } from '../../support/mcp-agents.ts';
import { legacyServer, modernServer } from '../../support/mcp-http-server.ts';

async function onlyQuestion(bridge: TestBridge): Promise<Record<string, unknown>> {
  const { items } = (await bridge.agent('worker/w/mcp-questions')) as { items: Record<string, unknown>[] };
  expect(items).toHaveLength(1);
  return items[0] ?? {};
}

describe.each([
  ['2025 with sessions', legacyServer],
  ['2026-07-28', modernServer],
] as const)('a question of a server of %s', (_era, start) => {
  it('is kept across a restart, and its answer ends the call', async () => {
    const server = await start();
    const dataDir = temporaryDir();
    const first = await mcpBridge({ dataDir });
    const id = await addServer(first, 'worker/w', server.url);
    expect(await call(first, 'worker/w', 'use', id, 'confirm', {})).toMatchObject({
      kind: 'waiting',
      elicitations: [{ message: 'Are you sure?' }],
    });
    expect((await first.fetch('/api/agents/worker/w/hibernate', { method: 'POST' })).body['hibernated']).toBe(
      true,
    );
    const before = await onlyQuestion(first);
    await first.stop();
    const second = await mcpBridge({ dataDir });
    const question = await onlyQuestion(second);
    expect(question).toEqual(before);
    expect(question).toMatchObject({ serverId: id, tool: 'confirm', ask: { mode: 'form' } });
    const path = `/api/agents/worker/w/mcp-questions/${String(question['id'])}`;
    const wrong = await second.fetch(path, { body: { action: 'accept', content: { sure: 'perhaps' } } });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'BRG_MCP_ARGUMENTS' } });
    const answered = await second.fetch(path, { body: { action: 'accept', content: { sure: true } } });
    expect(answered).toMatchObject({ status: 200, body: { kind: 'done', result: 'confirmed' } });
    const again = await second.fetch(path, { body: { action: 'decline' } });
    expect(again).toMatchObject({ status: 404, body: { code: 'BRG_MCP_UNKNOWN' } });
  });

  it('is answered by the author’s code, and the call comes back with its result', async () => {
    const server = await start();
    const bridge = await mcpBridge();
    const id = await addServer(bridge, 'worker/w', server.url);
    await call(bridge, 'worker/w', 'answerBy', true);
    expect(await call(bridge, 'worker/w', 'use', id, 'confirm', {})).toMatchObject({
      kind: 'done',
      result: { text: 'confirmed' },
    });
    await call(bridge, 'worker/w', 'answerBy', false);
    expect(await call(bridge, 'worker/w', 'ai', `tool_${id}_confirm`, {})).toMatchObject({
      content: [{ type: 'text', text: 'refused' }],
    });
    expect((await bridge.agent('worker/w/mcp-questions'))['items']).toEqual([]);
  });
});
