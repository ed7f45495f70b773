/**
 * Asks the engine of the rule model, word by word: of the words the grammar of answers leaves, which is the likeliest.
 * A choice and not a text under a pattern, since the model was trained among whole words only: of half a word it
 * knows nothing. What was read before is in the engine's cache, so a word costs one step.
 */
import { limits } from '../../../base/limits.ts';
import { END, wordsAfter } from './answer-grammar.ts';
import type { AskModel, ModelAnswer } from './model-translator.ts';
import { promptText, type Prompt } from './prompt.ts';

/** The engine, as it is asked here; log probabilities are among all words it knows. */
export interface WordChooser {
  choose(
    request: { readonly agent: string; readonly prompt: string; readonly options: readonly string[] },
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly index: number; readonly logProbabilities: readonly number[] }>;
}

/** Nothing is started before the first sentence. What it makes rejects with what the engine says, or when it takes too long. */
export function askEngine(engine: WordChooser): AskModel {
  return async (prompt, agent) => {
    const signal = AbortSignal.timeout(limits.ruleTranslateMs);
    return answerOf(prompt, (said, options) =>
      engine.choose({ agent, prompt: promptText(prompt) + said, options }, { signal }),
    );
  };
}

type Choose = (said: string, options: readonly string[]) => ReturnType<WordChooser['choose']>;

async function answerOf(prompt: Prompt, choose: Choose): Promise<ModelAnswer | undefined> {
  const words: string[] = [];
  let confidence = 1;
  while (words.length < limits.ruleAnswerWordsMax) {
    const options = wordsAfter(words, prompt);
    const [only = END, another] = options;
    let word = only;
    if (another !== undefined) {
      const said = words.map(asText).join('');
      const { index, logProbabilities } = await choose(said, options.map(asText));
      word = options[index] ?? END;
      confidence = Math.min(confidence, shareOf(index, logProbabilities));
    }
    if (word === END) return { words, confidence };
    words.push(word);
  }
  return undefined;
}

function asText(word: string): string {
  return word === END ? '' : ` ${word}`;
}

/** How likely the one is among all of them. */
function shareOf(index: number, logProbabilities: readonly number[]): number {
  const chosen = logProbabilities[index] ?? -Infinity;
  return 1 / logProbabilities.reduce((sum, one) => sum + Math.exp(one - chosen), 0);
}
