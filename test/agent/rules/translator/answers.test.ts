import { describe, expect, it } from 'vitest';
import greenhouse from '../../../../devices/greenhouse.ts';
import pump from '../../../../devices/pump.ts';
import { END, wordsAfter } from '../../../../src/agent/rules/translator/answer-grammar.ts';
import { ruleOfAnswer } from '../../../../src/agent/rules/translator/answer-rule.ts';
import { deviceWords, promptOf } from '../../../../src/agent/rules/translator/prompt.ts';
import { saysAll } from '../../../../src/agent/rules/translator/whole-sentence.ts';
import { answerOfRule, isSame } from '../../../../training/generate/answer-of-rule.ts';
import { makeGroup } from '../../../../training/generate/make.ts';
import { Random } from '../../../../training/generate/random.ts';
import { goldSentences } from '../../../../training/gold.ts';

const plants = deviceWords(greenhouse);

function ruleOf(sentence: string, answer: string, device = plants): unknown {
  return ruleOfAnswer(answer.split(' '), promptOf(sentence, device));
}

describe('answers of the model', () => {
  it('reads the device first, with a pointer before each name', () => {
    expect(plants.text).toBe(
      ' greenhouse MA temperature # °c MB humidity # % MC battery # % CA vent = VA open VB closed',
    );
  });

  it('puts pointers for spans and behind names into the sentence', () => {
    expect(promptOf('Open the vent if temp is above 30 °C for 5 min, alert too hot', plants).text).toBe(
      ' open VA the vent CA if temp MA is above NA °c for DA , alert QA too hot Q',
    );
  });

  it('means the rule that its pointers say', () => {
    expect(ruleOf('vent open above 34 °C for 10 s, again at 31', 'MA > NA for DA back NB do CA VA')).toEqual({
      when: { metric: 'temperature', op: '>', value: 34 },
      forMs: 10_000,
      hysteresis: 3,
      do: { kind: 'command', name: 'vent', argument: 'open' },
    });
    expect(
      ruleOf('alert "x" when it falls by 3 within 5 min at night', 'MA down >= NA in DA win WA do alert QA'),
    ).toEqual({
      when: { metric: 'temperature', op: '<=', delta: -3, withinMs: 300_000 },
      between: ['22:00', '06:00'],
      do: { kind: 'alert', text: 'x' },
    });
    expect(
      ruleOf('stop above 8 or if it runs on sunday', 'MA > NA | MD on day YA do CB', deviceWords(pump)),
    ).toEqual({
      when: {
        any: [
          { metric: 'vibration', op: '>', value: 8 },
          { metric: 'running', op: '==', value: true },
        ],
      },
      days: ['sun'],
      do: { kind: 'command', name: 'stop' },
    });
  });

  it('means no rule when it says so, and when a number has a unit the metric does not', () => {
    expect(ruleOf('hello', 'no')).toBeUndefined();
    expect(ruleOf('open the vent above 30 bar', 'MA > NA do CA VA')).toBeUndefined();
  });

  it('says all of a sentence, or the sentence is not understood', () => {
    const { spans } = promptOf('open the vent above 30 for 5 min', plants);
    expect(saysAll(['MA', '>', 'NA', 'for', 'DA', 'do', 'CA', 'VA'], spans)).toBe(true);
    expect(saysAll(['MA', '>', 'NA', 'do', 'CA', 'VA'], spans)).toBe(false);
  });

  it('is a way back from 300 generated rules, word by word within the grammar', () => {
    const random = new Random(7);
    for (let made = 0; made < 300;) {
      for (const { rule, answer, scope } of makeGroup(random, 'train', 5).examples) {
        made++;
        for (let at = 0; at <= answer.length; at++) {
          expect(wordsAfter(answer.slice(0, at), scope)).toContain(answer[at] ?? END);
        }
        const back = ruleOfAnswer(answer, scope);
        if (rule === undefined || back === undefined) expect(back).toBe(rule);
        else expect(isSame(back, rule)).toBe(true);
      }
    }
  });

  it('exists for each of the sentences written by hand, at least 300', () => {
    const sentences = goldSentences();
    expect(sentences.length).toBeGreaterThanOrEqual(300);
    for (const { device, sentence, rule } of sentences) {
      expect(answerOfRule(rule, promptOf(sentence, deviceWords(device))), sentence).toBeDefined();
    }
  });

  it('never ends in nothing: whatever is said, there is a next word', () => {
    const random = new Random(11);
    for (let walk = 0; walk < 200; walk++) {
      const { scope } = makeGroup(random, 'train', 1).examples[0] ?? expect.fail('no example');
      const answer: string[] = [];
      for (let word = ''; answer.length < 60; answer.push(word)) {
        const words = wordsAfter(answer, scope);
        expect(words.length, answer.join(' ')).toBeGreaterThan(0);
        word = random.pick(words);
        if (word === END) break;
      }
    }
  });
});
