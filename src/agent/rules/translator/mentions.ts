/**
 * Where a sentence mentions something of the device by name. A word gets the pointers of the names it may
 * mean; which of them is meant, if any, the model decides from the rest of the sentence.
 */
import { pointer, wordsOfName, type DeviceWords } from './device-words.ts';

/** More than so many names for one word say nothing. */
const TAGS_MAX = 3;
/** Parts of names that are in too many sentences to point at anything. */
const COMMON = new Set([
  'of',
  'the',
  'is',
  'on',
  'off',
  'in',
  'at',
  'to',
  'set',
  'a',
  'an',
  'and',
  'or',
  'no',
  'not',
  'it',
  'for',
]);

interface Name {
  readonly tag: string;
  readonly words: readonly string[];
}

interface Mention {
  readonly tag: string;
  readonly start: number;
  readonly end: number;
  /** Words matched; less for a part of a name or a word that is only like it. */
  readonly score: number;
}

/**
 * For each word that ends a mention, the pointers. `words` is the sentence, with '' where a span stands.
 */
export function mentionsIn(
  words: readonly string[],
  device: DeviceWords,
): ReadonlyMap<number, readonly string[]> {
  const metrics = device.metrics.map((one, at) => ({ tag: pointer('M', at), words: one.words }));
  const commands = device.commands.map((one, at) => ({ tag: pointer('C', at), words: one.words }));
  const tags = new Map<number, string[]>();
  for (const names of [metrics, commands, valuesOf(device)]) {
    for (const mention of bestOf(names.flatMap((name) => mentionsOf(name, words)))) {
      const known = tags.get(mention.end) ?? [];
      if (!known.includes(mention.tag)) tags.set(mention.end, [...known, mention.tag]);
    }
  }
  return tags;
}

/** Values that have the same pointer wherever they occur: "on" that is first here and second there has none. */
function valuesOf(device: DeviceWords): readonly Name[] {
  const tags = new Map<string, string | undefined>();
  for (const { values } of [...device.metrics, ...device.commands]) {
    for (const [at, value] of values.entries()) {
      const tag = pointer('V', at);
      tags.set(value, tags.has(value) && tags.get(value) !== tag ? undefined : tag);
    }
  }
  return [...tags].flatMap(([value, tag]) => (tag === undefined ? [] : [{ tag, words: wordsOfName(value) }]));
}

function mentionsOf({ tag, words: name }: Name, words: readonly string[]): readonly Mention[] {
  const found: Mention[] = [];
  for (const start of words.keys()) {
    const likeness = Math.min(...name.map((word, at) => likenessOf(words[start + at] ?? '', word)));
    if (likeness > 0) {
      found.push({ tag, start, end: start + name.length - 1, score: name.length * likeness });
      continue;
    }
    if (name.length === 1) continue;
    const part = Math.max(
      ...name.map((word) => (COMMON.has(word) ? 0 : likenessOf(words[start] ?? '', word))),
    );
    if (part > 0) found.push({ tag, start, end: start, score: part * 0.5 });
  }
  return found;
}

/** The best of those that overlap; as good ones stay together, unless they are too many. */
function bestOf(mentions: readonly Mention[]): readonly Mention[] {
  const overlapping = (one: Mention, other: Mention) => one.start <= other.end && other.start <= one.end;
  const best = mentions.filter(
    (one) => !mentions.some((other) => other.score > one.score && overlapping(one, other)),
  );
  return best.filter((one) => best.filter((other) => other.end === one.end).length <= TAGS_MAX);
}

/** 1 for the same word, 0.9 for a form of it, 0.6 for a short or misspelt one, else 0. */
function likenessOf(word: string, name: string): number {
  if (word === '' || name === '') return 0;
  if (word === name) return 1;
  if (stemOf(word) === stemOf(name) && stemOf(name).length >= 3) return 0.9;
  if (word.length < 4 || name.length < 4) return 0;
  if (name.startsWith(word) || (word.startsWith(name) && word.length - name.length <= 3)) return 0.6;
  const shared = sharedPrefix(word, name);
  const longest = Math.max(word.length, name.length);
  if (shared >= 5 && shared >= 0.6 * longest) return 0.6;
  return longest >= 6 && isOneEditAway(word, name) ? 0.6 : 0;
}

function stemOf(word: string): string {
  return word.replace(/(?:ing|ed|es|s|e)$/, '');
}

function sharedPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** One letter more, less or another one, or two swapped. */
function isOneEditAway(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  const start = sharedPrefix(one, other);
  const restOne = one.slice(start);
  const restOther = other.slice(start);
  const isSwapped =
    restOne[0] === restOther[1] && restOne[1] === restOther[0] && restOne.slice(2) === restOther.slice(2);
  return (
    restOne.slice(1) === restOther.slice(1) ||
    restOne.slice(1) === restOther ||
    restOne === restOther.slice(1) ||
    isSwapped
  );
}
