import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from './language-model.ts';

/** Characters of English, and of JSON, to a token: a rough mean of the usual tokenizers. */
const CHARACTERS_PER_TOKEN = 4;
/** What a picture counts as: about a thousand tokens. */
const FILE_CHARACTERS = 4_000;

export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** Characters the model will read, the descriptions of the tools included. */
export function promptCharacters({ prompt, tools }: LanguageModelV4CallOptions): number {
  const messages = prompt.reduce((sum, message) => sum + messageCharacters(message), 0);
  return messages + (tools === undefined ? 0 : JSON.stringify(tools).length);
}

function messageCharacters({ content }: LanguageModelV4Prompt[number]): number {
  if (typeof content === 'string') return content.length;
  return content.reduce((sum, part) => {
    switch (part.type) {
      case 'text':
      case 'reasoning':
        return sum + part.text.length;
      case 'tool-call':
        return sum + (JSON.stringify(part.input) ?? '').length;
      case 'tool-result':
        return sum + (part.output.type === 'content' ? FILE_CHARACTERS : JSON.stringify(part.output).length);
      default:
        return sum + FILE_CHARACTERS;
    }
  }, 0);
}
