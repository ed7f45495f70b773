import { expect, it } from 'vitest';
import { forgetOldest } from '../../src/base/forget-oldest.ts';

it('forgets the entry that was set first, whatever its key, and nothing of an empty map', () => {
  const map = new Map<string | undefined, number>([
    [undefined, 1],
    ['b', 2],
  ]);
  map.set('c', 3);
  forgetOldest(map);
  expect([...map.keys()]).toEqual(['b', 'c']);
  map.delete('b');
  map.set('b', 4); // it is the youngest now
  forgetOldest(map);
  expect([...map.keys()]).toEqual(['b']);
  forgetOldest(map);
  forgetOldest(map);
  expect(map.size).toBe(0);
});
