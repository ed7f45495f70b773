/**
 * From a sentence to a checked rule, in two tiers: the grammar, which is exact, and a translator, when there is one, for what the grammar misses.
 *
 * I1 A rule of the translator passes the same checks as any other, and is never active before a person has confirmed it:
 *    whoever asks shows it and then gives it as data.
 * I2 Below `ruleConfidenceMin`, and for a rule that the device does not take, the answer is that it was not understood.
 */
import { limits } from '../../base/limits.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import { describeRule } from './describe.ts';
import { readSentence } from './grammar/sentence.ts';
import { parseRule } from './parse.ts';
import { DAYS, type Rule } from './rule.ts';

/** A model that makes rules of sentences. */
export interface RuleTranslator {
  /** A rule as JSON without an id, and how sure it is, 0 to 1; undefined: no rule. It may reject: then nothing was understood. */
  translate(
    sentence: string,
    vocabulary: RuleVocabulary,
  ): Promise<{ readonly json: unknown; readonly confidence: number } | undefined>;
}

/** What a sentence may be about. */
export interface RuleVocabulary {
  readonly definition: DeviceDefinition;
  /** What the device itself is called: its model, its id. */
  readonly names: readonly string[];
}

export type Understanding =
  | {
      readonly kind: 'rule';
      readonly rule: Rule;
      readonly tier: 'grammar' | 'model';
      readonly confidence: number;
    }
  | { readonly kind: 'not-understood'; readonly why: string };

/** What the grammar understands; at once. `why` is for people. Throws BRG_RULE for a sentence that is one, but no rule of this device. */
export function understandExactly(sentence: string, { definition, names }: RuleVocabulary): Understanding {
  const [data, another] = readSentence(sentence, definition, names);
  if (data === undefined) return { kind: 'not-understood', why: 'not understood as a whole' };
  if (another === undefined) {
    return { kind: 'rule', rule: parseRule(data, definition, () => ''), tier: 'grammar', confidence: 1 };
  }
  const [one, other] = [data, another].map((rule) => describeRule({ ...rule, id: '' }, definition));
  return { kind: 'not-understood', why: `it has two meanings: "${one}" or "${other}"` };
}

/**
 * Both tiers. The rule has the id '' : nobody gave it one.
 * @param failed told why the translator has no rule, when it should have one
 * @throws BridgeError BRG_RULE as `understandExactly`
 */
export async function understand(
  sentence: string,
  vocabulary: RuleVocabulary,
  translator?: RuleTranslator,
  failed: (error: unknown) => void = () => undefined,
): Promise<Understanding> {
  const exact = understandExactly(sentence, vocabulary);
  if (exact.kind === 'rule' || translator === undefined) return exact;
  try {
    const found = await translator.translate(sentence, vocabulary);
    if (found === undefined) return exact;
    const confidence = Math.round(found.confidence * 1000) / 1000;
    if (!(confidence >= limits.ruleConfidenceMin)) {
      return { ...exact, why: `${exact.why}, and the model is not sure enough (${confidence})` };
    }
    const rule = parseRule(found.json, vocabulary.definition, () => '');
    return { kind: 'rule', rule, tier: 'model', confidence };
  } catch (error) {
    // A model may fail, or write what is no rule here: then nothing was understood.
    failed(error);
    return exact;
  }
}

/** Sentences that this device understands, one of each kind, for whoever does not know what to say. */
export function exampleSentences(definition: DeviceDefinition): string[] {
  const readable = definition.metrics.filter(({ access }) => access !== 'write');
  const number = readable.find(({ kind }) => kind === 'numeric');
  const [first] = readable;
  if (first === undefined) return [];
  const command = definition.commands.find(
    ({ argument }) => argument === null || argument.kind === 'enumeration',
  );
  const value = command?.argument?.kind === 'enumeration' ? ` ${command.argument.values[0]}` : '';
  const deed = command === undefined ? 'notify me' : `${command.name}${value}`;
  const examples = [`when no ${first.name} comes for 10 minutes, alert the device is silent`];
  if (number !== undefined) {
    const { min = 0, max = min + 100, unit, name } = number;
    const high = Number((min + (max - min) * 0.7).toPrecision(2));
    const amount = `${high}${unit === undefined ? '' : ` ${unit}`}`;
    examples.unshift(
      `when ${name} is above ${amount} for 5 minutes, ${deed}`,
      `when ${name} rises by more than ${Number(((max - min) / 20).toPrecision(2))} within 10 minutes, notify me`,
      `between 10 pm and 6 am on ${DAYS[0]} and ${DAYS[1]}, alert too high when ${name} is above ${amount}`,
    );
  }
  const state = readable.find(({ kind }) => kind === 'binary');
  if (state !== undefined) examples.push(`if ${state.name} is off for an hour, notify me`);
  return examples.slice(0, 4);
}
