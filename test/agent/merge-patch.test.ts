import fc from 'fast-check';
import { expect, test } from 'vitest';
import { difference, isJsonObject, mergePatch, type JsonObject } from '../../src/agent/merge-patch.ts';

// RFC 7396, appendix A.
const EXAMPLES: [original: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test.each(EXAMPLES)('RFC 7396 appendix A: %j with %j is %j', (original, patch, result) => {
  const before = structuredClone(original);
  expect(mergePatch(original, patch)).toEqual(result);
  expect(original).toEqual(before);
});

/** JSON objects without null, which a merge patch cannot say. */
const value = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(1, 2, true, '', 'x'),
    fc.array(fc.oneof(tie('value'), fc.constant(null)), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'toString'), tie('value'), {
    noNullPrototype: true,
  }),
}));

/** Whether everything of `part` is in `whole`, deep for objects. */
function contains(whole: unknown, part: unknown): boolean {
  if (!isJsonObject(part)) return JSON.stringify(whole) === JSON.stringify(part);
  if (!isJsonObject(whole)) return false;
  return Object.entries(part).every(
    ([name, wanted]) => Object.hasOwn(whole, name) && contains(whole[name], wanted),
  );
}

test('what is reported, patched with the difference, holds everything desired', () => {
  fc.assert(
    fc.property(value.object, value.object, (desired, reported) => {
      const delta = difference(desired, reported);
      const patched = mergePatch(reported, delta);
      expect(contains(patched, desired)).toBe(true);
      expect(isJsonObject(patched) && difference(desired, patched)).toEqual({});
      expect(difference(desired, desired)).toEqual({});
    }),
    { numRuns: 2000 },
  );
});

test('a key such as __proto__ is data like any other', () => {
  const patch = JSON.parse('{"__proto__": {"polluted": true}}') as unknown;
  const merged = mergePatch({}, patch);
  expect(Object.hasOwn(merged as object, '__proto__')).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
