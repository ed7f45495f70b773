/** Answers of an agent to the API about its MCP servers: docs/design/requests.md. Bodies were checked by the gateway. */
import { BridgeError } from '../../base/errors.ts';
import type { McpCallOutcome, McpElicitationAnswer, McpTrust } from '../../tools/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { LATER } from '../later.ts';
import { describeMcp, mcpToolsOf } from './mcp-desk.ts';
import { serverOptions } from './mcp-settings.ts';

interface Bodies {
  mcpServers: object;
  addMcpServer: {
    readonly name: string;
    readonly url: string;
    readonly id?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly trust?: McpTrust;
    readonly by?: string;
  };
  removeMcpServer: { readonly serverId: string; readonly by?: string };
  mcpQuestions: object;
  answerMcpQuestion: McpElicitationAnswer & { readonly questionId: string };
  mcpCallback: { readonly url: string };
}

type Answers = {
  [Name in keyof Bodies]: (parts: AgentParts, body: Bodies[Name], request: number) => unknown;
};

const ANSWERS: Answers = {
  mcpServers: (parts) => ({ items: describe(parts) }),
  addMcpServer: ({ mcp, context }, { name, url, id, headers, trust, by = 'api' }, request) => {
    const asked = {
      ...(id === undefined ? {} : { id }),
      ...(headers === undefined ? {} : { transport: { headers } }),
      ...(trust === undefined ? {} : { trust }),
      // Who asks can ask again, and waits.
      retry: { maxAttempts: 1 },
    };
    const options = serverOptions(asked, context, mcp.settings, undefined);
    return mcp.replyLater(request, mcp.add(name, url, options, by));
  },
  removeMcpServer: ({ mcp }, { serverId, by = 'api' }, request) =>
    mcp.replyLater(request, removed(mcp.remove(serverId, by), serverId)),
  mcpQuestions: ({ mcp }) => ({
    items: mcp
      .elicitations()
      .map(({ call, answer: _, ...shown }) => ({ ...shown, tool: call?.tool ?? null })),
  }),
  answerMcpQuestion: ({ mcp }, { questionId, action, content }, request) => {
    const answer = { action, ...(content === undefined ? {} : { content }) };
    return mcp.replyLater(request, mcp.answer(questionId, answer, {}).then(told));
  },
  mcpCallback: ({ mcp }, { url }, request) =>
    mcp.replyLater(request, page(mcp.oauthCallback(new Request(url)))),
};

/** Whether it is for these answers. */
export function isAboutMcp(name: string): name is keyof Bodies {
  return Object.hasOwn(ANSWERS, name);
}

/** @throws BridgeError BRG_MCP_OPTIONS; other failures are told later */
export function answerMcpRequest(
  parts: AgentParts,
  request: number,
  name: keyof Bodies,
  body: unknown,
): object | typeof LATER {
  // The body has the shape of that name (see Bodies).
  const answer = ANSWERS[name] as (
    parts: AgentParts,
    body: unknown,
    request: number,
  ) => object | typeof LATER;
  return answer(parts, body, request);
}

/** Without the schemas of the tools, which may be large. */
function describe(parts: AgentParts): object[] {
  const { servers } = describeMcp(parts);
  const tools = mcpToolsOf(parts);
  return Object.entries(servers).map(([id, { server_url: url, auth_url: authUrl, name, state, error }]) => ({
    ...{ id, name, url, authUrl, state, error },
    trust: parts.mcp.trustOf(id),
    tools: tools
      .filter(({ serverId }) => serverId === id)
      .map(({ name: tool, key, description, annotations }) => {
        return { name: tool, key, description, isReadOnly: annotations?.readOnlyHint === true };
      }),
  }));
}

async function removed(removing: Promise<boolean>, id: string): Promise<object> {
  if (await removing) return {};
  throw new BridgeError('BRG_MCP_UNKNOWN', `there is no MCP server ${id}`);
}

function told(outcome: McpCallOutcome | null): object {
  if (outcome === null) return { kind: 'taken' };
  if (outcome.kind === 'waiting')
    return { kind: 'waiting', questions: outcome.elicitations.map(({ id }) => id) };
  const { text, structured } = outcome.result;
  return { kind: 'done', result: structured ?? text };
}

/** Null: the request is for no callback of this agent. */
async function page(answering: Promise<Response | null>): Promise<unknown> {
  const response = await answering;
  if (response === null) return { answer: null };
  const body = Buffer.from(await response.arrayBuffer()).toString('base64');
  return { answer: { status: response.status, headers: [...response.headers], body } };
}
