/** Seeded randomness: the same seed says the same numbers, on every machine. */
import type { Chance } from '../../src/base/ids.ts';

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Dice of their own for a purpose, so that a roll more of one does not change those of another. */
  fork(purpose: string): Dice {
    let state = this.#state ^ 0x9e3779b9;
    for (let i = 0; i < purpose.length; i++) state = Math.imul(state ^ purpose.charCodeAt(i), 0x01000193);
    return new Dice(state);
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  isHit(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is something to pick from');
    return item;
  }
}

/** What the runtime takes for chance. */
export function chanceOf(dice: Dice): Chance {
  return {
    newId: () => `r${dice.below(2 ** 32).toString(36)}${dice.below(2 ** 32).toString(36)}`,
    uint32: () => dice.below(2 ** 32),
  };
}
