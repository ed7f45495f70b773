/** One round of a tool call, on a connection that is made, or made again, for it. */
import type { Client, ElicitResult, Tool as SdkTool } from '@modelcontextprotocol/client';
import { isInputRequired } from './input-required.ts';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { Json } from '../../codemode/hostile-json.ts';
import type { McpToolEntry } from './catalogue.ts';
import type { McpConnection } from './connection.ts';
import { asMcpError, isNeverReceived } from './failures.ts';

/** What a person said in the round before (2026-07-28). */
export interface RoundInput {
  readonly requestState: string | null;
  readonly responses: Readonly<Record<string, ElicitResult>>;
}

export interface Round {
  readonly tool: McpToolEntry;
  readonly args: Json;
  readonly round: RoundInput | null;
  readonly signal: AbortSignal;
}

export type RoundAnswer =
  | { readonly kind: 'result'; readonly raw: unknown }
  | {
      readonly kind: 'questions';
      /** Parameters of `elicitation/create` by their key. */
      readonly questions: readonly (readonly [string, unknown])[];
      readonly requestState: string | null;
    };

/** @throws BridgeError BRG_MCP_*, or the signal's reason */
export async function callRound(connection: McpConnection, round: Round): Promise<RoundAnswer> {
  let input = round.round;
  for (let count = 0; count < limits.mcpElicitationRoundsMax; count++) {
    const raw = await send(connection, { ...round, round: input });
    const required = isInputRequired(raw);
    if (required === null) return { kind: 'result', raw };
    const questions = Object.entries(required.inputRequests);
    const { requestState } = required;
    const other = questions.find(([, { method }]) => method !== 'elicitation/create');
    if (other !== undefined) {
      throw new BridgeError(
        'BRG_MCP_ANSWER',
        `${connection.row.name} asks for ${String(other[1].method)}, which is not offered`,
      );
    }
    if (questions.length > 0) {
      return {
        kind: 'questions',
        questions: questions.map(([key, { params }]) => [key, params]),
        requestState,
      };
    }
    input = { requestState, responses: {} }; // it only wants to be asked again
  }
  throw new BridgeError(
    'BRG_MCP_ANSWER',
    `${connection.row.name} does not come to an end with ${round.tool.name}`,
  );
}

/** Once more, on a new connection, when the server cannot have got it the first time. */
async function send(connection: McpConnection, round: Round): Promise<unknown> {
  for (let isFirst = true; ; isFirst = false) {
    const client = await unlessAborted(connection.ready(), round.signal);
    try {
      return await sendOnce(client, round);
    } catch (error) {
      if (round.signal.aborted) connection.abandon();
      round.signal.throwIfAborted();
      // Given up under the call: that says more than that the connection was closed.
      if (connection.failure !== null) throw connection.failure;
      if (!isFirst || !isNeverReceived(error)) throw asMcpError(error, connection.row.name);
      connection.drop();
    }
  }
}

async function sendOnce(client: Client, { tool, args, round, signal }: Round): Promise<unknown> {
  const params = {
    name: tool.name,
    arguments: args as Record<string, Json>, // it fits the schema of an object
    ...(round === null ? {} : { inputResponses: round.responses }),
    ...(round?.requestState == null ? {} : { requestState: round.requestState }),
  };
  return client.callTool(params, {
    signal,
    // The caller's deadline is in the signal; it stands still while a person is asked.
    timeout: limits.mcpElicitationTtlMs,
    allowInputRequired: true,
    // For headers made of arguments; what the server answers is held against the output schema by us.
    toolDefinition: { name: tool.name, inputSchema: tool.inputSchema as SdkTool['inputSchema'] }, // an object's
  });
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error); // an AbortController's, made by us or the caller
  signal.addEventListener('abort', abort, { once: true });
  promise.catch(() => undefined); // who else waits for the connection hears of it
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
