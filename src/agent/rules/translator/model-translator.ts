/**
 * The second tier: a sentence that the grammar misses goes to the model of docs/model.md, whose answer is made a rule.
 * The model only points; what it points at is looked up here, and the rules engine does the rest.
 */
import type { RuleTranslator, RuleVocabulary } from '../understand.ts';
import { ruleOfAnswer } from './answer-rule.ts';
import { deviceWords, promptOf, type Prompt } from './prompt.ts';
import { saysAll } from './whole-sentence.ts';

/** An answer within the grammar of answers, and how likely its least likely word was, 0 to 1. */
export interface ModelAnswer {
  readonly words: readonly string[];
  readonly confidence: number;
}

/** Asks the model for an agent, `model/id`; undefined: it has no answer. */
export type AskModel = (prompt: Prompt, agent: string) => Promise<ModelAnswer | undefined>;

/** Over any engine that keeps to the grammar. */
export class ModelTranslator implements RuleTranslator {
  readonly #ask: AskModel;

  constructor(ask: AskModel) {
    this.#ask = ask;
  }

  async translate(
    sentence: string,
    { definition, names }: RuleVocabulary,
  ): Promise<{ readonly json: unknown; readonly confidence: number } | undefined> {
    const prompt = promptOf(sentence, deviceWords(definition));
    const answer = await this.#ask(prompt, names.join('/'));
    if (answer === undefined || !saysAll(answer.words, prompt.spans)) return undefined;
    const rule = ruleOfAnswer(answer.words, prompt);
    if (rule === undefined) return undefined;
    const { do: action } = rule;
    // A message without a text of its own says what was asked for.
    const json =
      action.kind === 'command' || action.text !== undefined
        ? rule
        : { ...rule, do: { ...action, text: sentence.trim() } };
    return { json, confidence: answer.confidence };
  }
}
