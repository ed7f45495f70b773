/** What a server sends, counted before it is read: cut off when it is larger or comes faster than a sound answer would. */
import { limits } from '../../../base/limits.ts';
import { BridgeError } from '../../../base/errors.ts';

/** Of tools, prompts and resources, asked for at once. */
const LISTS = 3;

/**
 * Counts the pieces of one answer, or of a stream. An answer has a size; a stream, which may last for days, has a rate
 * as well: what it does not use is not saved up beyond the size of one answer.
 */
export class AnswerMeter {
  readonly #isEventStream: boolean;
  #credit: number = limits.mcpAnswerBytesMax;
  #atMs: number;

  constructor(isEventStream: boolean, nowMs: number) {
    this.#isEventStream = isEventStream;
    this.#atMs = nowMs;
  }

  /** On a stream that all answers come by: one more may come, of any size. */
  expectAnswer(): void {
    const max = (limits.mcpCallsMax + LISTS) * limits.mcpAnswerBytesMax;
    this.#credit = Math.min(max, this.#credit + limits.mcpAnswerBytesMax);
  }

  /** BRG_MCP_ANSWER when it is too much. */
  count(bytes: number, nowMs: number): BridgeError | undefined {
    const rate = this.#isEventStream ? limits.mcpStreamBytesPerSecond : 0;
    const refilled = this.#credit + (rate * Math.max(0, nowMs - this.#atMs)) / 1000;
    this.#credit = Math.max(this.#credit, Math.min(limits.mcpAnswerBytesMax, refilled)) - bytes;
    this.#atMs = nowMs;
    if (this.#credit >= 0) return undefined;
    const what = this.#isEventStream
      ? 'the server floods its event stream'
      : 'the answer of the server is too large';
    return new BridgeError('BRG_MCP_ANSWER', `${what} (more than ${limits.mcpAnswerBytesMax} bytes)`);
  }
}

/** Counts messages of a connection: a bucket of a second's worth that refills as fast. */
export class MessageMeter {
  #credit: number = limits.mcpMessagesPerSecond;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Whether this message is one too many. */
  isFlood(nowMs: number): boolean {
    const max = limits.mcpMessagesPerSecond;
    this.#credit = Math.min(max, this.#credit + ((nowMs - this.#atMs) * max) / 1000);
    this.#atMs = nowMs;
    return --this.#credit < 0;
  }
}
