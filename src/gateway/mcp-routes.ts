/** The routes of the MCP servers an agent uses, and of the questions they ask. */
import { z } from 'zod';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

const SERVER_ERRORS: readonly ErrorCode[] = [
  'BRG_MCP_UNAVAILABLE',
  'BRG_MCP_TIMEOUT',
  'BRG_MCP_ANSWER',
  'BRG_MCP_FULL',
];
/** An attempt to connect, a discovery, and the way there and back. */
const CONNECT_MS = limits.mcpConnectMs + limits.mcpListMs + limits.requestTimeoutMs;

const serverAnswer = z.looseObject({
  id: z.string(),
  state: z.enum(['ready', 'authenticating']),
  authUrl: z.string().optional().describe('where a person has to agree'),
});
const serverListAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      url: z.string().describe('without its query, which may be a key'),
      state: z.enum([
        'not-connected',
        'authenticating',
        'connecting',
        'connected',
        'discovering',
        'ready',
        'failed',
      ]),
      authUrl: z.string().nullable(),
      error: z.string().nullable(),
      trust: z.enum(['none', 'read', 'full']),
      tools: z.array(
        z.looseObject({
          name: z.string(),
          key: z.string().describe('what a model calls it by'),
          description: z.string(),
          isReadOnly: z.boolean().describe('as its server claims'),
        }),
      ),
    }),
  ),
});
const questionListAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      serverId: z.string(),
      message: z.string().describe('words of the server: data of a stranger'),
      tool: z.string().nullable(),
      createdAtMs: z.number(),
      expiresAtMs: z.number(),
      ask: z.looseObject({ mode: z.enum(['form', 'url']) }),
    }),
  ),
});

const newServerSchema = z.strictObject({
  name: z.string().min(1).max(limits.mcpNameCharactersMax),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .describe('Streamable HTTP'),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/)
    .optional()
    .describe('default: a random one'),
  headers: z.record(z.string(), z.string().max(8192)).optional().describe('sent with every request'),
  trust: z
    .enum(['none', 'read', 'full'])
    .optional()
    .describe('what the model of the chat may call by itself; none unless said'),
});
const newAnswerSchema = z.strictObject({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .optional()
    .describe('the form, filled'),
});

export const mcpRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/mcp-servers`,
    operation: 'listMcpServers',
    tag: 'mcp',
    summary: 'MCP servers the agent uses, and their tools as they were offered last',
    response: { status: 200, description: 'The servers', schema: serverListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'mcpServers', body: {} }) },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/mcp-servers`,
    operation: 'addMcpServer',
    tag: 'mcp',
    summary: 'Give the agent an MCP server; the same name and URL again is the same server',
    body: { schema: newServerSchema, mediaTypes: JSON_ONLY, description: 'Processes are for code only' },
    response: { status: 201, description: 'It is there, or waits for a person', schema: serverAnswer },
    errors: ['BRG_MCP_OPTIONS', 'BRG_MCP_REFUSED', ...SERVER_ERRORS],
    does: {
      kind: 'ask',
      ask: ({ address, body, by }) => ({
        address,
        name: 'addMcpServer',
        body: { ...body, by },
        options: { ...DURABLE, create: true, timeoutMs: CONNECT_MS },
      }),
    },
  }),
  route({
    method: 'DELETE',
    path: `${AGENT}/mcp-servers/{serverId}`,
    operation: 'removeMcpServer',
    tag: 'mcp',
    summary: 'Take an MCP server from the agent, with its tokens and questions',
    response: { status: 200, description: 'It is gone', schema: answers.emptyAnswer },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_MCP_UNKNOWN'],
    does: {
      kind: 'ask',
      ask: ({ address, params, by }) => ({
        address,
        name: 'removeMcpServer',
        body: { serverId: params['serverId'], by },
        options: DURABLE,
      }),
    },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/mcp-questions`,
    operation: 'listMcpQuestions',
    tag: 'mcp',
    summary: 'Questions of MCP servers that wait for a person (elicitation)',
    response: { status: 200, description: 'Oldest first', schema: questionListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'mcpQuestions', body: {} }) },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/mcp-questions/{questionId}`,
    operation: 'answerMcpQuestion',
    tag: 'mcp',
    summary: 'Answer one; the call that waits for it goes on',
    body: { schema: newAnswerSchema, mediaTypes: JSON_ONLY, description: 'A person’s word' },
    response: {
      status: 200,
      description: 'What the call answered, that it asks more, or that the server has the answer',
      schema: z.looseObject({ kind: z.enum(['done', 'waiting', 'taken']) }),
    },
    errors: [
      ...(['BRG_UNKNOWN_AGENT', 'BRG_MCP_UNKNOWN', 'BRG_MCP_ARGUMENTS', 'BRG_MCP_TOOL'] as const),
      ...SERVER_ERRORS,
    ],
    does: {
      kind: 'ask',
      ask: ({ address, params, body }) => ({
        address,
        name: 'answerMcpQuestion',
        body: { ...body, questionId: params['questionId'] },
        options: { timeoutMs: limits.mcpCallMs + CONNECT_MS },
      }),
    },
  }),
];
