/**
 * What the scheduler knows of the embedded engine. Both live in one worker thread, so the engine is synchronous:
 * one WebAssembly call a step. The scheduler owns the blocks (their ids, who uses them, which prefixes they hold);
 * the engine owns the memory behind the ids.
 *
 * I1 A row reads the keys and values of its sequence at positions up to its own, and writes those of its own
 *    position; all earlier positions were rows before, in this step or another.
 * I2 A block that two tables share is never written: who wants to go on in it takes a copy (`copyBlock`) first.
 * I3 The same step on the same memory gives the same result, on every machine and with either build of the kernels.
 */

/** The model a file holds, and the memory that was laid out for it. @public */
export interface EngineInfo {
  /** `llama`: the only one there is. */
  readonly architecture: string;
  readonly vocabulary: number;
  /** Positions a sequence may have. */
  readonly contextTokens: number;
  readonly blockTokens: number;
  /** KV blocks there are, ids 0 to `blocks` - 1. */
  readonly blocks: number;
  /** In memory. */
  readonly kvBytesPerToken: number;
  /** As `readBlocks` gives them. */
  readonly storedBytesPerToken: number;
  /** Of weights and format: KV with another one never fits. */
  readonly fingerprint: string;
}

/** Rows of all sequences that get on together. @public */
export interface EngineStep {
  /**
   * Quadruples: sequence (index into `tables`), token, position, 1 where logits are wanted. Rows of a sequence are
   * in order of position.
   */
  readonly rows: Int32Array;
  /** Of each sequence its blocks in order; position p lies in block p >> 4, row p & 15. */
  readonly tables: readonly Int32Array[];
  /** This and the following have an entry for each row that wants logits, in order. Bits of the vocabulary; undefined: every token. */
  readonly masks: readonly (Uint32Array | undefined)[];
  /** 0 = greedy. */
  readonly temperatures: Float32Array;
  /** What chance is made of, together with the position. */
  readonly seeds: Uint32Array;
  /** -1: pick a token; else only the log-probability of this one. */
  readonly targets: Int32Array;
}

/** An entry for each row that wanted logits. @public */
export interface StepResult {
  /** Picked, or the target. */
  readonly tokens: Int32Array;
  /** Natural logarithm, at temperature 1, among the tokens of the mask. */
  readonly logProbabilities: Float32Array;
}

/** Texts to tokens and back. @public */
export interface Tokenizer {
  readonly vocabulary: number;
  /** Ends an answer. */
  readonly eos: number;
  /** Begins a sequence; -1: this model has none. */
  readonly bos: number;
  /** Of text alone: the names of special tokens in it are plain text. */
  encode(text: string): Int32Array;
  /** Of the bytes of the tokens; special tokens have none. What is no UTF-8 becomes U+FFFD. */
  decode(tokens: Iterable<number>): string;
  bytesOf(token: number): Uint8Array;
  /** The token the vocabulary lists under this name, special ones included. */
  tokenNamed(name: string): number | undefined;
}

/** A model in memory. Not for two threads. @public */
export interface Engine {
  readonly info: EngineInfo;
  readonly tokenizer: Tokenizer;
  /** @throws BridgeError BRG_INTERNAL for rows, blocks or tokens that cannot be: a bug of the caller */
  step(step: EngineStep): StepResult;
  copyBlock(from: number, to: number): void;
  /** What the blocks hold, int8: `storedBytesPerToken` x `blockTokens` bytes each. */
  readBlocks(blocks: Int32Array): Uint8Array;
  /** Fills blocks with what `readBlocks` gave. @throws BridgeError BRG_MODEL_STATE for bytes that are no such thing; nothing is changed */
  writeBlocks(blocks: Int32Array, bytes: Uint8Array): void;
  /** Gives the memory back; the engine is of no use afterwards. */
  close(): void;
}
