import { describe, expect, it } from 'vitest';
import { definitions } from '../../../devices/index.ts';
import {
  dryRun,
  exampleSentences,
  understand,
  understandExactly,
  type RuleTranslator,
} from '../../../src/agent/rules/index.ts';
import { limits } from '../../../src/base/limits.ts';
import { definition, rule, START_MS } from './harness.ts';

const vocabulary = { definition, names: ['rules-test', 'r1'] };
const json = { when: { metric: 'temperature', op: '>', value: 30 }, do: { kind: 'alert', text: 'hot' } };
const saying = (made: unknown, confidence: number): RuleTranslator => ({
  translate: (sentence) =>
    Promise.resolve(sentence === 'it swelters' ? { json: made, confidence } : undefined),
});

describe('understand', () => {
  it('takes what the grammar understands without asking the translator', async () => {
    const broken: RuleTranslator = { translate: () => Promise.reject(new TypeError('asked')) };
    const sentence = 'when temperature is above 30, alert hot';
    expect(await understand(sentence, vocabulary, broken)).toMatchObject({
      kind: 'rule',
      rule: json,
      tier: 'grammar',
      confidence: 1,
    });
    const failures: unknown[] = [];
    expect(
      await understand('it swelters', vocabulary, broken, (error) => failures.push(error)),
    ).toMatchObject({ kind: 'not-understood' });
    expect(failures).toEqual([new TypeError('asked')]);
  });

  it.each([
    ['a rule', json, 0.97, { kind: 'rule', rule: json, tier: 'model', confidence: 0.97 }],
    ['a rule it is not sure of', json, 0.5, { kind: 'not-understood' }],
    ['no number', json, Number.NaN, { kind: 'not-understood' }],
    [
      'what is no rule of the device',
      { ...json, when: { metric: 'rpm', op: '>', value: 1 } },
      1,
      { kind: 'not-understood' },
    ],
    ['nonsense', 'sell', 1, { kind: 'not-understood' }],
  ])('of a translator that makes %s', async (_, made, confidence, expected) => {
    expect(await understand('it swelters', vocabulary, saying(made, confidence))).toMatchObject(expected);
    expect(await understand('something else', vocabulary, saying(made, confidence))).toMatchObject({
      kind: 'not-understood',
    });
  });

  it.each(definitions.map((one) => [one.model, one] as const))(
    'gives examples for a %s that it understands',
    (_, one) => {
      const examples = exampleSentences(one);
      expect(examples.length).toBeGreaterThan(2);
      for (const example of examples)
        expect(understandExactly(example, { definition: one, names: [] }), example).toMatchObject({
          kind: 'rule',
        });
    },
  );
});

describe('dryRun', () => {
  const DAY_MS = 86_400_000;
  type Query = Parameters<Parameters<typeof dryRun>[2]>[0];
  /** A history with one point for each step that the query asks for and in which `of` has one. */
  const history =
    (of: (ts: number) => { min: number; max: number; count: number } | undefined) =>
    ({
      fromMs,
      toMs,
      points,
    }: Query): { points: { ts: number; min: number; max: number; mean: number; count: number }[] }[] => {
      expect(points).toBeLessThanOrEqual(limits.historyPointsMax);
      const widthMs = (toMs - fromMs + 1) / points;
      const found = Array.from({ length: points }, (_, at) => Math.floor(fromMs + at * widthMs)).flatMap(
        (ts) => {
          const one = of(ts);
          return one === undefined ? [] : [{ ts, ...one, mean: (one.min + one.max) / 2 }];
        },
      );
      return [{ points: found }];
    };
  const now = START_MS;

  it('sees a peak within a step, and says how long its steps were', () => {
    const peak = now - 2 * DAY_MS;
    const read = history((ts) => ({ min: 20, max: Math.abs(ts - peak) < 10_000 ? 36 : 21, count: 20 }));
    const found = dryRun(
      rule({ when: { metric: 'temperature', op: '>', value: 35 } }),
      definition,
      read,
      now,
    );
    expect(found).toMatchObject({ count: 1, resolutionMs: limits.ruleDryRunStepMs, withoutHistory: [] });
    expect(Math.abs((found.times[0] ?? 0) - peak)).toBeLessThan(limits.ruleDryRunStepMs * 2);
    expect(found.steps).toBeLessThanOrEqual(limits.ruleDryRunMs / limits.ruleDryRunStepMs + 2);
  });

  it('tells the newest times of many, and counts all', () => {
    const isHot = (ts: number): boolean => Math.floor(ts / 3_600_000) % 2 === 0;
    const read = history((ts) => ({ min: isHot(ts) ? 36 : 20, max: isHot(ts) ? 36 : 20, count: 1 }));
    const found = dryRun(
      rule({ when: { metric: 'temperature', op: '>', value: 35 } }),
      definition,
      read,
      now,
    );
    expect(found.count).toBeGreaterThan(80);
    expect(found.times).toHaveLength(limits.ruleDryRunTimesMax);
    expect(found.times).toEqual([...found.times].sort((one, other) => other - one));
    expect(found.resolutionMs).toBeNull();
  });

  it('fires at the times of day of the rule, without a sample then', () => {
    const read = history((ts) => (ts < now - 6 * DAY_MS ? { min: 36, max: 36, count: 1 } : undefined));
    const night = { between: ['22:00', '06:00'], zone: 'UTC' };
    const one = rule({ when: { metric: 'temperature', op: '>', value: 35 }, ...night });
    const found = dryRun(one, definition, read, now);
    expect(found.count).toBe(7);
    expect(new Set(found.times.slice(0, 6).map((ts) => new Date(ts).toISOString().slice(11)))).toEqual(
      new Set(['22:00:00.000Z']),
    );
  });

  it('names the metrics that have no history', () => {
    const one = rule({ when: { metric: 'mode', op: '==', value: 'auto' } });
    expect(dryRun(one, definition, () => [], now)).toMatchObject({
      count: 0,
      steps: 0,
      withoutHistory: ['mode'],
    });
  });
});
