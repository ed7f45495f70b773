/**
 * What is used of the optional package `node-llama-cpp` 3: it is not a dependency, so these are its names as we know
 * them. https://node-llama-cpp.withcat.ai/api/functions/getLlama
 */
import { BridgeError } from '../../base/errors.ts';

export interface LlamaPeer {
  getLlama(options: { gpu: false; build: 'never'; maxThreads: number; logLevel: 'error' }): Promise<Llama>;
  readonly LlamaChatSession: new (options: {
    contextSequence: LlamaSequence;
    autoDisposeSequence: false;
  }) => LlamaChatSession;
}

export interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  createGrammar(options: { grammar: string }): Promise<object>;
}

export interface LlamaModel {
  createContext(options: { threads: number; sequences: number }): Promise<{ getSequence(): LlamaSequence }>;
  dispose(): Promise<void>;
}

export interface LlamaSequence {
  readonly tokenMeter: { readonly usedInputTokens: number; readonly usedOutputTokens: number };
}

export type LlamaHistoryItem =
  | { readonly type: 'system' | 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: readonly string[] };

export interface LlamaChatSession {
  setChatHistory(history: LlamaHistoryItem[]): void;
  promptWithMeta(
    text: string,
    options: LlamaPromptOptions,
  ): Promise<{ responseText: string; stopReason: string }>;
  dispose(): void;
}

export interface LlamaPromptOptions {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed?: number;
  readonly grammar?: object;
  readonly customStopTriggers?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onTextChunk: (text: string) => void;
}

const PACKAGE = 'node-llama-cpp';

/** Loads the package. @throws BridgeError BRG_MODEL_SPEC that says how to install it */
export async function loadLlamaPeer(): Promise<LlamaPeer> {
  try {
    return (await import(PACKAGE)) as LlamaPeer; // its names as above
  } catch (error) {
    throw new BridgeError(
      'BRG_MODEL_SPEC',
      "model 'llama.cpp:...' needs the package node-llama-cpp: npm install --omit=optional --ignore-scripts " +
        'node-llama-cpp@3 @node-llama-cpp/linux-x64@3 (85 MB; without --omit=optional 725 MB)',
      { cause: error },
    );
  }
}
