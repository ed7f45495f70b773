/**
 * Which agents of a shard changed, for those that ask again and again: each listener gets what was committed since it
 * asked last. One that does not ask any more is forgotten.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { AgentSummary } from './behaviour.ts';

export interface ChangesBody {
  /** Names the listener. */
  readonly listener: string;
  /** Rows that one shard answers at most; more come the next time. */
  readonly limit: number;
}

interface Listener {
  readonly keys: Set<string>;
  askedAtMs: number;
}

export class ChangeList {
  readonly #clock: Clock;
  readonly #summary: (key: string) => AgentSummary | undefined;
  readonly #listeners = new Map<string, Listener>();

  constructor(clock: Clock, summary: (key: string) => AgentSummary | undefined) {
    this.#clock = clock;
    this.#summary = summary;
  }

  /** These agents were committed. */
  note(actors: Iterable<{ readonly key: string }>): void {
    if (this.#listeners.size === 0) return;
    const forgottenMs = this.#clock.now() - limits.changesForgottenMs;
    for (const [name, { keys, askedAtMs }] of this.#listeners) {
      if (askedAtMs < forgottenMs) this.#listeners.delete(name);
      else for (const { key } of actors) if (keys.size < limits.changesKeptMax) keys.add(key);
    }
  }

  /** Rows of those that changed since the listener asked last; the first time there are none. */
  take({ listener, limit }: ChangesBody): AgentSummary[] {
    const known = this.#listeners.get(listener);
    this.#listeners.set(listener, { keys: known?.keys ?? new Set(), askedAtMs: this.#clock.now() });
    const rows: AgentSummary[] = [];
    for (const key of known?.keys ?? []) {
      if (rows.length >= limit) break;
      known?.keys.delete(key);
      const row = this.#summary(key);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }
}
