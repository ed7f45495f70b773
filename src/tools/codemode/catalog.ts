/** Finding tools when they are too many to be declared at once: the model searches, then reads what it needs. */
import { limits } from '../../base/limits.ts';
import { declareTools, type DeclaredTool } from './declarations.ts';
import type { ToolBinding } from './tool-host.ts';

/** Whether the tools are so many, or need so many words, that a model gets `search` and `describe` instead of all declarations. */
export function needsCatalog(tools: readonly DeclaredTool[]): boolean {
  return tools.length > limits.declaredToolsMax || declareTools(tools).length > limits.declarationsMax;
}

export interface FoundTool {
  /** `namespace.name` */
  readonly tool: string;
  readonly description: string;
}

/** The tools that fit the words of `query` best, at most `toolSearchResultsMax`; all words count, names most. */
export function searchTools(tools: readonly DeclaredTool[], query: string): FoundTool[] {
  const words = wordsOf(query.slice(0, 1000));
  const scored = tools.map((tool) => ({ tool, score: scoreOf(tool, words) }));
  const found = scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (nameOf(a.tool) < nameOf(b.tool) ? -1 : 1));
  return found.slice(0, limits.toolSearchResultsMax).map(({ tool }) => ({
    tool: nameOf(tool),
    description: tool.description.slice(0, 200).toWellFormed(),
  }));
}

/** Declarations of the tools named `namespace.name`; names that are not there are left out. */
export function describeTools(tools: readonly DeclaredTool[], names: readonly string[]): string {
  const wanted = new Set(names.slice(0, limits.declaredToolsMax));
  return declareTools(tools.filter((tool) => wanted.has(nameOf(tool))));
}

/** `search` and `describe` as tools of namespace `catalog`, so that a program can find tools too. */
export function catalogTools(tools: readonly ToolBinding[]): ToolBinding[] {
  const text = { type: 'string' } as const;
  const make = (
    name: string,
    description: string,
    properties: Record<string, unknown>,
    call: ToolBinding['call'],
  ): ToolBinding => {
    const inputSchema = {
      type: 'object',
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    };
    return { namespace: 'catalog', name, description, inputSchema, call };
  };
  return [
    make('search', 'Tools that fit words: names and descriptions', { query: text }, (args) => ({
      kind: 'value',
      value: searchTools(tools, String((args as { query: string }).query)), // the schema says so
    })),
    make(
      'describe',
      'TypeScript declarations of tools',
      { tools: { type: 'array', items: text } },
      (args) => ({
        kind: 'value',
        value: describeTools(tools, (args as { tools: string[] }).tools), // the schema says so
      }),
    ),
  ];
}

function nameOf({ namespace, name }: DeclaredTool): string {
  return `${namespace}.${name}`;
}

/** camelCase, snake_case and kebab-case are words too. */
function wordsOf(text: string): string[] {
  const parts = text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u);
  return [...new Set(parts.filter((part) => part.length > 1))];
}

function scoreOf(tool: DeclaredTool, words: readonly string[]): number {
  const names = wordsOf(`${tool.namespace} ${tool.name}`);
  const description = wordsOf(tool.description.slice(0, limits.declarationTextMax));
  let score = 0;
  for (const word of words) {
    if (names.includes(word)) score += 8;
    else if (names.some((name) => name.startsWith(word) || word.startsWith(name))) score += 4;
    if (description.includes(word)) score += 2;
    else if (description.some((other) => other.startsWith(word))) score += 1;
  }
  return score;
}
