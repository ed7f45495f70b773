/**
 * Writes what the trainer reads: `node training/generate/main.ts <folder> [sentences] [seed]` makes
 * vocabulary.json, corpus.bin and, from other seeds, evaluation-names.bin, -templates.bin and -hand.bin.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deviceWords, promptOf } from '../../src/agent/rules/translator/prompt.ts';
import { goldSentences } from '../gold.ts';
import { END, wordsAfter, type AnswerScope } from '../../src/agent/rules/translator/answer-grammar.ts';
import { answerOfRule } from './answer-of-rule.ts';
import { makeGroup } from './make.ts';
import type { Split } from './maker.ts';
import { Random } from './random.ts';
import { answerTokens, trainVocabulary, Vocabulary } from './vocabulary-pieces.ts';

const VOCABULARY_SIZE = 1024;
export const SENTENCES_PER_DEVICE = 5;
/** In the corpus: what they share is computed once. */
const CORPUS_SENTENCES_PER_DEVICE = 8;
export const EVALUATION_SEEDS: Readonly<Record<Exclude<Split, 'train'>, number>> = {
  names: 1001,
  templates: 1002,
};
export const EVALUATION_SENTENCES = 2000;

interface Group {
  readonly device: string;
  readonly sentences: readonly {
    readonly prompt: string;
    readonly answer: readonly string[];
    readonly scope: AnswerScope;
  }[];
}

function groupsOf(split: Split, seed: number, sentences: number): readonly Group[] {
  const random = new Random(seed);
  const perDevice = split === 'train' ? CORPUS_SENTENCES_PER_DEVICE : SENTENCES_PER_DEVICE;
  return Array.from({ length: Math.ceil(sentences / perDevice) }, () => {
    const { words, examples } = makeGroup(random, split, perDevice);
    return { device: words.text, sentences: examples };
  });
}

function handGroups(): readonly Group[] {
  return goldSentences().map(({ device, sentence, rule }) => {
    const words = deviceWords(device);
    const prompt = promptOf(sentence, words);
    const answer = answerOfRule(rule, prompt);
    if (answer === undefined) throw new Error(`no answer means the rule of "${sentence}"`);
    return { device: words.text, sentences: [{ prompt: prompt.text, answer, scope: prompt }] };
  });
}

function encoded(groups: readonly Group[], vocabulary: Vocabulary): Buffer {
  const words: number[] = [];
  for (const { device, sentences } of groups) {
    const start = vocabulary.encode(`${device}\n`);
    words.push(start.length, sentences.length, ...start);
    for (const { prompt, answer, scope } of sentences) {
      const asked = vocabulary.encode(`${prompt}\n`);
      const said = [...vocabulary.encode(answer.map((word) => ` ${word}`).join('')), vocabulary.end];
      if (said.length !== answer.length + 1) throw new Error(`"${answer.join(' ')}" is not a token a word`);
      words.push(asked.length, said.length, ...asked, ...said);
      for (const at of said.keys()) {
        const allowed = allowedTokens(wordsAfter(answer.slice(0, at), scope), vocabulary);
        if (!allowed.includes(said[at] ?? -1))
          throw new Error(`the grammar does not allow "${answer.join(' ')}"`);
        words.push(allowed.length, ...allowed);
      }
    }
  }
  return Buffer.from(Uint16Array.from(words).buffer);
}

/** What the engine's mask leaves: the words, and what they begin with ("M" of "MA"), which is never right. */
function allowedTokens(words: readonly string[], vocabulary: Vocabulary): readonly number[] {
  const allowed = new Set<number>();
  for (const word of words) {
    if (word === END) allowed.add(vocabulary.end);
    else for (const token of vocabulary.beginningsOf(` ${word}`)) allowed.add(token);
  }
  return [...allowed];
}

function main(folder: string, sentences: number, seed: number): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'vocabulary.json');
  let vocabulary: Vocabulary;
  if (existsSync(file))
    vocabulary = new Vocabulary(JSON.parse(readFileSync(file, 'utf8')) as string[]); // written below
  else {
    const sample = groupsOf('train', 1, 20_000);
    vocabulary = trainVocabulary(
      sample.flatMap((group) => [`${group.device}\n`, ...group.sentences.map(({ prompt }) => `${prompt}\n`)]),
      VOCABULARY_SIZE,
    );
    writeFileSync(file, JSON.stringify(vocabulary.merges));
    if (answerTokens().some((word) => vocabulary.encode(` ${word}`).length !== 1))
      throw new Error('the vocabulary is too small');
  }
  if (!existsSync(join(folder, 'evaluation-hand.bin'))) {
    for (const split of ['names', 'templates'] as const) {
      const groups = groupsOf(split, EVALUATION_SEEDS[split], EVALUATION_SENTENCES);
      writeFileSync(join(folder, `evaluation-${split}.bin`), encoded(groups, vocabulary));
    }
    writeFileSync(join(folder, 'evaluation-hand.bin'), encoded(handGroups(), vocabulary));
  }
  const corpus = join(folder, `corpus-${seed}.bin`);
  // A trainer that is at work takes the next part as soon as it is there: never half of it.
  writeFileSync(`${corpus}.new`, encoded(groupsOf('train', seed, sentences), vocabulary));
  renameSync(`${corpus}.new`, corpus);
}

if (import.meta.main)
  main(process.argv[2] ?? 'training/data', Number(process.argv[3] ?? 400_000), Number(process.argv[4] ?? 2));
