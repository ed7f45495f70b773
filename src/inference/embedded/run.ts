/**
 * A request at work or waiting: its tokens, how many of them the engine has read, the blocks they are in.
 * A run that is preempted gives its blocks back and keeps its tokens; what was published of them is found again.
 */
import type { PrefixNode } from './block-pool.ts';
import type {
  ChoiceRequest,
  GenerationPriority,
  GenerationRequest,
  GenerationTimes,
  GenerationUsage,
} from './generation.ts';
import type { OutputText } from './output-text.ts';
import type { TokenConstraint } from './token-constraint.ts';
import type { RequestEvents } from './engine-scheduler.ts';

const PRIORITIES: readonly GenerationPriority[] = ['alarm', 'interactive', 'background'];

/** What kind of answer is made. */
export type Work =
  | {
      readonly kind: 'text';
      readonly request: GenerationRequest;
      readonly maxTokens: number;
      readonly output: OutputText;
      readonly constraint: TokenConstraint | undefined;
      /** Of the constraint. */
      state: number;
    }
  | {
      readonly kind: 'choice';
      readonly request: ChoiceRequest;
      readonly options: readonly Int32Array[];
      readonly logProbabilities: number[];
    };

export interface RunStart {
  readonly id: number;
  readonly work: Work;
  readonly prompt: Int32Array;
  readonly seed: number;
  readonly nowMs: number;
  /** Earlier than now by what its priority is worth. */
  readonly turnMs: number;
  readonly events: RequestEvents;
}

export class Run {
  readonly id: number;
  readonly work: Work;
  readonly seed: number;
  readonly promptTokens: number;
  readonly submittedMs: number;
  readonly turnMs: number;
  readonly events: RequestEvents;
  /** Prompt, and what came after it. */
  readonly tokens: number[];
  /** Tokens the engine has read. */
  computed = 0;
  blocks: number[] = [];
  /** Of the last published block. */
  node: PrefixNode | undefined;
  published = 0;
  /** Found in the cache when it began. */
  cachedTokens: number | undefined;
  forcedTokens = 0;
  chosenTokens = 0;
  logProbabilitySum = 0;
  leastLogProbability = 0;
  startedMs: number | undefined;
  firstTokenMs: number | undefined;
  /** When a token of it came last, for the pause between two. */
  lastTokenMs: number | undefined;
  /** How many tokens would be found now, and when that was looked up. */
  peeked: { readonly tokens: number; readonly atMs: number } | undefined;

  constructor({ id, work, prompt, seed, nowMs, turnMs, events }: RunStart) {
    this.id = id;
    this.work = work;
    this.seed = seed;
    this.tokens = Array.from(prompt);
    this.promptTokens = prompt.length;
    this.submittedMs = nowMs;
    this.turnMs = turnMs;
    this.events = events;
  }

  get agent(): string {
    return this.work.request.agent;
  }

  get deadlineMs(): number {
    return this.submittedMs + (this.work.request.deadlineMs ?? Infinity);
  }

  /** Tokens to be read before it is known what comes next. Of a choice, the last one is read with each option. */
  get unread(): number {
    return this.tokens.length - this.computed - (this.work.kind === 'choice' ? 1 : 0);
  }

  /** Whether its prompt is read, and tokens come one by one. */
  get isDecoding(): boolean {
    return this.work.kind === 'text' && this.computed >= this.promptTokens;
  }

  /** Its turn comes before that of `other`. Never changes: two runs cannot push each other out in turns. */
  isBefore(other: Run): boolean {
    return this.turnMs < other.turnMs || (this.turnMs === other.turnMs && this.id < other.id);
  }

  /** Its turn comes first, and its priority is a higher one: it may stop `other`. */
  isMoreUrgentThan(other: Run): boolean {
    const rank = ({ work }: Run): number => PRIORITIES.indexOf(work.request.priority ?? 'interactive');
    return rank(this) < rank(other) && this.isBefore(other);
  }

  usage(): GenerationUsage {
    return {
      promptTokens: this.promptTokens,
      cachedTokens: this.cachedTokens ?? 0,
      outputTokens: this.tokens.length - this.promptTokens,
      forcedTokens: this.forcedTokens,
    };
  }

  times(nowMs: number): GenerationTimes {
    return {
      queueMs: (this.startedMs ?? nowMs) - this.submittedMs,
      firstTokenMs: (this.firstTokenMs ?? nowMs) - this.submittedMs,
      totalMs: nowMs - this.submittedMs,
    };
  }
}
