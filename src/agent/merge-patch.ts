/** JSON Merge Patch (RFC 7396), and its inverse. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `patch` applied to `target` (RFC 7396 section 2); neither is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const entries = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) entries.delete(name);
    else entries.set(name, mergePatch(entries.get(name), value));
  }
  // fromEntries defines own properties, so a name such as __proto__ is data like any other.
  return Object.fromEntries(entries);
}

/**
 * What is desired and not reported yet: the members of `desired` that differ from `reported`, deep for
 * objects; arrays and values whole. Empty when the device has everything.
 */
export function difference(desired: JsonObject, reported: JsonObject): JsonObject {
  const delta: [string, unknown][] = [];
  for (const [name, value] of Object.entries(desired)) {
    const actual = Object.hasOwn(reported, name) ? reported[name] : undefined;
    if (isJsonObject(value) && isJsonObject(actual)) {
      const inner = difference(value, actual);
      if (Object.keys(inner).length > 0) delta.push([name, inner]);
    } else if (!isEqual(value, actual)) {
      delta.push([name, value]);
    }
  }
  return Object.fromEntries(delta);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
}
