/** What is said over the port between whoever asks and the engine's thread. Words of one step come as one list. */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../../base/errors.ts';
import type { KvBlob } from './chat-memory.ts';
import type { Choice, ChoiceRequest, Generation, GenerationRequest } from './generation.ts';

export type EngineOrder =
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly request: GenerationRequest | ChoiceRequest;
      /** What the agent kept of its last prompt. */
      readonly blob?: KvBlob;
      /** Wall clock. */
      readonly askedMs: number;
    }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'save'; readonly id: number; readonly agent: string };

export type EngineWord =
  | { readonly kind: 'text'; readonly id: number; readonly delta: string }
  | { readonly kind: 'done'; readonly id: number; readonly result: Generation | Choice }
  | ({ readonly kind: 'failed'; readonly id: number } & EngineFailure)
  | { readonly kind: 'saved'; readonly id: number; readonly blob: KvBlob | undefined };

/** A BridgeError, as it crosses. */
export interface EngineFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Over the port as well, once: the thread cannot serve, and why. The port closes then. */
export interface EngineRefusal extends EngineFailure {
  readonly kind: 'refused';
}

/** What the main thread sends the engine's: the other end of a port to serve. */
export interface EngineGuest {
  readonly port: MessagePort;
}

/** What the engine's thread sends the main one. */
export type EngineNews =
  | { readonly kind: 'totals'; readonly totals: Readonly<Record<string, number>> }
  | ({ readonly kind: 'failed' } & EngineFailure);

/** How whoever asks gets to the engine of a model file: hands `port` to its thread, which is started if need be. */
export type EngineGate = (path: string, port: MessagePort) => void;
