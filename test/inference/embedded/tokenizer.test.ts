import { describe, expect, it } from 'vitest';
import type { GgufField } from '../../../src/inference/embedded/gguf-writer.ts';
import { parseGguf } from '../../../src/inference/embedded/gguf-reader.ts';
import { writeGguf } from '../../../src/inference/embedded/gguf-writer.ts';
import type { Tokenizer } from '../../../src/inference/embedded/engine.ts';
import { byteVocabulary } from '../../../src/inference/embedded/byte-vocabulary.ts';
import { byteLetters, readTokenizer } from '../../../src/inference/embedded/tokenizer.ts';

const read = (fields: Readonly<Record<string, GgufField>>): Tokenizer =>
  readTokenizer(parseGguf(writeGguf(fields, [])));

describe('a tokenizer of plain bytes', () => {
  const tokenizer = read(byteVocabulary(['<|end|>', '<|rule|>']));

  it('has a token for each byte, numbered as the byte, and gives every text back', () => {
    expect([...tokenizer.encode('aä\0')]).toEqual([97, 0xc3, 0xa4, 0]);
    for (const text of ['', 'stop the pump', '日本 \u{1f600}\r\n', '\ud800'])
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.toWellFormed());
    expect(tokenizer.decode([0xff, 97])).toBe('\ufffda');
  });

  it('has special tokens by name, which no text becomes and which have no bytes', () => {
    expect(tokenizer.eos).toBe(256);
    expect(tokenizer.bos).toBe(-1);
    expect(tokenizer.tokenNamed('<|rule|>')).toBe(257);
    expect([...tokenizer.encode('<|end|>')]).not.toContain(256);
    expect(tokenizer.decode([97, 257, 98, 256])).toBe('ab');
  });
});

describe('a tokenizer with merges', () => {
  /** As GPT-2's, of a few merges. `Ġ` is the space. */
  const merges = ['t h', 'th e', 'Ġ the', 'p u', 'm p', 'pu mp', 'a a', 'aa aa'];
  const names = [...byteLetters(), ...merges.map((merge) => merge.replace(' ', ''))];
  const tokenizer = read({
    ...byteVocabulary([]),
    'tokenizer.ggml.tokens': names,
    'tokenizer.ggml.token_type': { i32s: names.map(() => 1) },
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.eos_token_id': { u32: 0 },
  });
  const pieces = (text: string): string[] =>
    Array.from(tokenizer.encode(text), (token) => tokenizer.decode([token]));

  it('joins the pairs of the lowest rank first, within words', () => {
    expect(pieces('the the pump')).toEqual(['the', ' the', ' ', 'pump']);
    expect(pieces('aaaaaaa')).toEqual(['aaaa', 'aa', 'a']);
    expect(pieces('t he')).toEqual(['t', ' ', 'h', 'e']);
  });

  it('gives every text back, and takes a long word in time', () => {
    const text = 'The pump\'s 12 bars: "ä" \n\n  end ';
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode('a'.repeat(100_001)).length).toBe(25_001);
  });
});
