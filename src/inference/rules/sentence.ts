/**
 * The English the rules understand. A sentence is understood as a whole or not at all: a word nobody can
 * place may be the one that changes the meaning ("do not", "the other pump", "in ten minutes").
 */
import { limits } from '../../base/limits.ts';

export type Statistic = 'last' | 'mean' | 'min' | 'max';

/** What a person wants; words are those not placed yet, in order and lower case. */
export type Intent =
  | {
      readonly kind: 'read';
      readonly words: readonly string[];
      readonly statistic: Statistic | undefined;
      /** ms back from now; undefined: the present value. */
      readonly windowMs: number | undefined;
    }
  /** `words` hold the verb; `value` is what follows `to`, `on`, `off` or a number. */
  | { readonly kind: 'act'; readonly words: readonly string[]; readonly value: string | number | undefined }
  | { readonly kind: 'list'; readonly words: readonly string[] }
  /** At another time, or on a condition: never now. */
  | { readonly kind: 'later'; readonly text: string; readonly isCondition: boolean }
  | { readonly kind: 'call'; readonly tool: string; readonly text: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'unclear'; readonly why: string };

const POLITE = [
  'please',
  'hey',
  'hi',
  'hello',
  'can',
  'could',
  'would',
  'will',
  'you',
  'kindly',
  'now',
  'thanks',
];
const ARTICLES = [
  'the',
  'a',
  'an',
  'my',
  'its',
  'this',
  'that',
  'current',
  'currently',
  'present',
  'right',
  'now',
  'of',
  'is',
  'are',
  'it',
  'here',
  'device',
  'devices',
  'value',
  'reading',
  'level',
  'please',
];
const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
export const STATISTICS: Readonly<Record<string, Statistic>> = {
  last: 'last',
  latest: 'last',
  average: 'mean',
  mean: 'mean',
  avg: 'mean',
  minimum: 'min',
  min: 'min',
  lowest: 'min',
  smallest: 'min',
  maximum: 'max',
  max: 'max',
  highest: 'max',
  largest: 'max',
  peak: 'max',
};
/** How a quality is asked for: "how warm is it". */
const QUALITIES: Readonly<Record<string, string>> = {
  warm: 'temperature',
  hot: 'temperature',
  cold: 'temperature',
  humid: 'humidity',
  fast: 'speed',
};
const ASKING = [
  /^(?:what|whats|which)(?: is| are| was| were)?\b/,
  /^(?:show|tell|give)(?: me)?\b/,
  /^(?:get|read|check|display)\b/,
  /^how (?:high|low|much|many|big|strong)(?: is| are)?\b/,
  /^how(?= (?:warm|hot|cold|humid|fast)\b)/,
  /^is\b/,
];
const CONDITION = /\b(?:when|whenever|if|unless|until|while|once)\b/;
const TIME =
  /\b(?:in (?:about )?[\w.]+ (?:s|secs?|seconds?|mins?|minutes?|h|hours?|days?|weeks?)|at \S+|after|before|every|tomorrow|tonight|later|daily|hourly|on (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b/;
const PAST = /\b(?:(?:in|over|during|for|within|from|of) )?(?:the )?(?:last|past|previous) (?:(\S+) )?(\w+)$/;
/** "the temperature of the last hour of the day" is not ours; these words after a number are only its unit. */
const VALUE_UNITS =
  /(-?\d+(?:\.\d+)?) ?(?:degrees?(?: celsius)?|°c|°|celsius|c|%|percent|rpm|bar|watts?|w|volts?|v|amps?|km\/h|mm\/s|lux)(?= |$)/g;

/** What `text` asks for. Never throws. */
export function parseSentence(text: string): Intent {
  const plain = normalise(text);
  const words = plain.split(' ').filter((word) => word !== '');
  if (words.length === 0) return { kind: 'unclear', why: 'there is no text' };
  if (words.length > limits.modelRulesWordsMax)
    return { kind: 'unclear', why: `it has more than ${limits.modelRulesWordsMax} words` };
  if (/^(?:help|what can you do|what can i (?:ask|say|do)|how does this work)$/.test(plain))
    return { kind: 'help' };
  const call = /^(?:call|use|run) (?:the tool |tool )?([\w-]+)(?: with)?(?: (.*))?$/i.exec(text.trim());
  if (call !== null && /^$|[\w-]+ ?=/.test(call[2] ?? ''))
    return { kind: 'call', tool: call[1] ?? '', text: call[2] ?? '' };
  return asking(plain) ?? acting(plain, text);
}

/** Lower case, without what ends sentences and is only polite. */
export function normalise(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[’']s\b/g, ' is')
    .replace(/[’']/g, '')
    .replace(/[?!,;:"“”()]+/g, ' ')
    .replace(/\.(?=\s|$)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const words = plain.split(' ');
  while (POLITE.includes(words[0] ?? '')) words.shift();
  while (['please', 'thanks', 'now'].includes(words.at(-1) ?? '')) words.pop();
  return words.join(' ');
}

/** A question, or undefined. */
function asking(plain: string): Intent | undefined {
  const listed = /^(?:list|show|what are)(?: me)?(?: all)?(?: of)?(?: the| my)? ([\w -]+s)$/.exec(plain);
  const opening = ASKING.find((pattern) => pattern.test(plain));
  const hasNoVerb = /^(?:(?:the|average|mean|min|max|minimum|maximum|highest|lowest|latest) )/.test(plain);
  if (plain.startsWith('list ') && listed !== null)
    return { kind: 'list', words: (listed[1] ?? '').split(' ') };
  if (opening === undefined && !hasNoVerb && !plain.includes(' of ') && !PAST.test(plain)) return undefined;
  let rest = opening === undefined ? plain : plain.replace(opening, '').trim();
  let windowMs: number | undefined;
  const past = PAST.exec(rest);
  if (past !== null) {
    windowMs = durationMs(past[1] ?? 'one', past[2] ?? '');
    if (windowMs === undefined)
      return { kind: 'unclear', why: `"${past[0].trim()}" is no time the rules know` };
    rest = rest.slice(0, past.index).trim();
  }
  if (CONDITION.test(rest) || TIME.test(rest))
    return {
      kind: 'unclear',
      why: 'questions about a condition or another time than the last minutes, hours or days are not understood',
    };
  let statistic: Statistic | undefined;
  const words: string[] = [];
  for (const word of rest.split(' ')) {
    const named = STATISTICS[word];
    if (named !== undefined && statistic === undefined) statistic = named;
    else if (word !== '' && !ARTICLES.includes(word)) words.push(QUALITIES[word] ?? word);
  }
  if (words.length > 0) return { kind: 'read', words, statistic, windowMs };
  return { kind: 'unclear', why: 'it does not say what to read' };
}

function acting(plain: string, text: string): Intent {
  if (CONDITION.test(plain)) return { kind: 'later', text: text.trim(), isCondition: true };
  if (TIME.test(plain)) return { kind: 'later', text: text.trim(), isCondition: false };
  const bare = plain.replace(VALUE_UNITS, '$1');
  const turned = /^(?:turn|switch) (?:(on|off) (.+)|(.+) (on|off)|(on|off))$/.exec(bare);
  if (turned !== null) {
    const target = turned[2] ?? turned[3] ?? '';
    return { kind: 'act', words: content(target), value: turned[1] ?? turned[4] ?? turned[5] };
  }
  const put =
    /^(?:set|change|put|adjust|move|turn|switch) (.+?) (?:to|at|=) (\S+)$/.exec(bare) ??
    /^(?:set) (.+) (\S+)$/.exec(bare);
  if (put !== null) return { kind: 'act', words: content(put[1] ?? ''), value: valueOf(put[2] ?? '') };
  const words = content(bare);
  return { kind: 'act', words, value: undefined };
}

function content(phrase: string): string[] {
  return phrase.split(' ').filter((word) => word !== '' && !ARTICLES.includes(word));
}

function valueOf(word: string): string | number {
  const number = numberOf(word);
  return number ?? word;
}

function numberOf(word: string): number | undefined {
  if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word);
  const named = NUMBERS.indexOf(word);
  return named >= 0 ? named : undefined;
}

/** `ten`, `minutes` -> ms; undefined for no time. */
export function durationMs(count: string, unit: string): number | undefined {
  const unitMs = UNITS_MS[unit] ?? UNITS_MS[unit.replace(/s$/, '')];
  const number = count === 'a' || count === 'an' ? 1 : count === 'half' ? 0.5 : numberOf(count);
  return unitMs === undefined || number === undefined || number <= 0 ? undefined : number * unitMs;
}
