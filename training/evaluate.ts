/**
 * How well sentences are understood: `node training/evaluate.ts <model.gguf> [--show]`. Three sets that training never
 * saw: made-up names, held-out templates, and the sentences written by hand; for each the grammar alone, the model
 * alone, and one after the other as the bridge asks them.
 */
import { deviceWords, promptOf } from '../src/agent/rules/translator/prompt.ts';
import { ruleOfAnswer, type RuleJson } from '../src/agent/rules/translator/answer-rule.ts';
import { saysAll } from '../src/agent/rules/translator/whole-sentence.ts';
import { BridgeError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import type { DeviceDefinition } from '../src/device/index.ts';
import { parseRule, understandExactly } from '../src/agent/rules/index.ts';
import { openEngine } from '../src/inference/embedded/open-engine.ts';
import { Answerer } from './answerer.ts';
import { goldSentences } from './gold.ts';
import { isSame } from './generate/answer-of-rule.ts';
import { EVALUATION_SEEDS, EVALUATION_SENTENCES, SENTENCES_PER_DEVICE } from './generate/main.ts';
import { makeGroup } from './generate/make.ts';
import { Random } from './generate/random.ts';

interface Case {
  readonly definition: DeviceDefinition;
  readonly sentence: string;
  readonly rule: RuleJson | undefined;
}

/** What one tier makes of a sentence; no rule: not understood. */
interface Outcome {
  readonly rule: RuleJson | undefined;
  readonly confidence: number;
}

interface Score {
  readonly exact: number;
  /** A rule was proposed, and it is not the one that was meant. */
  readonly wrong: number;
}

function generated(split: 'names' | 'templates'): readonly Case[] {
  const random = new Random(EVALUATION_SEEDS[split]);
  const cases: Case[] = [];
  while (cases.length < EVALUATION_SENTENCES) {
    const { device, examples } = makeGroup(random, split, SENTENCES_PER_DEVICE);
    const definition = {
      ...device,
      description: '',
      rules: [],
      policy: {},
      sample: {},
    } as unknown as DeviceDefinition; // what rules ask of it is there
    cases.push(...examples.map(({ sentence, rule }) => ({ definition, sentence, rule })));
  }
  return cases;
}

function written(): readonly Case[] {
  return goldSentences().map(({ device, sentence, rule }) => ({ definition: device, sentence, rule }));
}

function byModel(answerer: Answerer, { definition, sentence }: Case): Outcome {
  const prompt = promptOf(sentence, deviceWords(definition));
  const answer = answerer.answer(prompt);
  if (answer === undefined || answer.words[0] === 'no') return { rule: undefined, confidence: 1 };
  const rule = saysAll(answer.words, prompt.spans) ? ruleOfAnswer(answer.words, prompt) : undefined;
  return {
    rule: rule !== undefined && isTaken(rule, definition) ? rule : undefined,
    confidence: Math.exp(answer.leastLogProbability),
  };
}

function byGrammar({ definition, sentence }: Case): Outcome {
  try {
    const found = understandExactly(sentence, { definition, names: [definition.model] });
    if (found.kind !== 'rule') return { rule: undefined, confidence: 1 };
    const { when, forMs, hysteresis, between, days, do: action } = found.rule;
    const parts = { forMs, hysteresis, between, days };
    const said = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
    return { rule: { when, ...said, do: action } as RuleJson, confidence: 1 }; // a checked rule has the fields of one
  } catch (error) {
    if (error instanceof BridgeError) return { rule: undefined, confidence: 1 };
    throw error;
  }
}

/** Whether the device takes such a rule. */
function isTaken(rule: RuleJson, definition: DeviceDefinition): boolean {
  try {
    parseRule(
      { ...rule, do: rule.do.kind === 'command' ? rule.do : { ...rule.do, text: rule.do.text ?? 'text' } },
      definition,
      () => 'id',
    );
    return true;
  } catch (error) {
    if (error instanceof BridgeError) return false;
    throw error;
  }
}

/** A text that was not said is made from the condition: any is right. */
function isRight(got: RuleJson | undefined, meant: RuleJson | undefined): boolean {
  if (got === undefined || meant === undefined) return got === meant;
  const bare = meant.do.kind !== 'command' && meant.do.text === undefined && got.do.kind === meant.do.kind;
  return isSame(bare ? { ...got, do: meant.do } : got, meant);
}

function scoreOf(cases: readonly Case[], outcomes: readonly Outcome[], confidenceMin: number): Score {
  let [exact, wrong] = [0, 0];
  for (const [at, one] of cases.entries()) {
    const outcome = outcomes[at];
    const rule = outcome !== undefined && outcome.confidence >= confidenceMin ? outcome.rule : undefined;
    if (isRight(rule, one.rule)) exact += 1;
    else if (rule !== undefined) wrong += 1;
  }
  return { exact: exact / cases.length, wrong: wrong / cases.length };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function main(path: string, isShown: boolean): void {
  const answerer = new Answerer(openEngine(path));
  const sets = { names: generated('names'), templates: generated('templates'), 'by hand': written() };
  for (const [name, cases] of Object.entries(sets)) {
    const startedAt = process.cpuUsage().user;
    const outcomes = cases.map((one) => byModel(answerer, one));
    const cpuMs = (process.cpuUsage().user - startedAt) / 1000 / cases.length;
    const scores = [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95].map((min) => {
      const { exact, wrong } = scoreOf(cases, outcomes, min);
      return `${min}: ${percent(exact)} (${percent(wrong)} wrong)`;
    });
    console.log(`${name} (${cases.length}, ${cpuMs.toFixed(1)} ms CPU each): ${scores.join('; ')}`);
    const first = cases.map(byGrammar);
    const both = first.map((one, at) => (one.rule === undefined ? (outcomes[at] ?? one) : one));
    for (const [tier, made] of Object.entries({ grammar: first, model: outcomes, both })) {
      const { exact, wrong } = scoreOf(cases, made, limits.ruleConfidenceMin);
      console.log(
        `  ${tier} at the limit of ${limits.ruleConfidenceMin}: ${percent(exact)} exact, ${percent(wrong)} wrong`,
      );
    }
    if (name === 'by hand') {
      const half = (rest: number): string =>
        percent(
          scoreOf(
            cases.filter((_, at) => at % 2 === rest),
            outcomes.filter((_, at) => at % 2 === rest),
            0,
          ).exact,
        );
      console.log(
        `  of every second, looked at while templates were added: ${half(0)}; of the others: ${half(1)}`,
      );
    }
    if (!isShown) continue;
    for (const [at, one] of cases.entries()) {
      const outcome = outcomes[at];
      if (isRight(outcome?.rule, one.rule) || (name === 'by hand' && at % 2 === 1)) continue;
      console.log(
        `  ${one.definition.model} | ${one.sentence} | ${JSON.stringify(outcome?.rule)} | ${outcome?.confidence.toFixed(2)}`,
      );
    }
  }
}

if (import.meta.main) main(process.argv[2] ?? 'models/rules-1.gguf', process.argv.includes('--show'));
