/** Work of a shard that no message asks for: sleep, checkpoint and trim, retention of history. */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { isDiskFull } from '../store/index.ts';
import type { Shard } from './shard.ts';

const TICK_MS = 1000;

export class Housekeeping {
  readonly #shard: Shard;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #lastCheckpointMs: number;
  #lastRetentionMs: number;
  #retentionKey = 0;
  #commitsAtCheckpoint = 0;

  constructor(shard: Shard, clock: Clock) {
    this.#shard = shard;
    this.#clock = clock;
    this.#lastCheckpointMs = clock.now();
    this.#lastRetentionMs = clock.now();
  }

  start(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #tick(): void {
    this.#shard.roster.sweep();
    if (!this.#shard.isBlocked()) {
      try {
        this.#checkpointIfDue();
        this.#retainIfDue();
      } catch (error) {
        // Without room nothing can be moved now; the write path notices and says so.
        if (!isDiskFull(error)) throw error;
      }
    }
    this.start();
  }

  #checkpointIfDue(): void {
    const { store, journal, shardCounters } = this.#shard;
    if (shardCounters.commits === this.#commitsAtCheckpoint) return;
    const isOld = this.#clock.now() - this.#lastCheckpointMs >= limits.checkpointIntervalMs;
    if (!isOld && store.walPages() < limits.checkpointPagesMax) return;
    journal.trim(store.checkpoint());
    this.#commitsAtCheckpoint = shardCounters.commits;
    this.#lastCheckpointMs = this.#clock.now();
  }

  /** One step a tick while a round is under way; a new round every `retentionIntervalMs`. */
  #retainIfDue(): void {
    const now = this.#clock.now();
    if (this.#retentionKey === 0 && now - this.#lastRetentionMs < limits.retentionIntervalMs) return;
    const { store } = this.#shard;
    const keys = store.directory.keysAfter(this.#retentionKey, limits.retentionAgentsPerStep);
    if (keys.length > 0) {
      store.maintain(() =>
        store.history.retainStep(now, keys, {
          rawMs: limits.historyRawMs,
          minutesMs: limits.historyMinutesMs,
          hoursMs: limits.historyHoursMs,
        }),
      );
    }
    this.#retentionKey = keys.length < limits.retentionAgentsPerStep ? 0 : (keys.at(-1) ?? 0);
    if (this.#retentionKey === 0) this.#lastRetentionMs = now;
  }
}
