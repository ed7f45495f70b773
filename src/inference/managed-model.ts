/**
 * Any LanguageModelV4 as the agents get it: through the queue of its endpoint, with time limits, tries, a
 * circuit breaker, the agent's budget, stable errors, numbers and spans. The model within sees ordinary calls.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from './language-model.ts';
import { answerStream, isContent } from './answer-stream.ts';
import type { Lifetime } from './lifetime.ts';
import { ModelCall, type Attempt } from './model-call.ts';
import { affinity, type Endpoint, type ModelCaller, type ModelEnvironment } from './model-host.ts';

export class ManagedModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly #inner: LanguageModelV4;
  readonly #endpoint: Endpoint;
  readonly #caller: ModelCaller;
  readonly #env: ModelEnvironment;

  constructor(inner: LanguageModelV4, endpoint: Endpoint, caller: ModelCaller, env: ModelEnvironment) {
    this.#inner = inner;
    this.#endpoint = endpoint;
    this.#caller = caller;
    this.#env = env;
  }

  get provider(): string {
    return this.#inner.provider;
  }

  get modelId(): string {
    return this.#inner.modelId;
  }

  get supportedUrls(): LanguageModelV4['supportedUrls'] {
    return this.#inner.supportedUrls;
  }

  /** The whole answer. @throws BridgeError BRG_MODEL_...; the reason of the signal when aborted */
  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const call = new ModelCall(this.#endpoint, this.#caller, this.#env, options);
    const { totalMs } = this.#env.timeouts;
    const { value } = await call.attempt((life) =>
      life.within(this.#inner.doGenerate(this.#withSignal(call, life)), totalMs, 'no complete answer'),
    );
    this.#env.counters.toolCalls += value.content.filter(({ type }) => type === 'tool-call').length;
    call.done(value.usage);
    return value;
  }

  /**
   * The answer piece by piece, once the first piece is there. What fails later is an `error` part and a
   * `finish` with reason `error`; an abort errors the stream with the signal's reason.
   * @throws BridgeError BRG_MODEL_...; the reason of the signal when aborted
   */
  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const call = new ModelCall(this.#endpoint, this.#caller, this.#env, options);
    const attempt = await call.attempt((life) => this.#begin(call, life));
    const { clock, counters, timeouts } = this.#env;
    counters.firstToken.observe(clock.now() - call.startMs);
    const { result, reader, parts } = attempt.value;
    const rest: Attempt<typeof reader> = { value: reader, life: attempt.life };
    return {
      ...result,
      stream: answerStream(call, rest, parts, { clock, counters, idleMs: timeouts.idleMs }),
    };
  }

  /** Opens the stream and reads to the first part with content: what fails before can be tried again. */
  async #begin(call: ModelCall, life: Lifetime) {
    const { timeouts, clock } = this.#env;
    const endMs = clock.now() + timeouts.firstTokenMs;
    const soon = <T>(work: PromiseLike<T>): Promise<T> =>
      life.within(work, Math.max(endMs - clock.now(), 0), 'no first piece of an answer');
    const opening = this.#inner.doStream(this.#withSignal(call, life));
    const result = await soon(opening);
    const reader = result.stream.getReader();
    const parts: LanguageModelV4StreamPart[] = [];
    try {
      for (;;) {
        const { done, value: part } = await soon(reader.read());
        if (done) throw new Error('the stream ended without a finish reason');
        if (part.type === 'error') throw part.error;
        parts.push(part);
        if (isContent(part) || part.type === 'finish') return { result, reader, parts };
      }
    } catch (error) {
      void reader.cancel().catch(() => {}); // of a try that has failed already
      throw error;
    }
  }

  #withSignal(call: ModelCall, life: Lifetime): LanguageModelV4CallOptions {
    const headers = { ...call.options.headers, 'x-session-affinity': affinity(this.#caller.agent) };
    return { ...call.options, headers, abortSignal: life.signal };
  }
}
