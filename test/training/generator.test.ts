import { describe, expect, it } from 'vitest';
import { makeGroup } from '../../training/generate/make.ts';
import { Random } from '../../training/generate/random.ts';
import { answerTokens, trainVocabulary } from '../../training/generate/vocabulary-pieces.ts';

describe('the generator of sentences', () => {
  it('makes the same sentences of the same seed', () => {
    const sentences = (seed: number): string[] =>
      makeGroup(new Random(seed), 'train', 20).examples.map(({ sentence }) => sentence);
    expect(sentences(5)).toEqual(sentences(5));
    expect(sentences(5)).not.toEqual(sentences(6));
  });

  it('gives held-out devices names that training does not have', () => {
    const words = (split: 'train' | 'names'): Set<string> => {
      const random = new Random(3);
      const names = Array.from({ length: 60 }, () => makeGroup(random, split, 1).device).flatMap(
        ({ metrics, commands }) => [...metrics, ...commands].flatMap(({ name }) => name.split('-')),
      );
      return new Set(names);
    };
    const seen = words('train');
    const both = [...words('names')].filter((word) => seen.has(word));
    // What names end in ("-rate") is everybody's.
    expect(
      both.filter(
        (word) =>
          !/^(?:rate|level|index|load|count|pressure|flow|position|size|score|gap|offset|delay|quality|stress)$/.test(
            word,
          ),
      ),
    ).toEqual([]);
  });

  it('makes a vocabulary in which each word of an answer is one token', () => {
    const vocabulary = trainVocabulary([' open the vent when it is above\n'], 700);
    for (const word of answerTokens()) expect(vocabulary.encode(` ${word}`)).toHaveLength(1);
    expect(vocabulary.encode(' ünknown ✓').length).toBeGreaterThan(1);
  });
});
