/** Processes that hang, flood, lie, disappear or stay: a stable code in time, little work for us, and none of them left. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import type { McpClients } from '../../../src/tools/mcp/index.ts';
import { temporaryDir } from '../../support/bridge.ts';
import { clients, ONCE } from '../../support/mcp-clients.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const script = fileURLToPath(new URL('../../support/mcp-hostile-process.ts', import.meta.url));
/** What one may cost us, ms: some hundred messages, and 40,000 tools that are looked at before they are refused. */
const CPU_MAX_MS = 1_500;
const CONNECT_MS = 5_000;

/** Time as it is, but a process that is told to end has a twentieth of it. */
const impatient: Clock = {
  now: () => systemClock.now(),
  after: (delayMs, callback) =>
    systemClock.after(delayMs % limits.mcpStopMs === 0 ? delayMs / 20 : delayMs, callback),
};

interface Hostile {
  readonly registry: McpClients;
  /** Its id; rejects with why it could not be added. */
  readonly added: Promise<string>;
  /** Resolves when the processes it has had are gone, and those they have started. */
  gone(): Promise<unknown>;
}

function hostile(mode?: string, connectMs = CONNECT_MS): Hostile {
  const file = join(temporaryDir(), 'pids');
  const registry = clients({ connectMs, clock: impatient });
  const args = [script, ...(mode === undefined ? [] : [mode])];
  const target = { command: process.execPath, args, env: { PIDS: file } };
  const added = registry.addServer('hostile', target, ONCE).then(({ id }) => id);
  const pids = (): number[] => {
    if (!existsSync(file)) return []; // it was ended before it could note itself
    return readFileSync(file, 'utf8').trim().split('\n').map(Number);
  };
  const gone = (): Promise<unknown> => until(() => !pids().some(isAlive), 'its processes to be gone');
  return { registry, added, gone };
}

/** The code it failed with, and how much work that was. */
async function failure(work: Promise<unknown>): Promise<unknown> {
  const before = process.cpuUsage();
  const code: unknown = await work.then(
    () => 'no failure',
    (error: unknown) => (error as { code?: unknown }).code,
  );
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(CPU_MAX_MS);
  return code;
}

it('one that fails at its start, or offers more than is kept, is not added', async () => {
  const table: readonly (readonly [string, string])[] = [
    ['exits', 'BRG_MCP_UNAVAILABLE'],
    ['floods', 'BRG_MCP_ANSWER'],
    ['100,000-tools', 'BRG_MCP_ANSWER'],
    ['100,000-tools-in-pages', 'BRG_MCP_ANSWER'],
    ['hangs', 'BRG_MCP_TIMEOUT'],
  ];
  for (const [mode, code] of table) {
    const { registry, added, gone } = hostile(mode, mode === 'hangs' ? 300 : CONNECT_MS);
    expect(`${mode} ${String(await failure(added))}`).toBe(`${mode} ${code}`);
    expect(registry.listTools()).toEqual([]);
    await gone();
  }
});

it('one whose call hangs, floods, lies or ends it fails that call; the next one finds it sound', async () => {
  const table: readonly (readonly [string, string])[] = [
    ['hangs', 'BRG_MCP_TIMEOUT'],
    ['lies', 'BRG_MCP_ANSWER'],
    ['exits', 'BRG_MCP_UNAVAILABLE'],
    ['answers-too-much', 'BRG_MCP_ANSWER'],
    ['floods-bytes', 'BRG_MCP_ANSWER'],
    ['floods-words', 'BRG_MCP_ANSWER'],
    ['floods-objects', 'BRG_MCP_ANSWER'],
    ['floods-notifications', 'BRG_MCP_ANSWER'],
    ['floods-answers', 'BRG_MCP_ANSWER'],
  ];
  const { registry, added, gone } = hostile();
  const id = await added;
  for (const [tool, code] of table) {
    const deadlineMs = tool === 'hangs' ? 200 : CONNECT_MS;
    const called = registry.callTool(id, tool, {}, { deadlineMs });
    expect(`${tool} ${String(await failure(called))}`).toBe(`${tool} ${code}`);
  }
  expect(await registry.callTool(id, 'sound', {})).toMatchObject({ result: { structured: { total: 1 } } });
  registry.close();
  await gone();
});

it('one that reads no more is sent no more than some megabytes, and ended', async () => {
  const { registry, added, gone } = hostile();
  const id = await added;
  const filler = 'x'.repeat(limits.mcpUnreadBytesMax / 5);
  const calls = Array.from({ length: 7 }, (_, at) =>
    registry.callTool(id, at === 0 ? 'reads-no-more' : 'hangs', at === 0 ? {} : { filler }),
  );
  const codes = await Promise.all(calls.map((call) => failure(call)));
  expect(new Set(codes)).toEqual(new Set(['BRG_MCP_ANSWER']));
  await gone();
});

it('one that stays, whatever it is told, is ended with what it has started', async () => {
  const { registry, added, gone } = hostile('stays');
  await added;
  registry.close();
  await gone();
});
