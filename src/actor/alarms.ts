/**
 * Wakes agents at the time they asked for. The times are rows of shard.db, written with the turn that
 * set them, so an alarm survives every crash; it fires at least once, also when it became due while
 * the bridge was down. Whoever is due gets its turn in rounds, a page at a time, so that those who keep
 * their alarm (they are busy) hold up nobody.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { DueAgent, ShardStore } from '../store/index.ts';

/** Between two rounds over what is due. */
const ROUND_PAUSE_MS = 10;

export class AlarmTimer {
  readonly #store: ShardStore;
  readonly #clock: Clock;
  readonly #fire: (keys: readonly string[]) => void;
  #dueMs = Infinity;
  #cancel: (() => void) | undefined;
  /** How far the round over all that is due has come. */
  #after: DueAgent | undefined;

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
    const due = this.#store.directory.due(now, limits.alarmsPerTickMax, this.#after);
    this.#after = due.length === limits.alarmsPerTickMax ? due.at(-1) : undefined;
    this.#fire(due.map(({ model, id }) => `${model}/${id}`));
    // The turns of this page are committed before the next one.
    if (this.#after !== undefined) return this.#arm(now);
    // Whoever was fired has a new alarm, or none, once its turn is committed; a busy agent keeps the
    // old one, so look again after a moment instead of at once.
    const next = this.#store.directory.nextAlarmMs();
    if (next !== null) this.#arm(Math.max(next, now + ROUND_PAUSE_MS));
  }
}
