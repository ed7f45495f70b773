/**
 * Fibers that the end of the process interrupted: each is given to the author's `onFiberRecovered`, beside
 * the lanes.
 *
 *   wake -> interrupted -> (due) recovering: stored -> (committed) -> hook
 *     -> it started the fiber again: running          -> it returned: gone (or ended, if managed)
 *     -> it threw: interrupted, with a stored time    -> for a day: dead letters
 *     -> the author has written none: dead letters at once
 *
 * I1 A hook begins only after `recovering` was stored: one that takes the process down is known at the wake.
 * I2 A fiber is set aside when the process ended `limits.fiberInterruptionsMax` times in a row in it, or its
 *    hook threw for `fiberRecoveryGiveUpMs`. `retryDead` brings it back.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { DeadJobs, DeadReason } from '../jobs/dead-jobs.ts';
import { copyOf, type Job } from '../jobs/job.ts';
import { contained, type FiberHost } from './fiber-host.ts';
import type { FiberTable } from './fiber-table.ts';
import type { FiberRow } from './fiber.ts';

/** A fiber as a dead letter. */
interface FiberJob extends Job, Pick<FiberRow, 'isManaged' | 'key'> {}

export class FiberRecovery {
  readonly #host: FiberHost;
  readonly #table: FiberTable;
  readonly #dead: DeadJobs;
  /** Ids of fibers whose hook is about to run, or runs. */
  readonly #hooks = new Set<string>();

  constructor(host: FiberHost, table: FiberTable, dead: DeadJobs) {
    this.#host = host;
    this.#table = table;
    this.#dead = dead;
    // Only this class buries fibers.
    dead.serve('fiber', (job) => this.#restore(job as FiberJob));
  }

  get isBusy(): boolean {
    return this.#hooks.size > 0;
  }

  /** When `run` has something to do, ms since epoch; null for never. */
  nextMs(): number | null {
    let next = Infinity;
    for (const { phase } of this.#table.all())
      if (phase.kind === 'interrupted') next = Math.min(next, phase.nextAttemptMs);
    return next === Infinity ? null : next;
  }

  /** After a wake: what runs by its row does not. */
  start(): void {
    const now = this.#host.now();
    for (const row of this.#table.all()) {
      const { phase } = row;
      if (phase.kind === 'running' || phase.kind === 'recovering') this.#interrupted(row, phase.sinceMs, now);
    }
    this.run(now);
  }

  /** Gives those that are due to the hook. */
  run(nowMs: number): void {
    for (const row of this.#table.all()) {
      const { id, phase, attempts } = row;
      if (phase.kind !== 'interrupted' || phase.nextAttemptMs > nowMs || this.#hooks.has(id)) continue;
      this.#hooks.add(id);
      this.#table.put({ ...row, attempts: attempts + 1, phase: { kind: 'recovering', sinceMs: nowMs } });
      this.#host.aside(() => this.#recover(id));
    }
  }

  #interrupted(row: FiberRow, sinceMs: number, now: number): void {
    // Whoever got that far does not end the process each time.
    const isFresh = row.troubledSinceMs === null || now - sinceMs >= limits.fiberRecoveryMaxMs;
    const attempts = isFresh ? 0 : row.attempts;
    // A fiber beside a hook that hung is not what ended.
    const more = this.#host.wasRestarted?.() === true ? 0 : 1;
    const interruptions = isFresh ? more : row.interruptions + more;
    const troubledSinceMs = isFresh ? now : row.troubledSinceMs;
    const nextAttemptMs = now + backoffMs(attempts);
    const phase = { kind: 'interrupted', nextAttemptMs } as const;
    const found: FiberRow = { ...row, attempts, interruptions, troubledSinceMs, phase };
    if (interruptions < limits.fiberInterruptionsMax) return this.#table.put(found);
    const message = `the process ended ${interruptions} times in a row while the fiber ${row.name} ran`;
    this.#bury(found, 'interrupted', new BridgeError('BRG_FIBER_INTERRUPTED', message));
  }

  #recover(id: string): void {
    const row = this.#table.get(id);
    // Cancelled, or the turn was taken back.
    if (row?.phase.kind !== 'recovering') return this.#left(id);
    const { name, createdAtMs, attempts: attempt } = row;
    if (!this.#host.hasRecovery()) {
      const message = `the process ended while the fiber ${name} ran, and the class has no onFiberRecovered`;
      this.#bury(row, 'missing-handler', new BridgeError('BRG_FIBER_INTERRUPTED', message));
      return this.#left(id);
    }
    const fiber = { id, name, snapshot: copyOf(row.snapshot), createdAtMs, attempt };
    try {
      const running = this.#host.perform({ kind: 'recovery', name, id }, () => this.#host.recovered(fiber));
      if (running === undefined) return this.#handled(id);
      void Promise.resolve(running).then(
        () => contained(this.#host, () => this.#handled(id)),
        (error: unknown) => contained(this.#host, () => this.#failed(id, error)),
      );
    } catch (error) {
      this.#failed(id, error);
    }
  }

  /** The hook is done with it: it has started it again, or that was the end of it. */
  #handled(id: string): void {
    const row = this.#table.get(id);
    if (row?.phase.kind === 'recovering') this.#table.end(row, 'interrupted');
    this.#left(id);
  }

  #failed(id: string, error: unknown): void {
    const row = this.#table.get(id);
    this.#left(id);
    // It has started it again, and failed after that: the fiber goes on.
    if (row?.phase.kind !== 'recovering') return this.#host.report(error);
    const now = this.#host.now();
    const { name, attempts } = row;
    if (now - (row.troubledSinceMs ?? now) >= limits.fiberRecoveryGiveUpMs)
      return this.#bury(row, 'failed', error);
    const inMs = backoffMs(attempts);
    this.#table.put({ ...row, phase: { kind: 'interrupted', nextAttemptMs: now + inMs } });
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#host.warn({ fiber: id, name, attempt: attempts, inMs, err }, 'fiber not recovered, tried again');
  }

  #left(id: string): void {
    this.#hooks.delete(id);
    this.#host.rearm();
  }

  #bury(row: FiberRow, reason: DeadReason, error: unknown): void {
    const { id, name: callback, snapshot: payload, createdAtMs, isManaged, key } = row;
    const { attempts, interruptions } = row;
    const phase = { kind: 'waiting', atMs: this.#host.now() } as const;
    const counts = { attempts, interruptions };
    const job: FiberJob = { id, callback, payload, createdAtMs, isManaged, key, phase, ...counts };
    this.#table.end(row, 'failed', error);
    this.#dead.bury(id, 'fiber', job, reason, error);
  }

  /** A dead one goes to the hook again. @throws BridgeError BRG_FIBER, BRG_FIBERS_FULL */
  #restore({ id, callback: name, payload: snapshot, createdAtMs, isManaged, key }: FiberJob): void {
    const known = this.#table.get(id);
    if (known !== undefined && known.phase.kind !== 'ended')
      throw new BridgeError('BRG_FIBER', `fiber ${id} was started again`);
    this.#table.checkRoom();
    const nowMs = this.#host.now();
    const phase = { kind: 'interrupted', nextAttemptMs: nowMs } as const;
    const counts = { attempts: 0, interruptions: 0, troubledSinceMs: nowMs };
    this.#table.put({ id, name, snapshot, createdAtMs, isManaged, key, ...counts, phase });
    this.run(nowMs);
  }
}

/** At once after the first interruption; then 1 s, 2 s, 4 s ... at most 5 min. */
function backoffMs(attempts: number): number {
  if (attempts === 0) return 0;
  return Math.min(limits.fiberRecoveryBaseMs * 2 ** (attempts - 1), limits.fiberRecoveryMaxMs);
}
