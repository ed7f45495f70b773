import { describe, expect, it } from 'vitest';
import { RulesModel } from '../../src/inference/rules-model.ts';
import {
  ask,
  HISTORY,
  MINUTES,
  NOW_MS,
  STOP,
  TARGET,
  VENT,
  type Options,
  type Tools,
} from '../support/rules-asking.ts';

describe('the rules model says why', () => {
  it.each<[string, Tools, RegExp]>([
    ['set target to 99', [TARGET], /^Not done: set_target value does not take 99: the most is 35\.$/],
    [
      'set vent to ajar',
      [VENT],
      /^Not done: set_vent position does not take ajar: allowed are open, closed\.$/,
    ],
    [
      'turn off the pump in ten minutes',
      [STOP],
      /^Not done: this is for another time, .* Nothing was started now\.$/,
    ],
    ['stop it if it is hot', [STOP], /^Not done: this depends on a condition/],
    [
      'dance',
      [STOP],
      /^Not understood: "dance" fits no tool in all its words, so nothing was done; tools that act here: stop\.$/,
    ],
    [
      'what is the pressure',
      [HISTORY],
      /^Not understood: there is no "pressure" in the tools and data here; known here: temperature, humidity, target, heating\.$/,
    ],
    [
      'temperature of the last fortnight',
      [MINUTES],
      /^Not understood: "of the last fortnight" is no time the rules know\.$/,
    ],
    ['call nothing', [STOP], /^There is no tool "nothing" here; offered are: stop\.$/],
    ['call set_target value=99', [TARGET], /^value=99 does not fit: the most is 35\.$/],
    ['call set_target', [TARGET], /^set_target needs value as well\.$/],
    ['what can you do?', [TARGET], /call set_target value=\.\.\./],
    ['tell me a story', [], /^Not understood: there is no "story"/],
  ])('of "%s"', async (text, tools, why) => {
    expect(await ask(text, tools, 'You are a pump.')).toMatch(why);
  });
});

describe('the rules model answers from results of tools', () => {
  type Output = Extract<
    Extract<Options['prompt'][number], { role: 'tool' }>['content'][number],
    { type: 'tool-result' }
  >['output'];

  it.each<[string, Output, string]>([
    [
      'what is the temperature',
      { type: 'json', value: { state: { temperature: 21.5, humidity: 40 } } },
      'temperature: 21.5',
    ],
    [
      'average temperature of the last hour',
      {
        type: 'json',
        value: {
          points: [
            { t: 1, mean: 20 },
            { t: 2, mean: 23 },
          ],
        },
      },
      'temperature: mean 21.5 (2 points)',
    ],
    [
      'temperature of the last hour',
      {
        type: 'json',
        value: [
          { min: 19, max: 21, mean: 20 },
          { min: 22, max: 24, mean: 23 },
        ],
      },
      'temperature: from 19 to 24, mean 21.5, last 23 (2 points)',
    ],
    [
      'stop',
      { type: 'json', value: { status: 'sent, not confirmed' } },
      'x answered: status: sent, not confirmed',
    ],
    ['stop', { type: 'error-text', value: 'no device' }, 'x failed: no device'],
    [
      'stop',
      { type: 'execution-denied', reason: 'Ann said no' },
      'Not done: x was not allowed: Ann said no.',
    ],
    ['stop', { type: 'text', value: 'fine' }, 'x answered: fine'],
  ])('of "%s"', async (text, output, expected) => {
    const prompt: Options['prompt'] = [
      { role: 'user', content: [{ type: 'text', text }] },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'x', input: {} }] },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c', toolName: 'x', output }] },
    ];
    expect(await ask(text, [STOP], '', { prompt })).toBe(expected);
  });

  it('says the same twice', async () => {
    expect(await ask('what is the pressure', [HISTORY])).toBe(await ask('what is the pressure', [HISTORY]));
  });

  it('warns that it writes no JSON', async () => {
    const model = new RulesModel({ clock: { now: () => NOW_MS, after: () => () => {} } });
    const { warnings } = await model.doGenerate({ prompt: [], responseFormat: { type: 'json' } });
    expect(warnings).toContainEqual(
      expect.objectContaining({ type: 'unsupported', feature: 'responseFormat' }),
    );
  });
});
