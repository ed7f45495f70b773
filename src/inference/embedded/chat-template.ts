/**
 * How a model knows a chat: with the special tokens its vocabulary has. Text never becomes a special token, so that
 * nothing a device or a page says can pretend to be somebody else.
 */
import type { Tokenizer } from './engine.ts';
import type { ChatLine } from './generation.ts';

/** Pieces around a line: names of special tokens, and text in between. */
interface Frame {
  /** All of them must be in the vocabulary. */
  readonly special: readonly string[];
  before(role: string): readonly string[];
  readonly after: readonly string[];
}

const FRAMES: readonly Frame[] = [
  {
    special: ['<|im_start|>', '<|im_end|>'],
    before: (role) => ['<|im_start|>', `${role}\n`],
    after: ['<|im_end|>', '\n'],
  },
  {
    special: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
    before: (role) => ['<|start_header_id|>', role, '<|end_header_id|>', '\n\n'],
    after: ['<|eot_id|>'],
  },
];

/** For a model that knows no chat: words, and hope. */
const PLAIN: Frame = { special: [], before: (role) => [`${role}: `], after: ['\n'] };

export class ChatTemplate {
  readonly #tokenizer: Tokenizer;
  readonly #frame: Frame;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    const isKnown = (name: string): boolean => tokenizer.tokenNamed(name) !== undefined;
    this.#frame = FRAMES.find(({ special }) => special.every(isKnown)) ?? PLAIN;
  }

  /** The chat, up to where the assistant's answer begins. */
  write(lines: readonly ChatLine[]): Int32Array {
    const tokens: number[] = [];
    for (const { role, text } of lines) {
      this.#frameTokens(tokens, this.#frame.before(role));
      tokens.push(...this.#tokenizer.encode(text));
      this.#frameTokens(tokens, this.#frame.after);
    }
    this.#frameTokens(tokens, this.#frame.before('assistant'));
    return Int32Array.from(tokens);
  }

  #frameTokens(tokens: number[], pieces: readonly string[]): void {
    for (const piece of pieces) {
      const special = this.#frame.special.includes(piece) ? this.#tokenizer.tokenNamed(piece) : undefined;
      if (special === undefined) tokens.push(...this.#tokenizer.encode(piece));
      else tokens.push(special);
    }
  }
}
