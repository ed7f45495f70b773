/** Answers of a model file one after the other, on the engine itself: no scheduler, no worker, nothing to wait for. */
import { END, wordsAfter } from '../src/agent/rules/translator/answer-grammar.ts';
import { promptText, type Prompt } from '../src/agent/rules/translator/prompt.ts';
import type { Engine } from '../src/inference/embedded/engine.ts';

export interface Answer {
  readonly words: readonly string[];
  /** Of the whole answer, and of its least likely word; natural logarithms. */
  readonly logProbability: number;
  readonly leastLogProbability: number;
}

const WORDS_MAX = 40;

export class Answerer {
  readonly #engine: Engine;
  readonly #table: Int32Array;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#table = Int32Array.from(
      { length: engine.info.contextTokens / engine.info.blockTokens },
      (_, at) => at,
    );
  }

  /** Undefined when the prompt is longer than the context. */
  answer(prompt: Prompt): Answer | undefined {
    const tokens = this.#engine.tokenizer.encode(promptText(prompt));
    if (tokens.length + WORDS_MAX > this.#engine.info.contextTokens) return undefined;
    const words: string[] = [];
    let [sum, least] = [0, 0];
    let rows = [...tokens];
    let position = 0;
    while (words.length < WORDS_MAX) {
      const options = new Map(wordsAfter(words, prompt).map((word) => [this.#tokenOf(word), word]));
      const { token, logProbability } = this.#step(rows, position, options.keys());
      position += rows.length;
      sum += logProbability;
      least = Math.min(least, logProbability);
      const word = options.get(token) ?? END;
      if (word === END) break;
      words.push(word);
      rows = [token];
    }
    return { words, logProbability: sum, leastLogProbability: least };
  }

  #step(
    rows: readonly number[],
    start: number,
    options: Iterable<number>,
  ): { token: number; logProbability: number } {
    const mask = new Uint32Array((this.#engine.info.vocabulary + 31) >>> 5);
    for (const token of options) mask[token >>> 5] = (mask[token >>> 5] ?? 0) | (1 << (token & 31));
    const quadruples = rows.flatMap((token, at) => [0, token, start + at, at === rows.length - 1 ? 1 : 0]);
    const result = this.#engine.step({
      rows: Int32Array.from(quadruples),
      tables: [this.#table],
      masks: [mask],
      temperatures: new Float32Array(1),
      seeds: new Uint32Array(1),
      targets: Int32Array.of(-1),
    });
    return { token: result.tokens[0] ?? -1, logProbability: result.logProbabilities[0] ?? -Infinity };
  }

  #tokenOf(word: string): number {
    const { tokenizer } = this.#engine;
    return word === END ? tokenizer.eos : (tokenizer.encode(` ${word}`)[0] ?? -1);
  }
}
