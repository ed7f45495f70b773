/** What is asked of the embedded engine and what it answers: plain data, which crosses between threads as it is. */
import type { Pattern } from './pattern.ts';

/** `alarm` before `interactive` before `background`; who waits long enough rises. @public */
export type GenerationPriority = 'alarm' | 'interactive' | 'background';

/** Something said in a chat. @public */
export interface ChatLine {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/** What both kinds of requests have. @public */
export interface GenerationBasics {
  /** `model/id`: an agent has one request at work, the others wait. */
  readonly agent: string;
  /**
   * Text, tokens of this engine, or what was said in a chat, which is written as the model knows it. What is the same
   * for many agents comes first: it is read once.
   */
  readonly prompt: string | Int32Array | readonly ChatLine[];
  /** Default `interactive`. */
  readonly priority?: GenerationPriority;
  /** It is given up when it is not done after so long; default: no limit of its own. */
  readonly deadlineMs?: number;
  /** A request that still waits, of the same agent with the same name here, is dropped for this newer one. */
  readonly replaces?: string;
}

/** Text that goes on after the prompt. @public */
export interface GenerationRequest extends GenerationBasics {
  readonly maxTokens: number;
  /** 0, the default: always the likeliest token. */
  readonly temperature?: number;
  /** Of the choice of tokens; default: another one each time. */
  readonly seed?: number;
  /** What the text must look like, byte by byte. */
  readonly pattern?: Pattern;
  /** The text ends before any of these. */
  readonly stop?: readonly string[];
  /** Whether pieces are wanted as they come; else only the whole. */
  readonly wantsPieces?: boolean;
}

/** How likely each of several continuations is, in one step. @public */
export interface ChoiceRequest extends GenerationBasics {
  /** '' is the end of the text. */
  readonly options: readonly string[];
}

/** Tokens of a request. */
export interface GenerationUsage {
  readonly promptTokens: number;
  /** Of those, found in the prefix cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of those, the only ones the pattern left: nothing was computed to choose them. */
  readonly forcedTokens: number;
}

export interface GenerationTimes {
  readonly queueMs: number;
  /** From the request to the first token. */
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/** A text that was generated. @public */
export interface Generation {
  readonly text: string;
  readonly tokens: Int32Array;
  /** `stop`: the model, the pattern or a stop text ended it; `length`: maxTokens or the context did. */
  readonly reason: 'stop' | 'length';
  /** Mean over the tokens that were chosen; 0 when all were forced. */
  readonly logProbability: number;
  /** Of the least likely token that was chosen. */
  readonly leastLogProbability: number;
  readonly usage: GenerationUsage;
  readonly times: GenerationTimes;
}

/** How likely each option is. @public */
export interface Choice {
  /** Of the likeliest. */
  readonly index: number;
  /** Sum over the tokens of each option. */
  readonly logProbabilities: readonly number[];
  readonly usage: GenerationUsage;
  readonly times: GenerationTimes;
}
