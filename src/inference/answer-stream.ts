/** The rest of a streamed answer, after its first piece: time limits, errors, accounts. */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from './language-model.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Attempt, ModelCall } from './model-call.ts';
import type { ModelCounters } from './model-counters.ts';
import { afterMicrotasks } from './pacer.ts';

type Part = LanguageModelV4StreamPart;

interface StreamEnvironment {
  readonly clock: Clock;
  readonly counters: ModelCounters;
  readonly idleMs: number;
}

/** What ends a connection nobody reads any more; never the error itself, in which an endpoint may echo anything. */
const OVER = new DOMException('the answer is not read any more', 'AbortError');

/** Whether `part` is a piece of the answer, not a frame around it. */
export function isContent({ type }: Part): boolean {
  return !FRAMES.includes(type) && !type.endsWith('-start') && !type.endsWith('-end');
}

const FRAMES: readonly Part['type'][] = ['response-metadata', 'raw', 'ping', 'finish', 'error'];

type Delta = Extract<Part, { type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta' }>;

function isDelta(part: Part): part is Delta {
  return 'delta' in part && part.providerMetadata === undefined;
}

const NO_USAGE: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/**
 * `first` and what `attempt`'s reader gives, pulled as it is read: a slow reader slows the endpoint down, and
 * only the time we wait for the endpoint counts against it. Always ends with a `finish`, unless aborted.
 */
export function answerStream(
  call: ModelCall,
  attempt: Attempt<ReadableStreamDefaultReader<Part>>,
  first: readonly Part[],
  environment: StreamEnvironment,
): ReadableStream<Part> {
  const pump = new Pump(call, attempt, first, environment);
  return new ReadableStream<Part>(
    {
      pull: (controller) => pump.pull(controller),
      cancel: () => pump.cancel(),
    },
    { highWaterMark: 0 },
  );
}

class Pump {
  readonly #call: ModelCall;
  readonly #attempt: Attempt<ReadableStreamDefaultReader<Part>>;
  readonly #waiting: Part[];
  readonly #env: StreamEnvironment;
  #lastMs: number;
  /** A part that is being read already. */
  #coming: Promise<Part> | undefined;

  constructor(
    call: ModelCall,
    attempt: Attempt<ReadableStreamDefaultReader<Part>>,
    first: readonly Part[],
    environment: StreamEnvironment,
  ) {
    this.#call = call;
    this.#attempt = attempt;
    this.#waiting = [...first];
    this.#env = environment;
    this.#lastMs = environment.clock.now();
  }

  async pull(controller: ReadableStreamDefaultController<Part>): Promise<void> {
    const { life } = this.#attempt;
    try {
      life.signal.throwIfAborted();
      // The first piece goes on at once: somebody looks at an empty page.
      const part = this.#waiting.shift() ?? (await this.#withMore(await this.#next()));
      if (part.type === 'error') throw part.error;
      this.#account(part);
      controller.enqueue(part);
      if (part.type === 'finish') this.#finish(controller, part.usage);
    } catch (error) {
      this.#fail(controller, error);
    }
  }

  cancel(): void {
    // Whoever reads has left: as if it had aborted, without anybody to tell.
    this.#attempt.life.abort(OVER);
    this.#close(OVER);
    this.#call.left();
  }

  /** Pieces of one text that are there already become one: each costs whoever reads it much the same, whatever its size. */
  async #withMore(part: Part): Promise<Part> {
    let whole = part;
    while (isDelta(whole) && whole.delta.length < limits.modelPieceCharacters) {
      const next = await this.#nextIfThere();
      if (next === undefined) break;
      if (!isDelta(next) || next.type !== whole.type || next.id !== whole.id) {
        this.#waiting.push(next);
        break;
      }
      whole = { ...next, delta: whole.delta + next.delta };
    }
    return whole;
  }

  /** The next part, if nobody has to wait for it; else it is kept for `#next`. */
  async #nextIfThere(): Promise<Part | undefined> {
    const coming = this.#next();
    this.#coming = coming;
    // What fails is for whoever reads next to hear.
    const there = coming.catch(() => undefined);
    const rest = new Promise<undefined>((resolve) => afterMicrotasks(() => resolve(undefined)));
    const next = await Promise.race([there, rest]);
    if (next !== undefined) this.#coming = undefined;
    return next;
  }

  #next(): Promise<Part> {
    const coming = this.#coming ?? this.#read();
    this.#coming = undefined;
    return coming;
  }

  async #read(): Promise<Part> {
    const { life, value: reader } = this.#attempt;
    const { clock, counters, idleMs } = this.#env;
    const { done, value } = await life.within(reader.read(), idleMs, 'no further piece of its answer');
    if (done) throw new Error('the stream ended without a finish reason');
    if (isContent(value)) {
      counters.betweenTokens.observe(clock.now() - this.#lastMs);
      this.#lastMs = clock.now();
    }
    return value;
  }

  #account(part: Part): void {
    if ('delta' in part) this.#call.answerCharacters += part.delta.length;
    if (part.type === 'tool-call') this.#env.counters.toolCalls++;
  }

  #finish(controller: ReadableStreamDefaultController<Part>, usage: LanguageModelV4Usage): void {
    this.#call.done(usage);
    controller.close();
    this.#close('finished');
  }

  #fail(controller: ReadableStreamDefaultController<Part>, error: unknown): void {
    const isAborted = this.#call.options.abortSignal?.aborted === true;
    if (isAborted) controller.error(this.#call.aborted());
    else {
      controller.enqueue({ type: 'error', error: this.#call.failed(this.#call.failure(error).error) });
      controller.enqueue({
        type: 'finish',
        usage: NO_USAGE,
        finishReason: { unified: 'error', raw: undefined },
      });
      controller.close();
    }
    this.#attempt.life.abort(OVER);
    this.#close(OVER);
  }

  #close(reason: unknown): void {
    void this.#attempt.value.cancel(reason).catch(() => {}); // it may have failed already; nobody reads it any more
  }
}
