/**
 * Parsers as functions that answer every way to read what stands at a place, so that a sentence with two meanings is seen
 * to have them. Sentences are short, and few ways lead further than a word or two.
 */
import type { Source } from './source.ts';

/** What was understood, and where it ends. */
export type Way<T> = readonly [meaning: T, end: number];
export type Parser<T> = (source: Source, at: number) => readonly Way<T>[];

const NONE: readonly never[] = [];

/** One of the phrases between `|`, word by word. */
export function say(phrases: string): Parser<string> {
  return sayAny(phrases.split('|'));
}

/** One of names that somebody chose. */
export function sayAny(phrases: readonly string[]): Parser<string> {
  const split = phrases.map((phrase) => phrase.split(' '));
  return ({ tokens }, at) =>
    split.flatMap((words, index): Way<string>[] => {
      const isSaid = words.every((word, offset) => {
        const token = tokens[at + offset];
        return token?.said === word && token.kind !== 'text';
      });
      return isSaid ? [[phrases[index] ?? '', at + words.length]] : [];
    });
}

/** One after the other. */
export function seq<T extends readonly unknown[]>(
  ...parsers: { readonly [K in keyof T]: Parser<T[K]> }
): Parser<T> {
  return (source, at) => {
    let ways: Way<readonly unknown[]>[] = [[[], at]];
    for (const parser of parsers as readonly Parser<unknown>[]) {
      ways = ways.flatMap(([before, end]) =>
        parser(source, end).map(([meaning, next]): Way<readonly unknown[]> => [[...before, meaning], next]),
      );
      if (ways.length === 0) return NONE;
    }
    return ways as unknown as readonly Way<T>[]; // as many meanings as parsers, in their order
  };
}

export function alt<T>(...parsers: readonly Parser<T>[]): Parser<T> {
  return (source, at) => parsers.flatMap((parser) => parser(source, at));
}

/** Also nothing. */
export function opt<T>(parser: Parser<T>): Parser<T | undefined> {
  return (source, at) => [...parser(source, at), [undefined, at]];
}

/** @param meaningOf undefined: it means nothing */
export function map<A, B>(parser: Parser<A>, meaningOf: (found: A) => B | undefined): Parser<B> {
  return (source, at) =>
    parser(source, at).flatMap(([found, end]): Way<B>[] => {
      const meaning = meaningOf(found);
      return meaning === undefined ? [] : [[meaning, end]];
    });
}

/** Phrases, between `|`, with a meaning each. */
export function meaning<T>(...rows: readonly (readonly [meaning: T, phrases: string])[]): Parser<T> {
  return alt(...rows.map(([what, phrases]) => map(say(phrases), () => what)));
}

/** At least one, with `separator` between two of them. */
export function list<T>(parser: Parser<T>, separator: Parser<unknown>): Parser<readonly T[]> {
  return (source, at) => {
    const found: Way<readonly T[]>[] = [];
    let ways: readonly Way<readonly T[]>[] = parser(source, at).map(([one, end]) => [[one], end]);
    while (ways.length > 0) {
      found.push(...ways);
      ways = ways.flatMap(([before, end]) =>
        separator(source, end).flatMap(([, next]) =>
          parser(source, next).map(([one, after]): Way<readonly T[]> => [[...before, one], after]),
        ),
      );
    }
    return found;
  };
}
