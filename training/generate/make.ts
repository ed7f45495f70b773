/** One device and sentences for it: what the trainer and the evaluation take. */
import type { AnswerScope } from '../../src/agent/rules/translator/answer-grammar.ts';
import { deviceWords, promptOf } from '../../src/agent/rules/translator/prompt.ts';
import type { DeviceWords } from '../../src/agent/rules/translator/device-words.ts';
import { answerOfRule } from './answer-of-rule.ts';
import { makeDevice, type MadeDevice } from './devices.ts';
import { Maker, type Split } from './maker.ts';
import { makeNegative } from './negatives.ts';
import type { Random } from './random.ts';
import { makeRule, type MadeSentence } from './sentences.ts';

export interface Example extends MadeSentence {
  /** The sentence as the model reads it. */
  readonly prompt: string;
  readonly scope: AnswerScope;
  /** What it should answer. */
  readonly answer: readonly string[];
}

export interface ExampleGroup {
  readonly device: MadeDevice;
  readonly words: DeviceWords;
  readonly examples: readonly Example[];
}

const NEGATIVES = 0.24;

/** How many sentences were thrown away because the reader found no span for what they mean. */
export const discarded = new Map<string, number>();

export function makeGroup(random: Random, split: Split, count: number): ExampleGroup {
  const device = makeDevice(random, split === 'names');
  const maker = new Maker(random, device, split);
  const words = deviceWords(device);
  const examples: Example[] = [];
  while (examples.length < count) {
    maker.usedHeldOut = false;
    const made = random.chance(NEGATIVES) ? makeNegative(maker) : makeRule(maker);
    if (split === 'templates' && !maker.usedHeldOut) continue;
    const sentence = withNoise(made.sentence, random);
    const prompt = promptOf(sentence, words);
    const answer = answerOfRule(made.rule, prompt);
    if (answer === undefined) {
      discarded.set(sentence, (discarded.get(sentence) ?? 0) + 1);
      continue;
    }
    examples.push({ sentence, rule: made.rule, prompt: prompt.text, scope: prompt, answer });
  }
  return { device, words, examples };
}

/** As people type: without articles and commas, in capitals, with a full stop. */
function withNoise(sentence: string, random: Random): string {
  let text = sentence;
  if (random.chance(0.08))
    text = text.replace(/\b(?:the|a|an) (?!minute|hour|second|day|couple|quarter)/gi, '');
  if (random.chance(0.1)) text = text.replace(/,/g, '');
  if (random.chance(0.25)) text = text.charAt(0).toUpperCase() + text.slice(1);
  if (random.chance(0.02)) text = text.toUpperCase();
  if (random.chance(0.15) && !/[.?!]$/.test(text))
    text += random.pick(['.', '.', '!', ' please', ', thanks']);
  return text;
}
