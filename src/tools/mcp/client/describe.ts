/** The MCP servers of an agent as the frame `cf_agent_mcp_servers` of the Agents SDK 0.5 shows them: no secret in it. */
import { limits } from '../../../base/limits.ts';
import type { Json } from '../../codemode/hostile-json.ts';
import type { McpPromptEntry, McpResourceEntry, McpToolEntry } from './catalogue.ts';
import type { McpConnection } from './connection.ts';
import type { McpState } from './phase.ts';
import type { McpServerRow } from './server-row.ts';

interface McpServerDescription {
  readonly name: string;
  /** Without its query, which may be a key; `stdio:<command>` for a process. */
  readonly server_url: string;
  readonly auth_url: string | null;
  readonly state: McpState;
  readonly error: string | null;
  readonly instructions: string | null;
  readonly capabilities: Json;
}

type OfServer<T> = T & { readonly serverId: string };

/** `mcp` of the frame. */
export interface McpServersFrame {
  readonly servers: Readonly<Record<string, McpServerDescription>>;
  readonly tools: readonly OfServer<McpToolEntry>[];
  readonly prompts: readonly OfServer<McpPromptEntry>[];
  readonly resources: readonly OfServer<McpResourceEntry>[];
}

/** A connection, or what stands for one that nobody needed yet. */
type Described = Pick<McpConnection, 'row' | 'state' | 'failure'>;

export function describeServers(connections: readonly Described[]): McpServersFrame {
  const of = <T>(list: (connection: Described) => readonly T[] | undefined): OfServer<T>[] =>
    connections.flatMap((one) => (list(one) ?? []).map((item) => ({ ...item, serverId: one.row.id })));
  return {
    servers: Object.fromEntries(connections.map((one) => [one.row.id, describeServer(one)])),
    tools: of(({ row }) => row.catalogue?.tools),
    prompts: of(({ row }) => row.catalogue?.prompts),
    resources: of(({ row }) => row.catalogue?.resources),
  };
}

/** The same of servers nobody has connected to since their agent woke. */
export function describeRows(rows: readonly McpServerRow[]): McpServersFrame {
  return describeServers(
    rows.map((row) => ({
      row,
      state: row.authUrl === null ? 'not-connected' : 'authenticating',
      failure: null,
    })),
  );
}

function describeServer({ row, state, failure }: Described): McpServerDescription {
  const { name, target, authUrl, catalogue } = row;
  const instructions = catalogue?.instructions ?? '';
  return {
    name,
    server_url: target.kind === 'http' ? withoutQuery(target.url) : `stdio:${target.command}`,
    auth_url: authUrl,
    state,
    error: failure?.message.slice(0, limits.mcpErrorCharactersMax) ?? null,
    instructions: instructions === '' ? null : instructions,
    capabilities: catalogue?.capabilities ?? null,
  };
}

function withoutQuery(url: string): string {
  const shown = new URL(url);
  shown.search = '';
  return shown.href;
}
