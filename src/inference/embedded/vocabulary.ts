/**
 * The tokens of an engine in the order of their bytes, so that what has a common beginning is walked once: all tokens
 * an automaton leaves are found in about as many steps as they have different beginnings.
 */
import type { Tokenizer } from './engine.ts';
import { DEAD, type ByteAutomaton } from './byte-automaton.ts';

export class Vocabulary {
  readonly size: number;
  readonly eos: number;
  readonly #tokenizer: Tokenizer;
  /** Tokens that stand for bytes, sorted by them. */
  readonly #sorted: Int32Array;
  readonly #bytes: Uint8Array[];
  /** Bytes each sorted token has in common with the one before it. */
  readonly #common: Int32Array;
  /** The token of each byte, where there is one. */
  readonly #single = new Int32Array(256).fill(-1);

  constructor(tokenizer: Tokenizer, size: number) {
    this.size = size;
    this.eos = tokenizer.eos;
    this.#tokenizer = tokenizer;
    this.#bytes = Array.from({ length: size }, (_, token) => tokenizer.bytesOf(token));
    const tokens = this.#bytes.flatMap((bytes, token) => (bytes.length > 0 ? [token] : []));
    this.#sorted = Int32Array.from(tokens.sort((a, b) => Buffer.compare(this.bytesOf(a), this.bytesOf(b))));
    this.#common = Int32Array.from(this.#sorted, (token, index) =>
      index === 0 ? 0 : commonBytes(this.bytesOf(this.#sorted[index - 1] ?? 0), this.bytesOf(token)),
    );
    for (const token of tokens) {
      const [byte, more] = this.bytesOf(token);
      if (byte !== undefined && more === undefined) this.#single[byte] = token;
    }
  }

  bytesOf(token: number): Uint8Array {
    return this.#bytes[token] ?? NOTHING;
  }

  /** One bit for each token that `automaton` takes at `state`, and for the end of the text when it may end there. */
  maskAt(automaton: ByteAutomaton, state: number): Uint32Array {
    const mask = new Uint32Array((this.size + 31) >>> 5);
    if (automaton.isAccepting(state)) allow(mask, this.eos);
    // `reached[n]` is the state after n bytes of the token before; those in common are not walked again.
    const reached: number[] = [state];
    let walked = 0;
    for (const [index, token] of this.#sorted.entries()) {
      const bytes = this.bytesOf(token);
      walked = Math.min(walked, this.#common[index] ?? 0);
      // Shorter than what is in common with a token that died: dead as well.
      while (walked < bytes.length && reached[walked] !== DEAD) {
        reached[walked + 1] = automaton.next(reached[walked] ?? DEAD, bytes[walked] ?? 0);
        walked++;
      }
      if (walked === bytes.length && reached[walked] !== DEAD) allow(mask, token);
    }
    return mask;
  }

  /**
   * Tokens for bytes that are certain to come. Those at the end are left to the model when more may follow, where a
   * token could go beyond them.
   */
  tokensOf(bytes: Uint8Array, isEnd: boolean): Int32Array {
    if (bytes.every((byte) => this.#single[byte] !== -1) && this.#sorted.length <= 256 + SPECIAL_MAX)
      return Int32Array.from(bytes, (byte) => this.#single[byte] ?? 0);
    const tokens = this.#tokenizer.encode(Buffer.from(bytes).toString('utf8'));
    return isEnd ? tokens : tokens.subarray(0, Math.max(0, tokens.length - 1));
  }
}

/** A vocabulary with at most so many tokens beside those of single bytes has no merges worth a thought. */
const SPECIAL_MAX = 64;
const NOTHING = new Uint8Array(0);

function commonBytes(a: Uint8Array, b: Uint8Array): number {
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common++;
  return common;
}

function allow(mask: Uint32Array, token: number): void {
  mask[token >>> 5] = (mask[token >>> 5] ?? 0) | (1 << (token & 31));
}
