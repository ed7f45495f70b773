/**
 * Byte-level byte-pair encoding as GPT-2 has it, trained on the generator's own text: the file of the model
 * holds its tokens and merges, and the engine's tokenizer reads them from there.
 */
import { ANSWER_WORDS } from '../../src/agent/rules/translator/answer-grammar.ts';
import {
  COMMANDS_MAX,
  METRICS_MAX,
  pointer,
  VALUES_MAX,
} from '../../src/agent/rules/translator/device-words.ts';
import { SPANS_MAX } from '../../src/agent/rules/translator/prompt.ts';

export const END_TOKEN = '<|end|>';
const PARTS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's letters for the 256 bytes. */
export const BYTE_LETTERS: readonly string[] = byteLetters();

function byteLetters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

/** Words that are one token each: what answers are made of. */
export function answerTokens(): readonly string[] {
  const pointers = [
    ['M', METRICS_MAX],
    ['C', COMMANDS_MAX],
    ['V', VALUES_MAX],
    ...['N', 'D', 'T', 'W', 'Y', 'Q'].map((prefix) => [prefix, SPANS_MAX] as const),
  ] as const;
  return [
    ...ANSWER_WORDS,
    ...pointers.flatMap(([prefix, count]) => Array.from({ length: count }, (_, at) => pointer(prefix, at))),
  ];
}

export class Vocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #cache = new Map<string, readonly number[]>();

  constructor(merges: readonly string[]) {
    this.merges = merges;
    this.tokens = [...BYTE_LETTERS, ...merges.map((merge) => merge.replace(' ', '')), END_TOKEN];
    this.#ids = new Map(this.tokens.map((token, id) => [token, id]));
    this.#ranks = new Map(merges.map((merge, rank) => [merge, rank]));
  }

  get end(): number {
    return this.tokens.length - 1;
  }

  encode(text: string): number[] {
    return (text.match(PARTS) ?? []).flatMap((part) => this.#encodePart(part));
  }

  /** The tokens that `text` begins with: of one byte, two, ... and all of it, where there is such a token. */
  beginningsOf(text: string): readonly number[] {
    const letters = lettersOf(text);
    return letters.flatMap((_, at) => this.#ids.get(letters.slice(0, at + 1).join('')) ?? []);
  }

  #encodePart(part: string): readonly number[] {
    const known = this.#cache.get(part);
    if (known !== undefined) return known;
    let letters = lettersOf(part);
    for (;;) {
      let best = Infinity;
      for (let at = 0; at + 1 < letters.length; at++)
        best = Math.min(best, this.#ranks.get(`${letters[at]} ${letters[at + 1]}`) ?? Infinity);
      if (best === Infinity) break;
      letters = merged(letters, this.merges[best] ?? '');
    }
    const ids = letters.map((letter) => this.#ids.get(letter) ?? 0);
    this.#cache.set(part, ids);
    return ids;
  }
}

function lettersOf(part: string): string[] {
  return Array.from(Buffer.from(part, 'utf8'), (byte) => BYTE_LETTERS[byte] ?? '');
}

function merged(letters: readonly string[], merge: string): string[] {
  const [left = '', right = ''] = merge.split(' ');
  const out: string[] = [];
  for (let at = 0; at < letters.length; at++) {
    if (letters[at] === left && letters[at + 1] === right) {
      out.push(left + right);
      at += 1;
    } else out.push(letters[at] ?? '');
  }
  return out;
}

/** `size` tokens in all; the words of answers come first, so that each is one. */
export function trainVocabulary(texts: Iterable<string>, size: number): Vocabulary {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const part of text.match(PARTS) ?? []) counts.set(part, (counts.get(part) ?? 0) + 1);
  for (const word of answerTokens()) counts.set(` ${word}`, 1_000_000_000);
  let words = [...counts].map(([part, count]) => ({ letters: lettersOf(part), count }));
  const merges: string[] = [];
  while (merges.length < size - 257) {
    const pairs = new Map<string, number>();
    for (const { letters, count } of words) {
      for (let at = 0; at + 1 < letters.length; at++) {
        const pair = `${letters[at]} ${letters[at + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const best = [...pairs].reduce((one, other) =>
      other[1] > one[1] || (other[1] === one[1] && other[0] < one[0]) ? other : one,
    );
    merges.push(best[0]);
    words = words
      .map(({ letters, count }) => ({ letters: merged(letters, best[0]), count }))
      .filter(({ letters }) => letters.length > 1);
  }
  return new Vocabulary(merges);
}
