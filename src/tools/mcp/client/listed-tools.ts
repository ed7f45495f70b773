/** The tools of an agent's servers as a list, from what is kept: nothing is connected to, and the SDK is not needed. */
import { toolKey, type McpCatalogue, type McpToolEntry } from './catalogue.ts';
import type { McpServerRow, McpTrust } from './server-row.ts';

/** A foreign tool. */
export interface McpTool extends McpToolEntry {
  readonly serverId: string;
  /** Its server's, as the agent calls it. */
  readonly serverName: string;
  /** `tool_{serverId}_{name}`: what a model calls it by. */
  readonly key: string;
  readonly trust: McpTrust;
}

export function listTools(rows: readonly McpServerRow[]): McpTool[] {
  return rows.flatMap(({ id, name, trust, catalogue }) =>
    (catalogue?.tools ?? []).map((tool) => ({
      ...tool,
      ...{ serverId: id, serverName: name, trust },
      key: toolKey(id, tool.name),
    })),
  );
}

/** Whether what a server offered last may not be so any more. */
export function isOutdated(catalogue: McpCatalogue | null, nowMs: number): boolean {
  return catalogue === null || nowMs - catalogue.atMs > catalogue.ttlMs;
}
