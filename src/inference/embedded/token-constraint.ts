/**
 * A pattern in the tokens of one engine: which may come next, and which must (jump-forward: they are read together
 * with the next step instead of being chosen one by one). States are numbers; nothing changes but caches.
 */
import { ByteAutomaton, DEAD } from './byte-automaton.ts';
import type { Pattern } from './pattern.ts';
import type { Vocabulary } from './vocabulary.ts';
import { forgetOldest } from '../../base/forget-oldest.ts';
import { limits } from '../../base/limits.ts';

export class TokenConstraint {
  readonly start = 0;
  readonly #vocabulary: Vocabulary;
  readonly #automaton: ByteAutomaton;
  readonly #masks = new Map<number, Uint32Array>();
  readonly #forced = new Map<number, Int32Array>();

  /** @throws BridgeError BRG_MODEL_PATTERN when the pattern is too large */
  constructor(pattern: Pattern, vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#automaton = new ByteAutomaton(pattern);
  }

  /** A bit for each token that may come; the same object each time. */
  mask(state: number): Uint32Array {
    const known = this.#masks.get(state);
    if (known !== undefined) return known;
    const mask = this.#vocabulary.maskAt(this.#automaton, state);
    this.#masks.set(state, mask);
    return mask;
  }

  /** The state after `token`; DEAD when it may not come. */
  next(state: number, token: number): number {
    let at = state;
    for (const byte of this.#vocabulary.bytesOf(token)) {
      if (at === DEAD) return DEAD;
      at = this.#automaton.next(at, byte);
    }
    return at;
  }

  /** Whether the text is complete and nothing may follow. */
  isOver(state: number): boolean {
    return this.#automaton.isOver(state);
  }

  /** Whether the text may end here. */
  isAccepting(state: number): boolean {
    return this.#automaton.isAccepting(state);
  }

  /** Tokens that are certain to come; may be none. */
  forced(state: number): Int32Array {
    const known = this.#forced.get(state);
    if (known !== undefined) return known;
    const tokens = this.#forcedFrom(state);
    this.#forced.set(state, tokens);
    return tokens;
  }

  #forcedFrom(state: number): Int32Array {
    const bytes: number[] = [];
    let at = state;
    while (bytes.length < limits.engineForcedBytesMax) {
      const only = this.#automaton.onlyByte(at);
      // Where the text may end already, the model decides whether it does.
      if (typeof only !== 'number' || this.#automaton.isAccepting(at)) break;
      bytes.push(only);
      at = this.#automaton.next(at, only);
    }
    // A cut character would be read as another one.
    while (bytes.length > 0 && this.#isWithinCharacter(bytes)) bytes.pop();
    return this.#vocabulary.tokensOf(Uint8Array.from(bytes), this.#automaton.isOver(at));
  }

  #isWithinCharacter(bytes: readonly number[]): boolean {
    const text = Buffer.from(bytes).toString('utf8');
    return text.endsWith('\u{fffd}');
  }
}

/** Constraints of one engine by their pattern, as JSON: agents of a model ask with the same one. */
export class ConstraintCache {
  readonly #vocabulary: Vocabulary;
  readonly #known = new Map<string, TokenConstraint>();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** @throws BridgeError BRG_MODEL_PATTERN */
  get(pattern: Pattern): TokenConstraint {
    const key = JSON.stringify(pattern);
    const made = this.#known.get(key) ?? new TokenConstraint(pattern, this.#vocabulary);
    // The last one used is the last one in the map.
    this.#known.delete(key);
    this.#known.set(key, made);
    if (this.#known.size > limits.engineConstraintsMax) {
      forgetOldest(this.#known);
    }
    return made;
  }
}
