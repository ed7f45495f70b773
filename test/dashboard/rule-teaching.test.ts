import { expect, test } from 'vitest';
import { dryRunWords, ruleOf } from '../../src/dashboard/rule-teaching.ts';

const run = {
  fromMs: 0,
  toMs: 7 * 86_400_000,
  count: 0,
  times: [],
  steps: 9,
  resolutionMs: null,
  withoutHistory: [],
};
const clock = (atMs: number): string => `at ${atMs}`;

test.each([
  [{ ...run, steps: 0 }, 'There is no stored history to try it on.'],
  [run, 'Would not have fired in the last 7 days.'],
  [{ ...run, count: 2, times: [9, 5] }, 'Would have fired 2 times in the last 7 days: at 9, at 5.'],
  [
    { ...run, count: 6, times: [9, 8, 7, 6, 5, 4], resolutionMs: 20_000, withoutHistory: ['mode'] },
    'Would have fired 6 times in the last 7 days: at 9, at 8, at 7, at 6, … History was looked at in steps of 20 s. mode has no history.',
  ],
])('a dry run in words: %#', (dry, words) => {
  expect(dryRunWords(dry, clock)).toBe(words);
});

test('what is sent to be kept is the rule alone', () => {
  const rule = { when: { metric: 'rpm', staleFor: 1000 }, do: { kind: 'alert', text: 'x' } };
  const preview = {
    ...rule,
    description: 'd',
    source: 'device',
    tier: 'model',
    confidence: 1,
    wouldHaveFired: run,
  } as const;
  expect(ruleOf(preview)).toEqual(rule);
});
