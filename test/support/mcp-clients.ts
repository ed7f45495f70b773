/** Registries of MCP servers as an agent would have them; each can be woken anew from the same storage. */
import { onTestFinished } from 'vitest';
import { createLog } from '../../src/base/log.ts';
import type { McpCallOutcome, McpClientsOptions } from '../../src/tools/index.ts';
import { McpClients } from '../../src/tools/mcp/index.ts';
import { MemoryMcpStorage } from './mcp-storage.ts';

const log = createLog({ level: 'silent', format: 'json' });

/** One try, no pauses: what fails, fails at once. */
export const ONCE = { retry: { maxAttempts: 1 } } as const;

export function clients(options: Partial<McpClientsOptions> = {}): McpClients {
  const policy = { loopback: true, stdio: true };
  const made = new McpClients({ storage: new MemoryMcpStorage(), log, policy, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** The text a tool answered. */
export function textOf(outcome: McpCallOutcome | null): string {
  if (outcome?.kind !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return outcome.result.text;
}
