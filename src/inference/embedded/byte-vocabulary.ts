/** The vocabulary of our own small models: a token for each byte, its number the byte's, and special tokens behind them. */
import type { GgufField } from './gguf-writer.ts';
import { byteLetters } from './tokenizer.ts';

const NORMAL = 1;
const CONTROL = 3;

/**
 * The fields of a file with this vocabulary; the first of `specials` ends an answer. They are no text: a prompt
 * gets them by `tokenNamed`. @public
 */
export function byteVocabulary(specials: readonly string[]): Readonly<Record<string, GgufField>> {
  const letters = byteLetters();
  const names = [...letters, ...specials];
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': names,
    'tokenizer.ggml.token_type': {
      i32s: names.map((_, token) => (token < letters.length ? NORMAL : CONTROL)),
    },
    // None: but llama.cpp does not read a file without the list.
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.eos_token_id': { u32: letters.length },
    'tokenizer.ggml.bos_token_id': { u32: letters.length },
    'tokenizer.ggml.add_bos_token': false,
  };
}
