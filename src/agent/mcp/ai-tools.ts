/** Tools of MCP servers as the AI SDK takes them. */
import type { ToolSet } from 'ai';
import {
  checkAgainstSchema,
  type Json,
  type JsonSchema,
  type McpCallOutcome,
  type McpTool,
} from '../../tools/index.ts';
import type { McpDesk } from './mcp-desk.ts';

/** Which tools; all that are named must fit. */
export interface ToolFilter {
  readonly serverId?: string;
  readonly serverName?: string;
  /** Of the tool, as its server knows it. */
  readonly name?: string;
}

export function aiTools(desk: McpDesk, filter: ToolFilter): ToolSet {
  const { serverId, serverName, name } = filter;
  const tools = desk
    .listTools()
    .filter((tool) => serverId === undefined || tool.serverId === serverId)
    .filter((tool) => serverName === undefined || tool.serverName === serverName)
    .filter((tool) => name === undefined || tool.name === name);
  // A Standard Schema with JSON Schema is one of the forms the AI SDK takes; it need not be loaded for that.
  return Object.fromEntries(tools.map((tool) => [tool.key, aiTool(desk, tool)])) as unknown as ToolSet;
}

function aiTool(desk: McpDesk, { serverId, name, title, description, inputSchema }: McpTool): object {
  return {
    type: 'dynamic',
    ...(title === undefined ? {} : { title }),
    description,
    inputSchema: standardSchema(inputSchema),
    execute: async (input: unknown, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
      const options = abortSignal === undefined ? {} : { signal: abortSignal };
      return asCallToolResult(await desk.call(serverId, name, input, options));
    },
  };
}

/** What the server answered, in its form; or that a person is asked. */
function asCallToolResult(outcome: McpCallOutcome): object {
  if (outcome.kind === 'waiting') return waitingAnswer(outcome);
  const { content, structured } = outcome.result;
  return { content, ...(structured === undefined ? {} : { structuredContent: structured }) };
}

/** What a model is told of a call that waits for a person. */
export function waitingAnswer({ elicitations }: Extract<McpCallOutcome, { kind: 'waiting' }>): object {
  return {
    status: 'waiting for a person',
    questions: elicitations.map(({ id, message }) => ({ id, message })),
  };
}

/** https://standardschema.dev/json-schema */
function standardSchema(schema: JsonSchema): object {
  return {
    '~standard': {
      version: 1,
      vendor: 'mooring',
      validate: (value: unknown) => {
        const problems = checkAgainstSchema(value as Json, schema); // a model's JSON
        return problems.length === 0 ? { value } : { issues: problems.map((message) => ({ message })) };
      },
      jsonSchema: { input: () => schema, output: () => schema },
    },
  };
}
