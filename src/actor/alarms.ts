/**
 * Wakes agents at the time they asked for. The times are rows of shard.db, written with the turn that
 * set them, so an alarm survives every crash; it fires at least once, also when it became due while
 * the bridge was down.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { ShardStore } from '../store/index.ts';

export class AlarmTimer {
  readonly #store: ShardStore;
  readonly #clock: Clock;
  readonly #fire: (keys: readonly string[]) => void;
  #dueMs = Infinity;
  #cancel: (() => void) | undefined;

  constructor(store: ShardStore, clock: Clock, fire: (keys: readonly string[]) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#fire = fire;
  }

  /** An alarm at this time was committed. */
  noticed(atMs: number): void {
    if (atMs < this.#dueMs) this.#arm(atMs);
  }

  /** Looks for the next alarm in the store. */
  rescan(): void {
    const next = this.#store.directory.nextAlarmMs();
    this.#dueMs = Infinity;
    this.#cancel?.();
    if (next !== null) this.#arm(next);
  }

  stop(): void {
    this.#cancel?.();
    this.#dueMs = Infinity;
  }

  #arm(atMs: number): void {
    this.#cancel?.();
    this.#dueMs = atMs;
    this.#cancel = this.#clock.after(atMs - this.#clock.now(), () => this.#ring());
  }

  #ring(): void {
    const now = this.#clock.now();
    this.#dueMs = Infinity;
    const due = this.#store.directory.due(now, limits.alarmsPerTickMax);
    this.#fire(due.map(({ model, id }) => `${model}/${id}`));
    // Whoever was fired has a new alarm, or none, once its turn is committed; a busy agent keeps the
    // old one, so look again after a moment instead of at once.
    if (this.#dueMs === Infinity) {
      const next = this.#store.directory.nextAlarmMs();
      if (next !== null) this.#arm(Math.max(next, now + 10));
    }
  }
}
