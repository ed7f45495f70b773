import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { McpCallOutcome, McpClients, McpElicitation } from '../../../src/tools/index.ts';
import { clients, textOf } from '../../support/mcp-clients.ts';
import { legacyServer, modernServer, type HttpFixture } from '../../support/mcp-http-server.ts';
import { MemoryMcpStorage } from '../../support/mcp-storage.ts';
import { until } from '../../support/until.ts';

const SERVERS = [
  ['2025 with sessions', legacyServer],
  ['2026-07-28', modernServer],
] as const;

const YES = { action: 'accept', content: { sure: true } } as const;

async function asking(
  start: () => Promise<HttpFixture>,
  options: Parameters<typeof clients>[0] = {},
): Promise<{ registry: McpClients; id: string; question: McpElicitation; server: HttpFixture }> {
  const server = await start();
  const registry = clients(options);
  const { id } = await registry.addServer('asker', server.url);
  const outcome = await registry.callTool(id, 'confirm', {});
  return { registry, id, server, question: onlyQuestion(outcome) };
}

function onlyQuestion(outcome: McpCallOutcome): McpElicitation {
  if (outcome.kind !== 'waiting') throw new Error('nothing was asked');
  expect(outcome.elicitations).toHaveLength(1);
  return outcome.elicitations[0] as McpElicitation; // there is one
}

describe.each(SERVERS)('a question of a server of %s', (_era, start) => {
  it('is told, kept, and its answer ends the call', async () => {
    const { registry, question, id } = await asking(start);
    expect(question).toMatchObject({ serverId: id, message: 'Are you sure?', ask: { mode: 'form' } });
    expect(registry.elicitations().map((one) => one.id)).toEqual([question.id]);
    expect(textOf(await registry.answerElicitation(question.id, YES))).toBe('confirmed');
    expect(registry.elicitations()).toEqual([]);
    await expect(registry.answerElicitation(question.id, YES)).rejects.toMatchObject({
      code: 'BRG_MCP_UNKNOWN',
    });
  });

  it('can be declined', async () => {
    const { registry, question } = await asking(start);
    expect(textOf(await registry.answerElicitation(question.id, { action: 'decline' }))).toBe('refused');
  });

  it('wants its form filled rightly, and waits on', async () => {
    const { registry, question } = await asking(start);
    const wrong = { action: 'accept', content: { sure: 'perhaps' } } as const;
    await expect(registry.answerElicitation(question.id, wrong)).rejects.toMatchObject({
      code: 'BRG_MCP_ARGUMENTS',
    });
    expect(textOf(await registry.answerElicitation(question.id, YES))).toBe('confirmed');
  });

  it('survives sleep: the answer given after a wake ends the call', async () => {
    const storage = new MemoryMcpStorage();
    const { registry, question } = await asking(start, { storage });
    registry.close();
    const woken = clients({ storage });
    expect(woken.elicitations().map((one) => one.id)).toEqual([question.id]);
    expect(textOf(await woken.answerElicitation(question.id, YES))).toBe('confirmed');
    expect(storage.elicitations()).toEqual([]);
  });

  it('is forgotten with its server, and after its time', async () => {
    const storage = new MemoryMcpStorage();
    const { registry, id } = await asking(start, { storage });
    expect(storage.elicitations()).toHaveLength(1);
    registry.removeServer(id);
    expect(storage.elicitations()).toEqual([]);
    const second = await asking(start, { storage });
    second.registry.close();
    const late = Date.now() + limits.mcpElicitationTtlMs + 1000;
    const woken = clients({ storage, clock: { now: () => late, after: () => () => undefined } });
    expect(woken.elicitations()).toEqual([]);
    expect(storage.elicitations()).toEqual([]);
  });

  it('is told to a model as an answer, not as an error', async () => {
    const server = await start();
    const registry = clients();
    const { id } = await registry.addServer('asker', server.url);
    const tool = registry.tools().find(({ name }) => name === `tool_${id}_confirm`);
    const said = await tool?.execute({}, { signal: AbortSignal.timeout(10_000) });
    expect(said).toMatchObject({ status: 'waiting for a person', questions: [{ message: 'Are you sure?' }] });
  });
});

it('the time a person takes does not count against the deadline of a call', async () => {
  const server = await legacyServer();
  const registry = clients();
  const { id } = await registry.addServer('asker', server.url);
  const question = onlyQuestion(await registry.callTool(id, 'confirm', {}, { deadlineMs: 300 }));
  const start = performance.now();
  await until(() => performance.now() - start > 400);
  expect(textOf(await registry.answerElicitation(question.id, YES))).toBe('confirmed');
});

it.each(SERVERS)('a server of %s that is away when a person answers costs no answer', async (_era, start) => {
  const storage = new MemoryMcpStorage();
  const { registry, question, server } = await asking(start, { storage });
  registry.close();
  await server.stop();
  const woken = clients({ storage, random: () => 0 });
  await expect(woken.answerElicitation(question.id, YES)).rejects.toMatchObject({
    code: 'BRG_MCP_UNAVAILABLE',
  });
  expect(woken.elicitations().map((one) => one.id)).toEqual([question.id]);
  await start(server.port);
  expect(textOf(await woken.answerElicitation(question.id, YES))).toBe('confirmed');
  expect(storage.elicitations()).toEqual([]);
});

it('the signal of a caller that was told "waiting" ends nothing any more', async () => {
  const server = await legacyServer();
  const registry = clients();
  const { id } = await registry.addServer('asker', server.url);
  const stop = new AbortController();
  const question = onlyQuestion(await registry.callTool(id, 'confirm', {}, { signal: stop.signal }));
  stop.abort(); // its caller has been answered: this ends nothing
  expect(registry.elicitations().map((one) => one.id)).toEqual([question.id]);
  expect(textOf(await registry.answerElicitation(question.id, YES))).toBe('confirmed');
  await until(() => registry.elicitations().length === 0);
});

it('a question within one of two calls goes to the server, and both calls end', async () => {
  const server = await legacyServer();
  const registry = clients();
  const { id } = await registry.addServer('asker', server.url);
  const stop = new AbortController();
  const hanging = registry.callTool(id, 'hang', {}, { signal: stop.signal }).catch(() => 'stopped');
  await until(() => server.calls.includes('hang'));
  const asking = registry.callTool(id, 'confirm', {});
  const question = await until(() => registry.elicitations()[0]);
  expect(question.call).toBeNull();
  expect(await registry.answerElicitation(question.id, YES)).toBeNull();
  expect(textOf(await asking)).toBe('confirmed');
  stop.abort();
  expect(await hanging).toBe('stopped');
});
