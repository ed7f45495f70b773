/** What a foreign tool answered, cut to size and checked against what its server promised. */
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { toJson, type Json } from '../../codemode/hostile-json.ts';
import { checkAgainstSchema } from '../../codemode/schema-check.ts';
import { cleanText, type McpToolEntry } from './catalogue.ts';

export interface McpToolResult {
  /** The text parts, joined by line breaks. */
  readonly text: string;
  /** `structuredContent`, which fits the tool's output schema if it has one; undefined: there was none. */
  readonly structured: Json | undefined;
  /** All parts, as the protocol has them: text, image, audio, resource, resource_link. */
  readonly content: readonly Json[];
}

/**
 * The result of a call of `tool`.
 * @throws BridgeError BRG_MCP_TOOL when the tool answered with an error; BRG_MCP_ANSWER when the answer is too large,
 * too deep, or not what its schema promises
 */
export function readToolResult(tool: McpToolEntry, raw: unknown): McpToolResult {
  const read = toJson(raw, limits.mcpResultBytesMax);
  if (!read.ok) throw new BridgeError('BRG_MCP_ANSWER', `the answer of ${tool.name} has ${read.why}`);
  const value = read.value as { readonly [key: string]: Json }; // the SDK has checked that it is a result
  const content = Array.isArray(value['content']) ? (value['content'] as readonly Json[]) : []; // JSON
  const text = content
    .map(textOf)
    .filter((part) => part !== '')
    .join('\n');
  if (value['isError'] === true) {
    const first = content.map(textOf).find((part) => part !== '') ?? 'it says no more';
    throw new BridgeError('BRG_MCP_TOOL', cleanText(first, limits.mcpErrorCharactersMax));
  }
  const structured = value['structuredContent'];
  if (tool.outputSchema !== undefined) checkPromise(tool, structured);
  return { text, structured, content };
}

function checkPromise(tool: McpToolEntry, structured: Json | undefined): void {
  const problems =
    structured === undefined
      ? ['there is no structured content']
      : checkAgainstSchema(structured, tool.outputSchema ?? true);
  if (problems.length === 0) return;
  const what = problems.slice(0, 3).join('; ').replaceAll('the arguments: ', '');
  throw new BridgeError(
    'BRG_MCP_ANSWER',
    cleanText(`${tool.name} did not answer as its schema says: ${what}`, limits.mcpErrorCharactersMax),
  );
}

/** The text in a part of the content; '' when it has none. */
function textOf(part: Json): string {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return '';
  const { type, text, resource } = part as { readonly [key: string]: Json };
  if (type === 'text' && typeof text === 'string') return text;
  if (type !== 'resource' || typeof resource !== 'object' || resource === null) return '';
  const inner = (resource as { readonly [key: string]: Json })['text'];
  return typeof inner === 'string' ? inner : '';
}
