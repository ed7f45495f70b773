/**
 * From a sentence to a rule as data, which `parseRule` checks. A sentence is understood as a whole or not at all: a word that
 * nobody can place may be the one that changes the meaning. What could mean two things is not understood either.
 *
 * sentence: [timing ","] when watch [timing] ["," | "then" | ":"] action [timing]
 *         | [timing ","] action [timing] when watch [timing]
 * watch, timing and action: conditions.ts, times.ts, actions.ts. What `describeRule` says of a rule is understood as that rule.
 */
import { limits } from '../../../base/limits.ts';
import type { DeviceDefinition } from '../../../device/index.ts';
import type { Rule, Timing } from '../rule.ts';
import { actionsIn, type Deeds } from './actions.ts';
import { watchOf, type Watch } from './conditions.ts';
import { opt, say, seq, type Parser } from './parser.ts';
import { sourceOf, writtenBetween, type Source, type Token } from './source.ts';
import { vocabularyOf } from './subjects.ts';
import { timing } from './times.ts';

/** A rule that nobody has given an id; `zone` only where the sentence names it. */
export type RuleData = Omit<Rule, 'id'>;

const WHEN = say('when|whenever|if|once|as soon as|every time|each time|in case|any time|when ever|should');
const FIRST = opt(seq(timing, opt(say(','))));
const LATER = opt(seq(opt(say(',')), timing));
const THEN = opt(say(',|:|then|, then|: then|; then|;|, please|please|, and'));

/** All different rules that the sentence can mean; none: it is not understood. @param names of the device itself */
export function readSentence(
  text: string,
  definition: DeviceDefinition,
  names: readonly string[],
): readonly RuleData[] {
  if (text.length > limits.toolSentenceCharactersMax) return [];
  const source = trimmed(sourceOf(text));
  const watch = watchOf(vocabularyOf(definition, names));
  const deeds = { definition, names };
  const rules = [...conditionFirst(source, watch, deeds), ...actionFirst(source, watch, deeds)];
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

const POLITE = new Set(['please', '!', '?', 'thanks', 'kindly']);

function trimmed({ text, tokens }: Source): Source {
  const isMeant = ({ kind, said }: Token): boolean => kind === 'text' || !POLITE.has(said);
  const from = tokens.findIndex(isMeant);
  const to = tokens.findLastIndex(isMeant);
  return { text, tokens: tokens.slice(Math.max(from, 0), to + 1) };
}

function conditionFirst(source: Source, watch: Parser<Watch>, deeds: Deeds): RuleData[] {
  const opening = seq(FIRST, WHEN)(source, 0);
  return opening.flatMap(([[first], from]) =>
    seq(
      watch,
      LATER,
      THEN,
    )(source, from).flatMap(([[watched, later], at]) => {
      const condition = conditionText(source, from, at);
      return actionsIn(source, at, source.tokens.length, condition, deeds).flatMap((deed) =>
        ruleOf(watched, deed.do, [first?.[0], later?.[1], deed.timing]),
      );
    }),
  );
}

function actionFirst(source: Source, watch: Parser<Watch>, deeds: Deeds): RuleData[] {
  const end = source.tokens.length;
  return FIRST(source, 0).flatMap(([first, from]) =>
    source.tokens.flatMap((_, at) =>
      WHEN(source, at).flatMap(([, begin]) =>
        seq(watch, LATER)(source, begin).flatMap(([[watched, later], after]) => {
          if (after !== end) return [];
          const condition = conditionText(source, begin, end);
          const to = source.tokens[at - 1]?.said === ',' ? at - 1 : at;
          return actionsIn(source, from, to, condition, deeds).flatMap((deed) =>
            ruleOf(watched, deed.do, [first?.[0], deed.timing, later?.[1]]),
          );
        }),
      ),
    ),
  );
}

/** What an alert without a text says: the condition as it was written. */
function conditionText(source: Source, from: number, to: number): string {
  let end = to;
  while ([',', ':', ';', 'then', 'and', 'please'].includes(source.tokens[end - 1]?.said ?? '')) end -= 1;
  return writtenBetween(source, from, end);
}

/** Nothing when times are said twice. */
function ruleOf(watched: Watch, action: Rule['do'], timings: readonly (Timing | undefined)[]): RuleData[] {
  let all: Timing = {};
  for (const one of timings) {
    if (one === undefined) continue;
    if (Object.keys(one).some((key) => Object.hasOwn(all, key))) return [];
    all = { ...all, ...one };
  }
  return [{ ...watched, ...all, do: action }];
}
