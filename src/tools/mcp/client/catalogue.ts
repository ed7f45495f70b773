/**
 * What a foreign server offers, as it is kept: checked, cut to size, without what hides text from a person. A tool
 * that cannot be made sound is left out and counted; the others are kept.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../../base/limits.ts';
import { toJson, type Json } from '../../codemode/hostile-json.ts';
import type { JsonSchema } from '../../codemode/schema-check.ts';
import type { ToolHints } from '../../tool.ts';

export interface McpToolEntry {
  /** As the server knows it. */
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: ToolHints;
}

export interface McpPromptEntry {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly {
    readonly name: string;
    readonly description: string;
    readonly required: boolean;
  }[];
}

export interface McpResourceEntry {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType?: string;
}

/** What a server offered at `atMs`; good for `ttlMs`. */
export interface McpCatalogue {
  readonly atMs: number;
  readonly ttlMs: number;
  readonly instructions: string;
  readonly capabilities: Json;
  readonly tools: readonly McpToolEntry[];
  readonly prompts: readonly McpPromptEntry[];
  readonly resources: readonly McpResourceEntry[];
  /** Tools, prompts and resources that were left out. */
  readonly refused: number;
}

/** As the SDK gives them; nothing of it is trusted. */
export interface RawCatalogue {
  readonly instructions: unknown;
  readonly capabilities: unknown;
  readonly tools: readonly unknown[];
  readonly prompts: readonly unknown[];
  readonly resources: readonly unknown[];
  readonly ttlMs: unknown;
}

/** The sound part of `raw`. Never throws. */
export function cleanCatalogue(raw: RawCatalogue, nowMs: number): McpCatalogue {
  const budget = { bytes: limits.mcpCatalogueBytesMax };
  const tools = clean(raw.tools, limits.mcpToolsMax, budget, toolEntry, ({ name }) => name);
  const prompts = clean(raw.prompts, limits.mcpPromptsMax, budget, promptEntry, ({ name }) => name);
  const resources = clean(raw.resources, limits.mcpResourcesMax, budget, resourceEntry, ({ uri }) => uri);
  const offered = raw.tools.length + raw.prompts.length + raw.resources.length;
  const capabilities = toJson(raw.capabilities ?? {}, limits.mcpSchemaBytesMax);
  const ttlMs = typeof raw.ttlMs === 'number' && raw.ttlMs > 0 ? raw.ttlMs : limits.mcpCatalogueTtlMs;
  return {
    atMs: nowMs,
    ttlMs: Math.min(ttlMs, limits.mcpCatalogueTtlMaxMs),
    instructions: cleanText(raw.instructions, limits.mcpDescriptionCharactersMax),
    capabilities: capabilities.ok ? capabilities.value : {},
    ...{ tools, prompts, resources },
    refused: offered - tools.length - prompts.length - resources.length,
  };
}

function clean<T>(
  items: readonly unknown[],
  countMax: number,
  budget: { bytes: number },
  read: (item: Record<string, unknown>) => T | null,
  keyOf: (entry: T) => string,
): T[] {
  const kept = new Map<string, T>();
  for (const item of items) {
    if (kept.size >= countMax) break;
    if (!isRecord(item)) continue;
    const entry = read(item);
    // Of two of one name the first counts: a later one must not take its place.
    if (entry === null || kept.has(keyOf(entry))) continue;
    const bytes = Buffer.byteLength(JSON.stringify(entry));
    if (bytes > budget.bytes) continue;
    budget.bytes -= bytes;
    kept.set(keyOf(entry), entry);
  }
  return [...kept.values()];
}

/** SEP-986: names of tools; a slash or a dot is common, white space and control characters are not. */
const NAME = /^[A-Za-z0-9_./:-]+$/;

function toolEntry(item: Record<string, unknown>): McpToolEntry | null {
  const name = nameOf(item['name'], NAME);
  const inputSchema = objectSchema(item['inputSchema']);
  if (name === null || inputSchema === null) return null;
  const given = item['outputSchema'];
  const outputSchema = given === undefined ? undefined : schema(given);
  // One that cannot be read cannot be held against the answers.
  if (outputSchema === null) return null;
  const title = cleanText(item['title'], limits.mcpNameCharactersMax);
  return {
    name,
    ...(title === '' ? {} : { title }),
    description: cleanText(item['description'], limits.mcpDescriptionCharactersMax),
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations: hints(item['annotations']),
  };
}

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;

function hints(value: unknown): ToolHints {
  if (!isRecord(value)) return {};
  const entries = HINTS.flatMap((name) =>
    typeof value[name] === 'boolean' ? [[name, value[name]] as const] : [],
  );
  return Object.fromEntries(entries);
}

function promptEntry(item: Record<string, unknown>): McpPromptEntry | null {
  const name = nameOf(item['name'], /^[^\p{C}]+$/u);
  if (name === null) return null;
  const given: readonly unknown[] = Array.isArray(item['arguments']) ? item['arguments'] : [];
  const parameters = given.slice(0, 32).filter(isRecord);
  return {
    name,
    description: cleanText(item['description'], limits.mcpDescriptionCharactersMax),
    arguments: parameters.map((one) => ({
      name: cleanText(one['name'], limits.mcpNameCharactersMax),
      description: cleanText(one['description'], limits.mcpDescriptionCharactersMax),
      required: one['required'] === true,
    })),
  };
}

function resourceEntry(item: Record<string, unknown>): McpResourceEntry | null {
  const uri = item['uri'];
  if (typeof uri !== 'string' || uri.length > 2048 || !URL.canParse(uri) || /\p{C}/u.test(uri)) return null;
  const mimeType = cleanText(item['mimeType'], limits.mcpNameCharactersMax);
  return {
    uri,
    name: cleanText(item['name'], limits.mcpNameCharactersMax),
    description: cleanText(item['description'], limits.mcpDescriptionCharactersMax),
    ...(mimeType === '' ? {} : { mimeType }),
  };
}

function nameOf(value: unknown, allowed: RegExp): string | null {
  if (typeof value !== 'string' || value.length > limits.mcpNameCharactersMax) return null;
  return allowed.test(value) && !['__proto__', 'constructor', 'prototype'].includes(value) ? value : null;
}

/** A schema of arguments: an object's. */
function objectSchema(value: unknown): JsonSchema | null {
  const read = schema(value);
  return typeof read === 'object' && read !== null && read['type'] === 'object' ? read : null;
}

/** Null: too large, too deep, or none. */
function schema(value: unknown): JsonSchema | null {
  if (typeof value !== 'boolean' && !isRecord(value)) return null;
  const read = toJson(value, limits.mcpSchemaBytesMax);
  if (!read.ok || depthOf(read.value, limits.mcpSchemaDepthMax) === null) return null;
  return read.value as JsonSchema; // an object or a boolean, checked above
}

/** Levels of `value`, at most `max`; null: more. */
function depthOf(value: Json, max: number): number | null {
  if (typeof value !== 'object' || value === null) return 0;
  if (max === 0) return null;
  let deepest = 0;
  for (const item of Object.values(value) as Json[]) {
    const depth = depthOf(item, max - 1);
    if (depth === null) return null;
    deepest = Math.max(deepest, depth);
  }
  return deepest + 1;
}

/**
 * Text of a server for a person and a model: without control characters, those that turn the reading direction, and
 * those nobody sees (tags, zero width): what a model reads is what a person would.
 */
export function cleanText(value: unknown, charactersMax: number): string {
  if (typeof value !== 'string') return '';
  const seen = value
    .slice(0, charactersMax * 2)
    .toWellFormed()
    .replace(/[^\P{C}\n\t]|[\u2028\u2029\ufeff]|[\u{e0000}-\u{e0fff}]/gu, '');
  return seen.length <= charactersMax ? seen : `${seen.slice(0, charactersMax - 1).toWellFormed()}…`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Keys of a server's tools, in their order: `tool_{serverId}_{name}` as the Agents SDK forms them, in the characters
 * and the length model endpoints take. A name that had to be changed ends in a hash, so that no two meet.
 */
export function toolKey(serverId: string, name: string): string {
  const key = `tool_${serverId.replaceAll('-', '')}_${name}`;
  const plain = key.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  if (plain === key && key.length <= limits.mcpToolKeyCharactersMax) return key;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return `${plain.slice(0, limits.mcpToolKeyCharactersMax - 9)}_${hash}`;
}
