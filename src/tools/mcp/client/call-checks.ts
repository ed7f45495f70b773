/** What goes to a foreign server, checked before it leaves: arguments by the tool's schema, a person's answer by its form. */
import type { ElicitResult } from '@modelcontextprotocol/client';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { toJson, type Json } from '../../codemode/hostile-json.ts';
import { checkAgainstSchema } from '../../codemode/schema-check.ts';
import { cleanText, type McpToolEntry } from './catalogue.ts';
import type { McpElicitation, McpElicitationAnswer } from './server-row.ts';

/** `input` as JSON that fits the tool's own schema. @throws BridgeError BRG_MCP_ARGUMENTS */
export function checkArguments(tool: McpToolEntry, input: unknown): Json {
  const args = toJson(input ?? {}, limits.mcpResultBytesMax);
  const problems = args.ok
    ? checkAgainstSchema(args.value, tool.inputSchema)
    : [`the arguments: ${args.why}`];
  if (args.ok && problems.length === 0) return args.value;
  const what = cleanText(`${tool.name}: ${problems.join('; ')}`, limits.mcpErrorCharactersMax);
  throw new BridgeError('BRG_MCP_ARGUMENTS', what);
}

/** Whether a person's answer fits what was asked. @throws BridgeError BRG_MCP_ARGUMENTS */
export function checkAnswer({ ask }: McpElicitation, { action, content }: McpElicitationAnswer): void {
  if (!['accept', 'decline', 'cancel'].includes(action)) {
    throw new BridgeError('BRG_MCP_ARGUMENTS', 'action must be accept, decline or cancel');
  }
  if (action !== 'accept' || ask.mode === 'url') return;
  const read = toJson(content ?? null, limits.mcpElicitationBytesMax);
  const schema = ask.requestedSchema as Parameters<typeof checkAgainstSchema>[1]; // JSON; what is no schema checks nothing
  const problems = read.ok ? checkAgainstSchema(read.value, schema) : [read.why];
  if (problems.length > 0) throw new BridgeError('BRG_MCP_ARGUMENTS', `the form: ${problems.join('; ')}`);
}

/** The answer as the protocol has it. */
export function asResult({ action, content }: McpElicitationAnswer): ElicitResult {
  if (action !== 'accept' || content === undefined) return { action };
  return { action, content: content as ElicitResult['content'] }; // primitives and lists of text, see the type
}
