import { expect, test } from 'vitest';
import { mergePatch } from '../../src/agent/merge-patch.ts';
import { createMergePatch } from '../../src/agent/state-patch.ts';

test('a merge patch of two states makes the second of the first, for every pair', () => {
  const values: unknown[] = [
    0,
    '',
    false,
    'a',
    [],
    [null],
    [1, { a: null }],
    {},
    { a: 1 },
    { a: { b: [1] } },
  ];
  const objects = values
    .flatMap((a) => values.map((b) => ({ a, b })))
    .concat(values.map((c) => ({ c })) as never);
  let made = 0;
  for (const from of objects) {
    for (const to of objects) {
      const patch = createMergePatch(from, to);
      expect(mergePatch(from, patch)).toEqual(to);
      made++;
    }
  }
  expect(made).toBe(objects.length ** 2);
  expect(createMergePatch({ a: null }, { a: null })).toEqual({});
  expect(createMergePatch({ a: null }, {})).toEqual({ a: null });
  expect(createMergePatch({ a: 1 }, { a: null })).toBeUndefined();
  expect(createMergePatch({ a: 1 }, { a: { b: { c: null } } })).toBeUndefined();
  expect(createMergePatch([1], [1])).toBeUndefined();
  const own = JSON.parse('{"__proto__":{"x":1}}') as unknown;
  expect(mergePatch({}, createMergePatch({}, own))).toEqual(own);
});
