/**
 * Agents that run without their author's code for a while, because it hangs or ends the thread again and
 * again: their data is kept, everything else waits.
 */
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

export class Quarantine {
  readonly #untilMs = new Map<string, number>();
  readonly #restarts = new Map<string, number[]>();

  /** @param key of an agent, or `model/*` for all agents of a model */
  hold(key: string, untilMs: number): void {
    this.#untilMs.delete(key);
    this.#untilMs.set(key, untilMs);
    drop(this.#untilMs, limits.agentsTroubledMax);
    this.#restarts.delete(key);
  }

  isHeld(key: string, nowMs: number): boolean {
    if (this.#untilMs.size === 0) return false;
    const untilMs = Math.max(this.#untilMs.get(key) ?? 0, this.#untilMs.get(ofModel(key)) ?? 0);
    return untilMs > nowMs;
  }

  /** An agent was restarted. True: it was so too often. */
  isTooMuch(key: string, nowMs: number): boolean {
    const since = nowMs - limits.agentRestartWindowMs;
    const times = (this.#restarts.get(key) ?? []).filter((at) => at > since);
    times.push(nowMs);
    this.#restarts.delete(key);
    this.#restarts.set(key, times);
    drop(this.#restarts, limits.agentsTroubledMax);
    return times.length > limits.agentRestartsMax;
  }
}

/** What stands for all agents of the model of `key`. */
export function ofModel(key: string): string {
  return `${key.slice(0, key.indexOf('/'))}/*`;
}

function drop(map: Map<string, unknown>, sizeMax: number): void {
  if (map.size > sizeMax) forgetOldest(map);
}
