/** Makes a JSON Merge Patch (RFC 7396) of two states. */
import { isJsonObject, type JsonObject } from './merge-patch.ts';

/**
 * The patch that makes `to` of `from`, both JSON values; undefined when no merge patch can: one of them is no
 * object, or a member becomes null (which deletes, RFC 7396 section 1).
 */
export function createMergePatch(from: unknown, to: unknown): JsonObject | undefined {
  if (!isJsonObject(from) || !isJsonObject(to)) return undefined;
  const patch: [string, unknown][] = [];
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch.push([name, null]);
  for (const [name, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (isJsonObject(before) && isJsonObject(value)) {
      const inner = createMergePatch(before, value);
      if (inner === undefined) return undefined;
      if (Object.keys(inner).length > 0) patch.push([name, inner]);
    } else if (!isSame(before, value)) {
      if (holdsNull(value)) return undefined;
      patch.push([name, value]);
    }
  }
  // fromEntries defines own properties, so a name such as __proto__ is data like any other.
  return Object.fromEntries(patch);
}

/** An array goes whole, nulls included; a null anywhere else would be taken for a deletion. */
function holdsNull(value: unknown): boolean {
  return value === null || (isJsonObject(value) && Object.values(value).some(holdsNull));
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, n) => isSame(item, b[n]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
}
