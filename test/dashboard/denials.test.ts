import { expect, it } from 'vitest';
import type { Denial, Me } from '../../src/dashboard/api-types.ts';
import { inShownOrder, maySeeDenials } from '../../src/dashboard/denials.ts';

function denial(topic: string, count = 1): Denial {
  const at = { ts: count, firstMs: 0, name: 'pump/p1', client: 'c', source: '127.0.0.1' };
  return { ...at, action: 'publish', topic, count, rule: 'none', allow: null };
}

it('keeps what is shown where it is, puts what is new first and drops what the bridge forgot', () => {
  const shown = [denial('b'), denial('a'), denial('gone')];
  const read = [denial('a', 2), denial('new'), denial('b')];
  expect(inShownOrder(shown, read)).toEqual([denial('new'), denial('b'), denial('a', 2)]);
  expect(inShownOrder([], read)).toEqual(read);
});

it('offers denials to whoever may read all, and to nobody whose token is bound to agents', () => {
  const me: Me = { name: 'anna', via: 'user', scopes: ['read'], agents: null, expiresAtMs: null };
  expect(maySeeDenials(me)).toBe(true);
  expect(maySeeDenials({ ...me, agents: ['pump/*'] })).toBe(false);
  expect(maySeeDenials({ ...me, scopes: ['act'] })).toBe(false);
  expect(maySeeDenials(null)).toBe(false);
});
