import { expect, test } from 'vitest';
import { mergeAnswers } from '../../src/actor/merge-answers.ts';

const item = (ts: number, id: string): { ts: number; id: string } => ({ ts, id });

test('pages of the audit log of several shards become one that ends where the first of theirs ends', () => {
  const full = { items: [item(9, 'a'), item(7, 'b')], cursor: 'after b' };
  const last = { items: [item(8, 'c'), item(7, 'c'), item(6, 'd')], cursor: null };
  expect(mergeAnswers('audit', { limit: 10 }, [full, last])).toEqual({
    items: [item(9, 'a'), item(8, 'c'), item(7, 'c'), item(7, 'b')],
    cursor: 'after b',
  });
  expect(mergeAnswers('audit', { limit: 10 }, [last, { items: [], cursor: null }])).toEqual(last);
});
