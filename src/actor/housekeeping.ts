/** Work of a shard that no message asks for: sleep, checkpoint and trim, retention of history. */
import type { LoopClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { isDiskFull } from '../store/index.ts';
import type { Shard } from './shard.ts';

const TICK_MS = 1000;

const AUDIT_POLICY = {
  rowsMax: limits.auditRowsMax,
  keptMs: limits.auditKeptMs,
  stepRowsMax: limits.auditStepRowsMax,
};

const POLICY = {
  rawMs: limits.historyRawMs,
  minutesMs: limits.historyMinutesMs,
  hoursMs: limits.historyHoursMs,
};

export class Housekeeping {
  readonly #shard: Shard;
  readonly #clock: LoopClock;
  #cancel: (() => void) | undefined;
  #lastCheckpointMs: number;
  #lastRetentionMs: number;
  #lastPruneMs: number;
  #isRetaining = false;
  #isCheckpointing = false;
  #commitsAtCheckpoint = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#clock = shard.clock;
    this.#lastCheckpointMs = shard.clock.now();
    this.#lastRetentionMs = this.#lastPruneMs = shard.clock.now();
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
    if (this.#shard.phase !== 'blocked') {
      this.#checkpointIfDue();
      this.#retainIfDue();
      this.#unlessFull(() => this.#pruneAuditIfDue());
    }
    this.start();
  }

  /** Lets the journal give back what was applied. */
  makeRoom(): void {
    this.#unlessFull(() => this.#shard.journal.trim(this.#shard.store.checkpoint()));
  }

  #checkpointIfDue(): void {
    const { store, shardCounters } = this.#shard;
    if (this.#isCheckpointing || shardCounters.commits === this.#commitsAtCheckpoint) return;
    const isOld = this.#clock.now() - this.#lastCheckpointMs >= limits.checkpointIntervalMs;
    if (!isOld && store.walPages() < limits.checkpointPagesMax) return;
    this.#isCheckpointing = true;
    this.#checkpointStep(shardCounters.commits);
  }

  /** Agents' files are synced one after the other, so that messages get their turn in between. */
  #checkpointStep(commits: number): void {
    if (this.#cancel === undefined) return;
    const { store, journal } = this.#shard;
    let watermark: number | undefined = 0;
    this.#unlessFull(() => (watermark = store.checkpointStep()));
    if (watermark === undefined) {
      this.#clock.soon(() => this.#checkpointStep(commits));
      return;
    }
    journal.trim(watermark);
    this.#isCheckpointing = false;
    this.#commitsAtCheckpoint = commits;
    this.#lastCheckpointMs = this.#clock.now();
  }

  /** One step a tick as long as there is more to delete, then none for a while. */
  #pruneAuditIfDue(): void {
    const now = this.#clock.now();
    if (now - this.#lastPruneMs < limits.retentionIntervalMs) return;
    if (!this.#shard.store.audit.prune(now, AUDIT_POLICY)) this.#lastPruneMs = now;
  }

  /** A round over all agents, step by step, so that messages get their turn in between. */
  #retainIfDue(): void {
    const now = this.#clock.now();
    if (this.#isRetaining || now - this.#lastRetentionMs < limits.retentionIntervalMs) return;
    this.#isRetaining = true;
    this.#retainStep(0, []);
  }

  /** @param afterKey agents up to this one are done, but for those in `left` */
  #retainStep(afterKey: number, left: number[]): void {
    const { store } = this.#shard;
    const keys = left.length > 0 ? left : store.directory.keysAfter(afterKey, limits.retentionAgentsPerStep);
    if (keys.length === 0 || this.#cancel === undefined || this.#shard.phase === 'blocked') {
      this.#isRetaining = false;
      this.#lastRetentionMs = this.#clock.now();
      return;
    }
    const lastKey = left.length > 0 ? afterKey : (keys.at(-1) ?? 0);
    const rest = this.#unlessFull(() => store.retain(this.#clock.now(), keys, POLICY)) ?? [];
    this.#clock.soon(() => this.#retainStep(lastKey, rest));
  }

  /** Without room nothing can be moved now; the write path notices and says so. */
  #unlessFull<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return undefined;
    }
  }
}
