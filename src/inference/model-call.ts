/**
 * One request of an agent to a model, from the wait in the queue to its last piece: tries, limits, accounts.
 *
 * I1 A request holds a slot of its endpoint's queue while a try runs, not while it waits for the next.
 * I2 It is tried again only as long as nothing of an answer was handed out.
 * I3 However it ends, once: the budget is settled, the span ended, the outcome counted.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Usage } from './language-model.ts';
import { fullJitterMs } from '../base/backoff.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { activeTracer, endFailed } from '../base/tracing.ts';
import type { Pass } from './circuit-breaker.ts';
import { Lifetime } from './lifetime.ts';
import { modelFailure, type Failure } from './model-errors.ts';
import type { Endpoint, ModelCaller, ModelEnvironment } from './model-host.ts';
import type { Slot } from './scheduler.ts';
import { estimateTokens, promptCharacters } from './token-estimate.ts';
import type { Reservation } from './token-budget.ts';

/** A try that has begun to answer. */
export interface Attempt<T> {
  readonly value: T;
  readonly life: Lifetime;
}

export class ModelCall {
  readonly startMs: number;
  /** Those of the caller, held to what is left of its budget. */
  readonly options: LanguageModelV4CallOptions;
  /** Characters of answer handed out so far. */
  answerCharacters = 0;
  readonly #endpoint: Endpoint;
  readonly #caller: ModelCaller;
  readonly #env: ModelEnvironment;
  readonly #reservation: Reservation;
  readonly #estimatedIn: number;
  readonly #span: ReturnType<NonNullable<ReturnType<typeof activeTracer>>['startSpan']> | undefined;
  #slot: Slot | undefined;
  #life: Lifetime | undefined;
  #endMs: number | undefined;
  #isOver = false;

  /** @throws BridgeError BRG_MODEL_BUDGET; the signal's reason if it was aborted before */
  constructor(
    endpoint: Endpoint,
    caller: ModelCaller,
    env: ModelEnvironment,
    options: LanguageModelV4CallOptions,
  ) {
    options.abortSignal?.throwIfAborted();
    this.#endpoint = endpoint;
    this.#caller = caller;
    this.#env = env;
    this.startMs = env.clock.now();
    env.counters.requests++;
    this.#estimatedIn = estimateTokens(promptCharacters(options));
    const output = options.maxOutputTokens ?? limits.modelTokensReserved;
    const least = this.#estimatedIn + 1;
    this.#reservation = this.#counted(() =>
      env.budget.reserve(caller.agent, least, this.#estimatedIn + output),
    );
    const left = this.#reservation.leftTokens - this.#estimatedIn;
    // Never more output than the day has left.
    this.options = left < output ? { ...options, maxOutputTokens: left } : options;
    this.#span = activeTracer()?.startSpan(`chat ${endpoint.name}`, {
      // https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': endpoint.provider,
        'gen_ai.request.model': endpoint.name,
        'mooring.agent': caller.agent,
      },
    });
  }

  /**
   * Runs `work` in a slot until it succeeds. The slot and the lifetime stay until `done`, `failed` or `aborted`.
   * @throws BridgeError BRG_MODEL_...; the reason of the caller's signal
   */
  async attempt<T>(work: (life: Lifetime) => Promise<T>): Promise<Attempt<T>> {
    for (let attempt = 1; ; attempt++) {
      const pass = await this.#admitted();
      const life = this.#begin();
      try {
        const value = await work(life);
        pass.succeeded();
        return { value, life };
      } catch (thrown) {
        this.#release();
        if (this.options.abortSignal?.aborted === true) {
          pass.abandoned();
          throw this.aborted();
        }
        const failure = this.failure(thrown);
        if (failure.isEndpointDown) pass.failed(failure.retryAfterMs);
        else pass.succeeded(); // it answered, if only to refuse
        if (failure.error.code === 'BRG_MODEL_REFUSED' && this.#endpoint.refreshKey() && attempt === 1)
          continue;
        await this.#pause(attempt, failure);
      }
    }
  }

  /** What `error` of the model is, with the time limit that caused it if one did. */
  failure(error: unknown): Failure {
    const cause: unknown = this.#life?.signal.aborted === true ? this.#life.signal.reason : error;
    return modelFailure(cause, this.#endpoint.redact, this.#env.clock.now());
  }

  /** The answer is complete. */
  done(usage: LanguageModelV4Usage | undefined): void {
    if (!this.#close()) return;
    const { counters, clock } = this.#env;
    const tokensIn = usage?.inputTokens.total ?? this.#estimatedIn;
    const tokensOut = usage?.outputTokens.total ?? estimateTokens(this.answerCharacters);
    counters.tokensIn += tokensIn;
    counters.tokensOut += tokensOut;
    counters.tokensCached += usage?.inputTokens.cacheRead ?? 0;
    counters.duration.observe(clock.now() - this.startMs);
    this.#reservation.settle(tokensIn + tokensOut);
    this.#span?.setAttributes({
      'gen_ai.usage.input_tokens': tokensIn,
      'gen_ai.usage.output_tokens': tokensOut,
    });
    this.#span?.end();
  }

  /** It ends with `error`. Returns it. */
  failed(error: BridgeError): BridgeError {
    if (!this.#close()) return error;
    this.#env.counters.failed(error.code);
    // Until a limit of ours ended it, or in the middle, the endpoint did work that somebody pays for.
    const hasWorked = error.code === 'BRG_MODEL_TIMEOUT' || this.answerCharacters > 0;
    this.#reservation.settle(hasWorked ? this.#estimatedIn + estimateTokens(this.answerCharacters) : 0);
    this.#span?.setAttribute('error.type', error.code);
    if (this.#span !== undefined) endFailed(this.#span, error);
    return error;
  }

  /** The caller gave it up. Returns the reason of its signal. */
  aborted(): Error {
    this.left();
    return this.options.abortSignal?.reason as Error; // any value may be the reason of a signal
  }

  /** Nobody waits for the rest any more. */
  left(): void {
    if (!this.#close()) return;
    this.#env.counters.aborts++;
    this.#reservation.settle(
      this.#endMs === undefined ? 0 : this.#estimatedIn + estimateTokens(this.answerCharacters),
    );
    this.#span?.setAttribute('error.type', 'aborted');
    this.#span?.end();
  }

  async #admitted(): Promise<Pass> {
    const { agent, priority = 'interactive' } = this.#caller;
    const signal = this.options.abortSignal;
    const { breaker, queue } = this.#endpoint;
    try {
      breaker.check(); // before waiting for a turn that would come to nothing
      this.#slot = await queue.acquire({ agent, priority, signal });
      this.#env.counters.queueWait.observe(this.#slot.waitedMs);
      return breaker.enter();
    } catch (error) {
      this.#release();
      throw signal?.aborted === true ? this.aborted() : this.failed(this.failure(error).error);
    }
  }

  #begin(): Lifetime {
    const { clock, timeouts } = this.#env;
    this.#endMs ??= clock.now() + timeouts.totalMs;
    const leftMs = Math.max(this.#endMs - clock.now(), 0);
    this.#life = new Lifetime(clock, this.options.abortSignal, leftMs, timeouts.totalMs);
    return this.#life;
  }

  /** Waits before the next try, or throws what the last one failed with. */
  async #pause(attempt: number, failure: Failure): Promise<void> {
    const { clock, random, counters } = this.#env;
    const jitterMs = fullJitterMs(attempt, limits.modelBackoffBaseMs, limits.modelBackoffMaxMs, random);
    const waitMs = Math.max(jitterMs, failure.retryAfterMs ?? 0);
    const isLast = attempt >= limits.modelAttemptsMax || !failure.isRetryable;
    const isTooLong = waitMs > limits.modelRetryAfterMs || clock.now() + waitMs >= (this.#endMs ?? Infinity);
    if (isLast || isTooLong) throw this.failed(failure.error);
    counters.retries++;
    const signal = this.options.abortSignal;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const cancel = clock.after(waitMs, wake);
    signal?.addEventListener('abort', wake, { once: true });
    if (signal?.aborted !== true) await promise;
    cancel();
    signal?.removeEventListener('abort', wake);
    if (signal?.aborted === true) throw this.aborted();
  }

  #release(): void {
    this.#life?.end();
    this.#slot?.release();
    this.#slot = undefined;
  }

  /** Whether this is the end, see I3. */
  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#release();
    return true;
  }

  #counted<T>(code: () => T): T {
    try {
      return code();
    } catch (error) {
      if (error instanceof BridgeError) this.#env.counters.failed(error.code);
      throw error;
    }
  }
}
