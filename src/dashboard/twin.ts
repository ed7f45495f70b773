/** The twin as the page shows it: merge patches (RFC 7396), and reported, desired and delta side by side. */

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Empty for what is no text. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `target` after `patch`: null removes a member, arrays are replaced whole (RFC 7396 section 2). */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    // defineProperty, not assignment: a member may be called __proto__.
    else define(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

export type ParsedPatch =
  | { readonly kind: 'patch'; readonly patch: JsonObject }
  | { readonly kind: 'invalid'; readonly message: string };

/** The text of the patch form, checked: a non-empty JSON object. */
export function parsePatch(text: string): ParsedPatch {
  if (text.trim() === '')
    return { kind: 'invalid', message: 'Write a JSON object, for example {"target": 21}.' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      kind: 'invalid',
      message: `This is not JSON: ${error instanceof Error ? error.message : 'syntax error'}.`,
    };
  }
  if (!isObject(value))
    return { kind: 'invalid', message: 'A patch is a JSON object with the members to change.' };
  if (Object.keys(value).length === 0)
    return { kind: 'invalid', message: 'An empty object changes nothing.' };
  return { kind: 'patch', patch: value };
}

export interface TwinRow {
  readonly path: string;
  readonly reported: unknown;
  readonly desired: unknown;
  readonly delta: unknown;
}

/** One row for each leaf of the three documents, sorted by path; undefined = not there. Objects are walked, arrays are leaves. */
export function twinRows(reported: unknown, desired: unknown, delta: unknown): TwinRow[] {
  const columns = [reported, desired, delta].map((document) => leaves(document));
  const paths = new Set(columns.flatMap((column) => [...column.keys()]));
  return [...paths].sort().map((path) => ({
    path,
    reported: columns[0]?.get(path),
    desired: columns[1]?.get(path),
    delta: columns[2]?.get(path),
  }));
}

function leaves(document: unknown, prefix = '', into = new Map<string, unknown>()): Map<string, unknown> {
  if (!isObject(document)) {
    if (prefix !== '' && document !== undefined) into.set(prefix, document);
    return into;
  }
  const entries = Object.entries(document);
  if (entries.length === 0 && prefix !== '') into.set(prefix, {});
  for (const [key, value] of entries) leaves(value, prefix === '' ? key : `${prefix}.${key}`, into);
  return into;
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
