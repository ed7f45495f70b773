/**
 * How well sentences are understood: `node training/evaluate.ts <model.gguf> [--show] [--validate]`. Three sets that
 * training never saw: made-up names, held-out templates, and the sentences written by hand; for each the grammar alone,
 * the model alone, and one after the other as the bridge asks them. `--validate` asks sets of other seeds instead: the
 * limit of confidence is chosen by them, not by the sets whose scores are told.
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

export interface Score {
  readonly exact: number;
  /** A rule was proposed, and it is not the one that was meant. */
  readonly wrong: number;
}

function generated(split: 'names' | 'templates', seed = EVALUATION_SEEDS[split]): readonly Case[] {
  const random = new Random(seed);
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

interface Asked {
  readonly cases: readonly Case[];
  /** Of the grammar alone, the model alone, and one after the other. */
  readonly outcomes: Readonly<Record<Tier, readonly Outcome[]>>;
  readonly cpuMs: number;
}

export const tiers = ['grammar', 'model', 'both'] as const;
type Tier = (typeof tiers)[number];

function ask(answerer: Answerer, cases: readonly Case[]): Asked {
  const startedAt = process.cpuUsage().user;
  const model = cases.map((one) => byModel(answerer, one));
  const cpuMs = (process.cpuUsage().user - startedAt) / 1000 / cases.length;
  const grammar = cases.map(byGrammar);
  const both = grammar.map((one, at) => (one.rule === undefined ? (model[at] ?? one) : one));
  return { cases, outcomes: { grammar, model, both }, cpuMs };
}

/** The scores of a model file at the shipped limit of confidence, by set. */
export function scoresOf(
  path: string,
): { name: string; sentences: number; cpuMs: number; scores: Record<Tier, Score> }[] {
  const answerer = new Answerer(openEngine(path));
  return Object.entries(heldOutSets()).map(([name, cases]) => {
    const { outcomes, cpuMs } = ask(answerer, cases);
    const score = (tier: Tier): Score => scoreOf(cases, outcomes[tier], limits.ruleConfidenceMin);
    const scores = { grammar: score('grammar'), model: score('model'), both: score('both') };
    return { name, sentences: cases.length, cpuMs, scores };
  });
}

function heldOutSets(): Readonly<Record<string, readonly Case[]>> {
  return { names: generated('names'), templates: generated('templates'), 'by hand': written() };
}

function validationSets(): Readonly<Record<string, readonly Case[]>> {
  return { names: generated('names', 2001), templates: generated('templates', 2002) };
}

const MINIMA = [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99];

function main(path: string, flags: readonly string[]): void {
  const answerer = new Answerer(openEngine(path));
  const sets = flags.includes('--validate') ? validationSets() : heldOutSets();
  for (const [name, cases] of Object.entries(sets)) {
    const { outcomes, cpuMs } = ask(answerer, cases);
    console.log(`${name} (${cases.length}, ${cpuMs.toFixed(1)} ms CPU each)`);
    for (const min of MINIMA) {
      const { exact, wrong } = scoreOf(cases, outcomes.model, min);
      console.log(`  model at ${min}: ${percent(exact)} exact, ${percent(wrong)} wrong`);
    }
    for (const tier of tiers) {
      const { exact, wrong } = scoreOf(cases, outcomes[tier], limits.ruleConfidenceMin);
      console.log(
        `  ${tier} at the limit of ${limits.ruleConfidenceMin}: ${percent(exact)} exact, ${percent(wrong)} wrong`,
      );
    }
    if (name === 'by hand') sayHalves(cases, outcomes.model);
    if (flags.includes('--show')) show(name, cases, outcomes.model);
  }
}

function sayHalves(cases: readonly Case[], outcomes: readonly Outcome[]): void {
  const half = (rest: number): string => {
    const isOfIt = (_: unknown, at: number): boolean => at % 2 === rest;
    return percent(scoreOf(cases.filter(isOfIt), outcomes.filter(isOfIt), 0).exact);
  };
  console.log(
    `  of every second, looked at while templates were added: ${half(0)}; of the others: ${half(1)}`,
  );
}

function show(name: string, cases: readonly Case[], outcomes: readonly Outcome[]): void {
  for (const [at, one] of cases.entries()) {
    const outcome = outcomes[at];
    if (isRight(outcome?.rule, one.rule) || (name === 'by hand' && at % 2 === 1)) continue;
    console.log(
      `  ${one.definition.model} | ${one.sentence} | ${JSON.stringify(outcome?.rule)} | ${outcome?.confidence.toFixed(2)}`,
    );
  }
}

if (import.meta.main) main(process.argv[2] ?? 'models/rules-1.gguf', process.argv.slice(3));
