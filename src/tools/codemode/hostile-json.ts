/**
 * JSON from a sandbox or from a tool, read with a limit to everything before anything walks over it; and one
 * canonical form of it, so that equal arguments have equal hashes.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../base/limits.ts';

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What was read, or why it was not. */
export type ParsedJson =
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string };

/** Names through which an object handed on can change its prototype. */
const POISONED = new Set(['__proto__', 'constructor', 'prototype']);

/** `text` as JSON: at most `bytesMax` long and `programJsonDepthMax` deep, without poisoned keys. Never throws. */
export function parseHostileJson(text: string, bytesMax: number): ParsedJson {
  if (text.length > bytesMax || Buffer.byteLength(text) > bytesMax)
    return { ok: false, why: `more than ${bytesMax} bytes` };
  const why = shapeProblem(text);
  if (why !== undefined) return { ok: false, why };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: 'not JSON' };
  }
  return { ok: true, value: withoutPoison(value) };
}

/** What crosses the border as `value`: plain JSON, `undefined` as null. Says why when it cannot. Never throws. */
export function toJson(value: unknown, bytesMax: number): ParsedJson {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : 'not JSON' };
  }
  return parseHostileJson(text ?? 'null', bytesMax);
}

/** Brackets open at once, and values, counted on the text: the parser never meets what is too deep. */
function shapeProblem(text: string): string | undefined {
  let depth = 0;
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === 0x22) i = endOfString(text, i);
    else if (character === 0x7b || character === 0x5b) {
      if (++depth > limits.programJsonDepthMax) return `nested deeper than ${limits.programJsonDepthMax}`;
    } else if (character === 0x7d || character === 0x5d) depth--;
    else if (character === 0x2c && ++values > limits.programJsonValuesMax) {
      return `more than ${limits.programJsonValuesMax} values`;
    }
  }
  return undefined;
}

/** Index of the quote that ends the string begun at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === 0x5c) first--;
  return (quote - first) % 2 === 1;
}

function withoutPoison(value: unknown): Json {
  if (Array.isArray(value)) return value.map(withoutPoison);
  if (typeof value !== 'object' || value === null) return value as Json; // JSON.parse gave it
  const clean: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) if (!POISONED.has(key)) clean[key] = withoutPoison(item);
  return clean;
}

/** `value` with the keys of every object in order (RFC 8785 but for the form of numbers, which is JavaScript's too). */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** SHA-256 as 64 hex digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
