/** What tools answered, in plain sentences; nothing that they did not say. */
import type { LanguageModelV4Prompt, LanguageModelV4ToolResultPart } from '../language-model.ts';
import type { Intent } from './sentence.ts';
import { findName } from './words.ts';

const LINES_MAX = 20;
const TEXT_CHARACTERS_MAX = 2_000;

/** The results of the calls that `prompt` ends with; none when it ends with what a user said. */
export function lastResults(prompt: LanguageModelV4Prompt): LanguageModelV4ToolResultPart[] {
  const results: LanguageModelV4ToolResultPart[] = [];
  for (const message of prompt.toReversed()) {
    if (message.role !== 'tool') break;
    results.unshift(...message.content.filter((part) => part.type === 'tool-result'));
  }
  return results;
}

/** One paragraph a result; `intent` picks what was asked for. */
export function describeResults(results: readonly LanguageModelV4ToolResultPart[], intent: Intent): string {
  return results.map(({ toolName, output }) => describe(toolName, output, intent)).join('\n');
}

function describe(tool: string, output: LanguageModelV4ToolResultPart['output'], intent: Intent): string {
  switch (output.type) {
    case 'text':
      return `${tool} answered: ${cut(output.value)}`;
    case 'json':
      return describeJson(tool, output.value, intent);
    case 'execution-denied':
      return `Not done: ${tool} was not allowed${output.reason === undefined ? '' : `: ${cut(output.reason)}`}.`;
    case 'error-text':
      return `${tool} failed: ${cut(output.value)}`;
    case 'error-json':
      return `${tool} failed: ${cut(JSON.stringify(output.value))}`;
    case 'content':
      return `${tool} answered: ${cut(output.value.map((part) => (part.type === 'text' ? part.text : `(${part.type})`)).join(' '))}`;
  }
}

function describeJson(tool: string, value: unknown, intent: Intent): string {
  if (value === null || typeof value !== 'object') return `${tool} answered: ${cut(String(value))}`;
  const points = intent.kind === 'read' ? pointsIn(value) : undefined;
  if (points !== undefined && intent.kind === 'read') return summary(intent, points);
  const lines = flatten(value);
  const asked = intent.kind === 'read' ? pick(lines, intent.words) : undefined;
  if (asked !== undefined) return `${asked[0]}: ${asked[1]}`;
  const shown = lines.slice(0, LINES_MAX).map(([name, text]) => `${name}: ${text}`);
  const more = lines.length > LINES_MAX ? [`(and ${lines.length - LINES_MAX} more)`] : [];
  return `${tool} answered: ${cut([...shown, ...more].join(', ') || 'nothing')}`;
}

/** Texts by path. */
function flatten(value: object, path = '', depth = 0): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const name = path === '' ? key : `${path}.${key}`;
    const isDeep = typeof inner === 'object' && inner !== null && depth < 4;
    return isDeep ? flatten(inner as object, name, depth + 1) : [[name, cut(text(inner))]]; // checked just before
  });
}

function text(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function pick(lines: readonly [string, string][], words: readonly string[]): [string, string] | undefined {
  const found = findName(
    words,
    lines.map(([name]) => name.split('.').at(-1) ?? name),
  );
  const line = lines.find(([name]) => found !== undefined && name.split('.').at(-1) === found.name);
  return line === undefined || found === undefined ? undefined : [found.name, line[1]];
}

interface Point {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** The first list of numbers, or of objects with `mean` (and `min`, `max`) or `value`, within a result. */
function pointsIn(value: unknown, depth = 0): Point[] | undefined {
  if (Array.isArray(value)) {
    const points = value.map(pointOf).filter((point) => point !== undefined);
    return points.length > 0 && points.length === value.length ? points : undefined;
  }
  if (typeof value !== 'object' || value === null || depth > 3) return undefined;
  for (const inner of Object.values(value)) {
    const points = pointsIn(inner, depth + 1);
    if (points !== undefined) return points;
  }
  return undefined;
}

function pointOf(item: unknown): Point | undefined {
  if (typeof item === 'number') return { min: item, max: item, mean: item };
  if (typeof item !== 'object' || item === null) return undefined;
  const { min, max, mean, value } = item as Record<string, unknown>; // any object may be asked for any name
  const middle = typeof mean === 'number' ? mean : value;
  if (typeof middle !== 'number') return undefined;
  return {
    min: typeof min === 'number' ? min : middle,
    max: typeof max === 'number' ? max : middle,
    mean: middle,
  };
}

function summary({ words, statistic }: Intent & { kind: 'read' }, points: readonly Point[]): string {
  const min = Math.min(...points.map((point) => point.min));
  const max = Math.max(...points.map((point) => point.max));
  const mean = points.reduce((sum, point) => sum + point.mean, 0) / points.length;
  const last = points.at(-1)?.mean ?? mean;
  const name = words.join(' ');
  if (statistic !== undefined)
    return `${name}: ${statistic} ${rounded({ min, max, mean, last }[statistic])} (${points.length} points)`;
  return `${name}: from ${rounded(min)} to ${rounded(max)}, mean ${rounded(mean)}, last ${rounded(last)} (${points.length} points)`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function cut(long: string): string {
  return long.length > TEXT_CHARACTERS_MAX ? `${long.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()}...` : long;
}
