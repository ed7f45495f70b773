/** The body of a server's answer, cut off when it is larger or comes faster than a sound one would. */
import { limits } from '../../../base/limits.ts';
import { BridgeError } from '../../../base/errors.ts';

/**
 * How much may have come after `elapsedMs`: an answer has a size; an event stream has a rate as well, because it may
 * last for days.
 */
function allowedBytes(isEventStream: boolean, elapsedMs: number): number {
  const rate = isEventStream ? limits.mcpStreamBytesPerSecond : 0;
  return limits.mcpAnswerBytesMax + (rate * elapsedMs) / 1000;
}

/** Counts the pieces of one answer. */
export class AnswerMeter {
  readonly #isEventStream: boolean;
  readonly #startMs: number;
  #bytes = 0;

  constructor(isEventStream: boolean, nowMs: number) {
    this.#isEventStream = isEventStream;
    this.#startMs = nowMs;
  }

  /** BRG_MCP_ANSWER when it is too much. */
  count(bytes: number, nowMs: number): BridgeError | undefined {
    this.#bytes += bytes;
    if (this.#bytes <= allowedBytes(this.#isEventStream, nowMs - this.#startMs)) return undefined;
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
