/** Kinds of settings: each takes its value as JSON has it, or as a flag or a variable has its text. */
import { z } from 'zod';

/** A number, or its text from a flag or a variable. An empty text is no 0: `MOORING_HTTP_PORT=` is a mistake. */
export function wholeNumber(min: number, max: number) {
  const rule = `must be a whole number ${min}..${max}`;
  const fromText = (value: unknown): unknown =>
    typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return z.preprocess(fromText, z.number(rule).int(rule).min(min, rule).max(max, rule));
}

/** Some of these words: a list, or a text with commas from a flag or a variable. */
export function wordList<const W extends string>(words: readonly [W, ...W[]]) {
  const fromText = (value: unknown): unknown =>
    typeof value === 'string' ? value.split(',').map((word) => word.trim()) : value;
  const rule = `must be a list of ${words.join(', ')}`;
  return z.preprocess(fromText, z.array(z.enum(words, rule), rule).readonly());
}

/** A text that may be left away. */
export function text(meaning: string, charactersMin = 1) {
  return z.string().min(charactersMin).nullable().default(null).describe(meaning);
}
