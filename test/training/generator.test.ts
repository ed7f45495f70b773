import { describe, expect, it } from 'vitest';
import { makeGroup } from '../../training/generate/make.ts';
import { Random } from '../../training/generate/random.ts';
import { madeUpName } from '../../training/generate/vocabulary.ts';
import { answerTokens, trainVocabulary } from '../../training/generate/vocabulary-pieces.ts';

describe('the generator of sentences', () => {
  it('makes the same sentences of the same seed', () => {
    const sentences = (seed: number): string[] =>
      makeGroup(new Random(seed), 'train', 20).examples.map(({ sentence }) => sentence);
    expect(sentences(5)).toEqual(sentences(5));
    expect(sentences(5)).not.toEqual(sentences(6));
  });

  it('makes up names for held-out devices of words that those of training do not have', () => {
    const words = (isUnseen: boolean): Set<string> => {
      const random = new Random(3);
      return new Set(
        Array.from({ length: 400 }, () => madeUpName(random, isUnseen)).map(
          (name) => name.split('-')[0] ?? '',
        ),
      );
    };
    const seen = words(false);
    expect(seen.size).toBeGreaterThan(100);
    expect([...words(true)].filter((word) => seen.has(word))).toEqual([]);
  });

  it('makes a vocabulary in which each word of an answer is one token', () => {
    const texts = makeGroup(new Random(1), 'train', 200).examples.map(({ prompt }) => prompt);
    const vocabulary = trainVocabulary(texts, 560);
    for (const word of answerTokens()) expect(vocabulary.encode(` ${word}`)).toHaveLength(1);
    expect(vocabulary.encode(' ünknown ✓').length).toBeGreaterThan(1);
  });
});
