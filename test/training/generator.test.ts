import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeGroup } from '../../training/generate/make.ts';
import { LATER, TEMPLATES_HELD_OUT } from '../../training/generate/maker.ts';
import { isHeldOut, Random } from '../../training/generate/random.ts';
import { madeUpName } from '../../training/generate/vocabulary.ts';
import { answerTokens, trainVocabulary } from '../../training/generate/vocabulary-pieces.ts';

/** All that a template can say, its slots unfilled, without articles. */
function wordings(template: string): readonly string[] {
  const inner = /\(([^()[\]]*)\)|\[([^()[\]]*)\]/.exec(template);
  if (inner === null)
    return [
      template
        .toLowerCase()
        .replace(/\b(?:the|a|an) | (?= )/g, '')
        .trim(),
    ];
  const choices = (inner[1] ?? inner[2] ?? '').split('|').concat(inner[2] === undefined ? [] : ['']);
  const [before, after] = [template.slice(0, inner.index), template.slice(inner.index + inner[0].length)];
  return choices.flatMap((choice) => wordings(before + choice + after));
}

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

  it('has no template for training alone that says what a held-out one says', () => {
    const file = readFileSync(new URL('../../training/generate/templates.txt', import.meta.url), 'utf8');
    const sections = file
      .split(/^## /m)
      .slice(1)
      .map((section) => section.split('\n').slice(1));
    const later = sections.map((lines) => lines.filter((line) => line.startsWith(LATER)));
    expect(later.flat().length).toBeGreaterThan(100);
    const said = sections.flatMap((lines, at) => {
      const heldOut = lines.filter((line) => !line.startsWith(LATER) && isHeldOut(line, TEMPLATES_HELD_OUT));
      const unseen = new Set(heldOut.flatMap(wordings));
      return later[at]
        ?.flatMap((line) => wordings(line.slice(LATER.length)))
        .filter((one) => unseen.has(one));
    });
    expect(said).toEqual([]);
  });

  it('makes a vocabulary in which each word of an answer is one token', () => {
    const texts = makeGroup(new Random(1), 'train', 200).examples.map(({ prompt }) => prompt);
    const vocabulary = trainVocabulary(texts, 560);
    for (const word of answerTokens()) expect(vocabulary.encode(` ${word}`)).toHaveLength(1);
    expect(vocabulary.encode(' ünknown ✓').length).toBeGreaterThan(1);
  });
});
