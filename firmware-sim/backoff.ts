import { limits } from '../src/base/limits.ts';
import type { RandomStream } from './random.ts';

export interface BackoffOptions {
  readonly baseMs?: number;
  readonly ceilingMs?: number;
}

/**
 * Waits between connection attempts: they double up to a ceiling, and each is stretched or shortened
 * by up to half so that a fleet that lost its broker does not come back in one instant.
 */
export class Backoff {
  readonly #random: RandomStream;
  readonly #baseMs: number;
  readonly #ceilingMs: number;
  #attempts = 0;

  constructor(random: RandomStream, options: BackoffOptions = {}) {
    this.#random = random;
    this.#baseMs = options.baseMs ?? limits.simulatorBackoffBaseMs;
    this.#ceilingMs = options.ceilingMs ?? limits.simulatorBackoffMaxMs;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const full = Math.min(this.#ceilingMs, this.#baseMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return Math.min(this.#ceilingMs, full * this.#random.between(0.5, 1.5));
  }

  /** The connection holds again: start small next time. */
  reset(): void {
    this.#attempts = 0;
  }
}
