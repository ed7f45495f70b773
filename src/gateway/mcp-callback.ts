/**
 * Where the authorization server of an MCP server sends a person back to: `/agents/{model}/{id}/callback`. A browser that
 * comes from there brings no token of ours; what it brings instead is the state of an authorization that was begun here:
 * a secret, good once. So the agent is asked for that only, and none of its author's code runs for whoever has no token.
 */
import type { IncomingMessage } from 'node:http';
import { asBridgeError, BridgeError } from '../base/errors.ts';
import type { AgentAddress } from '../base/address.ts';
import type { HttpContext } from './http-handler.ts';
import type { Answer } from './problem.ts';
import { agentPath, checkAddress, type RequestTarget } from './target.ts';

/** Whether a request may be such a return. */
export function isMcpCallback({ method }: IncomingMessage, { path, query }: RequestTarget): boolean {
  return (
    method === 'GET' &&
    /^\/agents\/[^/]+\/[^/]+\/callback(\/|$)/.test(path) &&
    query.has('state') &&
    (query.has('code') || query.has('error'))
  );
}

/** The page for the person; null: the agent knows of no such authorization, or there is no such agent. */
export async function answerMcpCallback(
  context: HttpContext,
  request: IncomingMessage,
  { path }: RequestTarget,
): Promise<Answer | null> {
  const address = addressOf(context, path);
  if (address === null) return null;
  const url = new URL(request.url ?? '/', 'http://localhost').href;
  const asked = await context.runtime.request(address, 'mcpCallback', { url }).catch((error: unknown) => {
    if (asBridgeError(error).code === 'BRG_UNKNOWN_AGENT') return { answer: null };
    throw error;
  });
  // docs/design/requests.md; written by the agent room.
  const { answer } = asked as {
    answer: { status: number; headers: [string, string][]; body: string } | null;
  };
  if (answer === null) return null;
  const { status, headers, body } = answer;
  return { status, headers: Object.fromEntries(headers), body: Buffer.from(body, 'base64') };
}

function addressOf(context: HttpContext, path: string): AgentAddress | null {
  try {
    const { model, id } = agentPath(path, true) ?? { model: '', id: '' };
    return checkAddress(model, id, context.modelNames);
  } catch (error) {
    if (error instanceof BridgeError) return null;
    throw error;
  }
}
