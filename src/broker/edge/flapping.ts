/**
 * Who connects again and again: two devices with one identity that end each other, one whose firmware crashes after each
 * CONNECT, or somebody who wants the bridge to be busy. After too many CONNECTs within a minute the name is refused for a
 * while. Only names that proved to be theirs are counted: else anybody could have a device refused by its name.
 */
import { forgetOldest } from '../../base/forget-oldest.ts';
import { limits } from '../../base/limits.ts';

const WINDOW_MS = 60_000;

interface Connects {
  count: number;
  sinceMs: number;
  /** 0: it is not refused. */
  refusedUntilMs: number;
}

/** What became of a CONNECT; `refused-first` is said once for each time. */
export type FlappingVerdict = 'let-in' | 'refused-first' | 'refused';

/** See the head of this file. */
export class Flapping {
  readonly #perMinuteMax: number;
  readonly #connects = new Map<string, Connects>();

  constructor(perMinuteMax: number) {
    this.#perMinuteMax = perMinuteMax;
  }

  /** One CONNECT of the name. */
  connects(name: string, nowMs: number): FlappingVerdict {
    const known = this.#connects.get(name);
    if (known !== undefined && nowMs < known.refusedUntilMs) return 'refused';
    const isOver = known === undefined || known.refusedUntilMs > 0 || nowMs - known.sinceMs >= WINDOW_MS;
    const current = isOver ? this.#begin(name, nowMs) : known;
    current.count += 1;
    if (current.count <= this.#perMinuteMax) return 'let-in';
    current.refusedUntilMs = nowMs + limits.mqttFlappingRefusedMs;
    return 'refused-first';
  }

  #begin(name: string, nowMs: number): Connects {
    this.#connects.delete(name);
    if (this.#connects.size >= limits.mqttFlappingNamesMax) forgetOldest(this.#connects);
    const begun = { count: 0, sinceMs: nowMs, refusedUntilMs: 0 };
    this.#connects.set(name, begun);
    return begun;
  }
}
