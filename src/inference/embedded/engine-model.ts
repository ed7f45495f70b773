/** The engine of a model file as a LanguageModelV4: what the AI SDK asks, answered in this process. */
import { BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '../language-model.ts';
import { chatRequest } from './chat-request.ts';
import type { KvBlob } from './chat-memory.ts';
import type { AskOptions } from './engine-link.ts';
import type { Generation, GenerationPriority, GenerationRequest } from './generation.ts';

/** Where an agent keeps what the engine has read for it, while it sleeps. */
export interface KvKeeper {
  /** What was kept, once: it is in the engine's memory afterwards. */
  take(): KvBlob | undefined;
}

export interface EngineCaller {
  readonly agent: string;
  readonly priority: GenerationPriority;
  readonly keeper?: KvKeeper | undefined;
}

/** Whatever makes text of a prompt: our engine, or another one. */
export interface TextEngine {
  generate(request: GenerationRequest, options: AskOptions): Promise<Generation>;
}

export class EngineModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = 'mooring';
  readonly modelId: string;
  readonly supportedUrls = {};
  readonly #engine: TextEngine;
  readonly #caller: EngineCaller;

  constructor(modelId: string, engine: TextEngine, caller: EngineCaller) {
    this.modelId = modelId;
    this.#engine = engine;
    this.#caller = caller;
  }

  /** The whole answer. @throws BridgeError BRG_MODEL_...; the reason of the signal when aborted */
  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const { request, mayCall, warnings } = chatRequest(options);
    const { agent, priority, keeper } = this.#caller;
    const generation = await this.#engine.generate(
      { ...request, agent, priority },
      { signal: options.abortSignal, blob: keeper?.take() },
    );
    const call = mayCall ? readCall(generation.text) : undefined;
    return {
      content: [
        call === undefined ? { type: 'text', text: generation.text } : { type: 'tool-call', ...call },
      ],
      finishReason: finishReason(generation, call !== undefined),
      usage: usageOf(generation),
      providerMetadata: { mooring: aboutIt(generation) },
      warnings,
    };
  }

  /** The same, in pieces as they come. @throws as doGenerate, until the first piece */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must be a rejection
  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    options.abortSignal?.throwIfAborted();
    const { request, mayCall, warnings } = chatRequest(options);
    const { agent, priority, keeper } = this.#caller;
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, ...(options.abortSignal ? [options.abortSignal] : [])]);
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => {
        controller.enqueue({ type: 'stream-start', warnings });
        const parts = new AnswerParts((part) => controller.enqueue(part), mayCall);
        const asked = { signal, blob: keeper?.take(), onText: (delta: string) => parts.add(delta) };
        this.#engine.generate({ ...request, agent, priority }, asked).then(
          (generation) => {
            parts.end(generation);
            controller.close();
          },
          (error: unknown) => controller.error(error),
        );
      },
      // Whoever reads has left: nobody is told.
      cancel: () => left.abort(new BridgeError('BRG_ABORTED', 'the answer is not read any more')),
    });
    return { stream };
  }
}

interface ToolCall {
  readonly toolCallId: string;
  readonly toolName: string;
  /** JSON. */
  readonly input: string;
}

/** Parts of a streamed answer. A call of a tool is one when it is whole: half of one is of no use. */
class AnswerParts {
  readonly #enqueue: (part: LanguageModelV4StreamPart) => void;
  readonly #mayCall: boolean;
  #kind: 'none' | 'text' | 'call' = 'none';

  constructor(enqueue: (part: LanguageModelV4StreamPart) => void, mayCall: boolean) {
    this.#enqueue = enqueue;
    this.#mayCall = mayCall;
  }

  add(delta: string): void {
    if (this.#kind === 'none') {
      // The pattern lets no text begin with a brace.
      this.#kind = this.#mayCall && delta.startsWith('{') ? 'call' : 'text';
      if (this.#kind === 'text') this.#enqueue({ type: 'text-start', id: '0' });
    }
    if (this.#kind === 'text') this.#enqueue({ type: 'text-delta', id: '0', delta });
  }

  end(generation: Generation): void {
    if (this.#kind === 'text') this.#enqueue({ type: 'text-end', id: '0' });
    const call = this.#kind === 'call' ? readCall(generation.text) : undefined;
    if (call !== undefined) {
      const { toolCallId: id, toolName, input } = call;
      this.#enqueue({ type: 'tool-input-start', id, toolName });
      this.#enqueue({ type: 'tool-input-delta', id, delta: input });
      this.#enqueue({ type: 'tool-input-end', id });
      this.#enqueue({ type: 'tool-call', ...call });
    }
    this.#enqueue({
      type: 'finish',
      finishReason: finishReason(generation, call !== undefined),
      usage: usageOf(generation),
      providerMetadata: { mooring: aboutIt(generation) },
    });
  }
}

/** Undefined for text, and for a call that was cut. */
function readCall(text: string): ToolCall | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const { tool, input } = JSON.parse(text) as { tool?: unknown; input?: unknown }; // checked below
    if (typeof tool !== 'string') return undefined;
    return { toolCallId: newId(), toolName: tool, input: JSON.stringify(input) };
  } catch {
    // It reached its limit of tokens: the finish reason says so.
    return undefined;
  }
}

function finishReason(
  { reason }: Generation,
  isCall: boolean,
): LanguageModelV4GenerateResult['finishReason'] {
  return { unified: isCall ? 'tool-calls' : reason, raw: reason };
}

function usageOf({ usage }: Generation): LanguageModelV4Usage {
  const { promptTokens, cachedTokens, outputTokens } = usage;
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedTokens,
      cacheRead: cachedTokens,
      cacheWrite: 0,
    },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
  };
}

/** Which tier answered, how sure it was of its tokens, what it cost. */
function aboutIt({ logProbability, usage, times }: Generation): Record<string, string | number> {
  return {
    tier: 'embedded',
    confidence: Math.exp(logProbability),
    cachedTokens: usage.cachedTokens,
    queueMs: times.queueMs,
    ms: times.totalMs,
  };
}
