/** A 2025 MCP server over HTTP that says whatever a table says. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, type HttpFixture } from './mcp-http-server.ts';

export type Answers = Readonly<Record<string, (params: Record<string, unknown>) => unknown>>;

/** A 2025 server that answers whatever the table says, as JSON. */
export function scripted(answers: Answers): Promise<HttpFixture> {
  return listen((request, response) => void answerScripted(answers, request, response));
}

/** Answers one request as the table says. */
export async function answerScripted(
  answers: Answers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let text = '';
  for await (const piece of request) text += String(piece);
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(text) as {
    id?: number;
    method: string;
    params: Record<string, unknown>;
  };
  if (id === undefined) return void response.writeHead(202).end();
  const answer = { ...ORDINARY, ...answers }[method];
  const body = answer === undefined ? { error: { code: -32601, message: 'no' } } : { result: answer(params) };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
}

const ORDINARY: Answers = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'hostile', version: '1' },
  }),
};
