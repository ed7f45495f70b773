/**
 * A GGUF file of any architecture and size, run by llama.cpp through the optional package `node-llama-cpp`: for models
 * of 1 to 8 billion parameters, where its kernels are at home. One request at a time, one thread: with more threads than
 * idle cores it waits for them in busy loops, and the bridge with it.
 */
import { BridgeError } from '../../base/errors.ts';
import type { AskOptions } from '../embedded/engine-link.ts';
import type { ChatLine, Generation, GenerationRequest } from '../embedded/generation.ts';
import { gbnf } from './gbnf.ts';
import {
  loadLlamaPeer,
  type Llama,
  type LlamaHistoryItem,
  type LlamaModel,
  type LlamaPeer,
  type LlamaSequence,
} from './llama-peer.ts';

const THREADS = 1;

interface Opened {
  readonly peer: LlamaPeer;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly sequence: LlamaSequence;
}

export class LlamaCppEngine {
  readonly #file: string;
  readonly #load: () => Promise<LlamaPeer>;
  #opened: Promise<Opened> | undefined;

  constructor(file: string, load: () => Promise<LlamaPeer> = loadLlamaPeer) {
    this.#file = file;
    this.#load = load;
  }

  /** Text after a chat. @throws BridgeError BRG_MODEL_SPEC, BRG_MODEL_FILE; the reason of the signal when aborted */
  async generate(request: GenerationRequest, { signal, onText }: AskOptions = {}): Promise<Generation> {
    const startMs = performance.now();
    const { peer, llama, sequence } = await this.#open();
    signal?.throwIfAborted();
    const { before, last } = historyOf(request.prompt);
    const grammar =
      request.pattern === undefined
        ? undefined
        : await llama.createGrammar({ grammar: gbnf(request.pattern) });
    const session = new peer.LlamaChatSession({ contextSequence: sequence, autoDisposeSequence: false });
    const { usedInputTokens, usedOutputTokens } = sequence.tokenMeter;
    let firstTokenMs: number | undefined;
    try {
      session.setChatHistory(before);
      const { responseText, stopReason } = await session.promptWithMeta(last, {
        maxTokens: request.maxTokens,
        temperature: request.temperature ?? 0,
        ...(request.seed === undefined ? {} : { seed: request.seed }),
        ...(grammar === undefined ? {} : { grammar }),
        ...(request.stop === undefined ? {} : { customStopTriggers: request.stop }),
        ...(signal === undefined ? {} : { signal }),
        onTextChunk: (text) => {
          firstTokenMs ??= performance.now() - startMs;
          onText?.(text);
        },
      });
      const totalMs = performance.now() - startMs;
      const meter = sequence.tokenMeter;
      return {
        text: responseText,
        tokens: new Int32Array(0),
        reason: stopReason === 'maxTokens' ? 'length' : 'stop',
        logProbability: 0,
        leastLogProbability: 0,
        usage: {
          // It counts what it reads, not what it finds in its cache.
          promptTokens: meter.usedInputTokens - usedInputTokens,
          cachedTokens: 0,
          outputTokens: meter.usedOutputTokens - usedOutputTokens,
          forcedTokens: 0,
        },
        times: { queueMs: 0, firstTokenMs: firstTokenMs ?? totalMs, totalMs },
      };
    } finally {
      session.dispose();
    }
  }

  /** Gives the memory of the model back. Never rejects. */
  close(): void {
    void this.#opened?.then(({ model }) => model.dispose()).catch(() => undefined); // nobody asks it any more
    this.#opened = undefined;
  }

  #open(): Promise<Opened> {
    const opening = (this.#opened ??= this.#start());
    // The next request tries again: the package, or the file, may be there by then.
    opening.catch(() => (this.#opened = undefined));
    return opening;
  }

  async #start(): Promise<Opened> {
    const peer = await this.#load();
    try {
      const llama = await peer.getLlama({
        gpu: false,
        build: 'never',
        maxThreads: THREADS,
        logLevel: 'error',
      });
      const model = await llama.loadModel({ modelPath: this.#file });
      const context = await model.createContext({ threads: THREADS, sequences: 1 });
      return { peer, llama, model, sequence: context.getSequence() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new BridgeError('BRG_MODEL_FILE', `llama.cpp cannot open ${this.#file}: ${why}`, {
        cause: error,
      });
    }
  }
}

function historyOf(prompt: GenerationRequest['prompt']): { before: LlamaHistoryItem[]; last: string } {
  if (typeof prompt === 'string') return { before: [], last: prompt };
  if (prompt instanceof Int32Array) throw new BridgeError('BRG_MODEL_REQUEST', 'llama.cpp is asked in text');
  const before = [...prompt];
  const last = before.at(-1)?.role === 'user' ? (before.pop()?.text ?? '') : '';
  return { before: before.map(historyItem), last };
}

function historyItem({ role, text }: ChatLine): LlamaHistoryItem {
  return role === 'assistant' ? { type: 'model', response: [text] } : { type: role, text };
}
