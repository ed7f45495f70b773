import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, expand, isFilter } from '../../src/identity/filters.ts';

/** What a filter matches, by the words of MQTT 3.1.1 section 4.7, level by level. */
function matches(filter: string, topic: string): boolean {
  const [pattern, levels] = [filter.split('/'), topic.split('/')];
  if (levels[0]?.startsWith('$') === true && ['#', '+'].includes(pattern[0] ?? '')) return false;
  for (const [at, one] of pattern.entries()) {
    if (one === '#') return true; // also the parent level
    if (at >= levels.length || (one !== '+' && one !== levels[at])) return false;
    if (at === levels.length - 1 && pattern.length === at + 2 && pattern[at + 1] === '#') return true;
  }
  return pattern.length === levels.length;
}

/** `z` is a level no filter names: what matches it by a wildcard matches any other level. */
const LEVELS = ['a', 'b', '', 'z', '$s'];
const topics = LEVELS.flatMap((a) => [
  a,
  ...LEVELS.flatMap((b) => [
    `${a}/${b}`,
    ...LEVELS.flatMap((c) => [`${a}/${b}/${c}`, ...LEVELS.map((d) => `${a}/${b}/${c}/${d}`)]),
  ]),
]).filter((topic) => topic !== '');

const level = fc.constantFrom('a', 'b', '', '+', '$s');
const filter = fc
  .tuple(fc.array(level, { minLength: 0, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter((text) => text !== '');

describe('a filter within another', () => {
  test('is one whose topics are all matched by the other', () => {
    fc.assert(
      fc.property(filter, filter, (outer, inner) => {
        const isWithin = topics.every((topic) => !matches(inner, topic) || matches(outer, topic));
        const isContained = contains(outer, inner);
        if (isContained) expect(isWithin, `${outer} contains ${inner}`).toBe(true);
        // "/#" and "/+/#" match the same topics, because no topic is empty: there a no is right enough.
        else if (!inner.endsWith('#')) expect(isWithin, `${outer} contains ${inner}`).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  test('a topic is within a filter that matches it', () => {
    fc.assert(
      fc.property(filter, fc.constantFrom(...topics), (outer, topic) => {
        expect(contains(outer, topic), `${outer} matches ${topic}`).toBe(matches(outer, topic));
      }),
      { numRuns: 3000 },
    );
  });
});

test('placeholders become what they stand for; a rule that says nothing about somebody is none', () => {
  const device = { model: 'pump', id: 'p1', user: 'pump/p1' };
  expect(expand('devices/{model}/{id}/#', device)).toBe('devices/pump/p1/#');
  expect(expand('chat/{user}', device)).toBe('chat/pump/p1');
  expect(expand('devices/{model}/x', { model: '', id: '', user: 'anna' })).toBeNull();
  expect(expand('a/{user}', { model: '', id: '', user: '+' })).toBeNull();
  expect(expand('a/{other}', device)).toBe('a/{other}');
});

test('a filter has wildcards as whole levels only', () => {
  expect(['#', '+', 'a/+/b', 'a/#', '{model}/+', '/'].map(isFilter)).not.toContain(false);
  expect(['', 'a#', 'a/#/b', '+a', 'a\0'].map(isFilter)).not.toContain(true);
});
