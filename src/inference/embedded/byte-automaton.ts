/**
 * A deterministic automaton over bytes, made of a pattern while it is walked: only states that were reached exist.
 *
 * The pattern becomes positions with edges (a nondeterministic automaton, Thompson's construction); a state is the
 * set of positions one may be at. State 0 is the beginning, DEAD is where no text of the pattern goes on.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { utf8, type Pattern } from './pattern.ts';

export const DEAD = -1;
const UNKNOWN = -2;

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly target: number;
}

interface State {
  readonly positions: readonly number[];
  /** By byte; UNKNOWN until it is asked for. */
  readonly next: Int32Array;
  readonly isAccepting: boolean;
}

export class ByteAutomaton {
  /** By position: edges that read a byte, and positions reached without one. */
  readonly #edges: Edge[][] = [];
  readonly #silent: number[][] = [];
  readonly #states: State[] = [];
  readonly #known = new Map<string, number>();
  readonly #end: number;

  /** @throws BridgeError BRG_MODEL_PATTERN when it is too large */
  constructor(pattern: Pattern) {
    const start = this.#position();
    this.#end = this.#build(pattern, start);
    this.#intern([start]);
  }

  /** The state after `byte`, or DEAD. */
  next(state: number, byte: number): number {
    const row = this.#states[state]?.next;
    if (row === undefined) return DEAD;
    const known = row[byte] ?? DEAD;
    return known === UNKNOWN ? (row[byte] = this.#move(state, byte)) : known;
  }

  /** Whether what was read is a whole text of the pattern. */
  isAccepting(state: number): boolean {
    return this.#states[state]?.isAccepting === true;
  }

  /** Whether no byte may follow. */
  isOver(state: number): boolean {
    return this.onlyByte(state) === 'none';
  }

  /** The one byte that may follow; `none`, or `several`. */
  onlyByte(state: number): number | 'none' | 'several' {
    let only: number | 'none' = 'none';
    for (const position of this.#states[state]?.positions ?? []) {
      for (const { from, to } of this.#edges[position] ?? []) {
        if (from !== to || (only !== 'none' && only !== from)) return 'several';
        only = from;
      }
    }
    return only;
  }

  #move(state: number, byte: number): number {
    const reached: number[] = [];
    for (const position of this.#states[state]?.positions ?? []) {
      for (const { from, to, target } of this.#edges[position] ?? [])
        if (byte >= from && byte <= to) reached.push(target);
    }
    return reached.length === 0 ? DEAD : this.#intern(reached);
  }

  /** The state of these positions and those reached from them without a byte. */
  #intern(reached: readonly number[]): number {
    const positions = new Set(reached);
    // A set that grows while it is walked: each position is looked at once.
    for (const position of positions) for (const other of this.#silent[position] ?? []) positions.add(other);
    const sorted = [...positions].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const state = this.#states.length;
    if (state >= limits.enginePatternStatesMax) throw tooLarge('states', limits.enginePatternStatesMax);
    this.#states.push({
      positions: sorted.filter((position) => (this.#edges[position]?.length ?? 0) > 0),
      next: new Int32Array(256).fill(UNKNOWN),
      isAccepting: positions.has(this.#end),
    });
    this.#known.set(key, state);
    return state;
  }

  #position(): number {
    const position = this.#edges.length;
    if (position >= limits.enginePatternPositionsMax)
      throw tooLarge('positions', limits.enginePatternPositionsMax);
    this.#edges.push([]);
    this.#silent.push([]);
    return position;
  }

  /** Adds `pattern` after the position `start`; the position after it. */
  #build(pattern: Pattern, start: number): number {
    if (typeof pattern === 'string') return this.#bytes(utf8(pattern), start);
    if ('from' in pattern) return this.#step(start, pattern.from.charCodeAt(0), pattern.to.charCodeAt(0));
    if ('kind' in pattern) return this.#beyondAscii(start);
    if ('sequence' in pattern)
      return pattern.sequence.reduce<number>((at, part) => this.#build(part, at), start);
    if ('oneOf' in pattern) {
      const end = this.#position();
      for (const part of pattern.oneOf) this.#silently(this.#build(part, this.#branch(start)), end);
      return end;
    }
    return this.#repeat(pattern, start);
  }

  #repeat({ repeat, min, max }: Extract<Pattern, { repeat: Pattern }>, start: number): number {
    let at = start;
    for (let count = 0; count < min; count++) at = this.#build(repeat, at);
    const end = this.#position();
    if (max === undefined) {
      const loop = this.#branch(at);
      this.#silently(this.#build(repeat, loop), loop);
      this.#silently(loop, end);
      return end;
    }
    for (let count = min; count < max; count++) {
      this.#silently(at, end);
      at = this.#build(repeat, this.#branch(at));
    }
    this.#silently(at, end);
    return end;
  }

  #bytes(bytes: Uint8Array, start: number): number {
    let at = start;
    for (const byte of bytes) at = this.#step(at, byte, byte);
    return at;
  }

  /** RFC 3629 section 4: one character of two, three or four bytes. */
  #beyondAscii(start: number): number {
    const end = this.#position();
    for (const ranges of UTF8_BEYOND_ASCII) {
      let at = this.#branch(start);
      for (const [from, to] of ranges) at = this.#step(at, from, to);
      this.#silently(at, end);
    }
    return end;
  }

  #step(start: number, from: number, to: number): number {
    const target = this.#position();
    this.#edges[start]?.push({ from, to, target });
    return target;
  }

  #silently(from: number, to: number): void {
    this.#silent[from]?.push(to);
  }

  #branch(from: number): number {
    const position = this.#position();
    this.#silently(from, position);
    return position;
  }
}

const UTF8_BEYOND_ASCII: readonly (readonly (readonly [number, number])[])[] = [
  [
    [0xc2, 0xdf],
    [0x80, 0xbf],
  ],
  [
    [0xe0, 0xe0],
    [0xa0, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xe1, 0xec],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xed, 0xed],
    [0x80, 0x9f],
    [0x80, 0xbf],
  ],
  [
    [0xee, 0xef],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf0, 0xf0],
    [0x90, 0xbf],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf1, 0xf3],
    [0x80, 0xbf],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
  [
    [0xf4, 0xf4],
    [0x80, 0x8f],
    [0x80, 0xbf],
    [0x80, 0xbf],
  ],
];

function tooLarge(what: string, max: number): BridgeError {
  return new BridgeError(
    'BRG_MODEL_PATTERN',
    `what the answer must look like needs more than ${max} ${what}`,
  );
}
