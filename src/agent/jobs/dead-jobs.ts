/**
 * Dead letters of schedules, queue and fibers: jobs that were given up, with the reason, until somebody runs them
 * again (`retryDead`) or throws them away (`discardDead`). At most `limits.deadJobsPerAgentMax`.
 */
import { limits } from '../../base/limits.ts';
import { CellTable } from './cell-table.ts';
import type { JobContext } from './job-context.ts';
import { copyOf, type Job } from './job.ts';

export type JobSource = 'schedule' | 'queue' | 'fiber';

/**
 * `failed`: its last attempt threw; `missing-handler`: the class has no such method; `interrupted`: the
 * process ended during its run several times; `overdue`: it could not run in time and was to be skipped.
 */
export type DeadReason = 'failed' | 'missing-handler' | 'interrupted' | 'overdue';

/** A job that was given up, as `deadJobs` lists it. */
export interface DeadJob {
  readonly id: string;
  readonly source: JobSource;
  readonly callback: string;
  readonly payload: unknown;
  readonly reason: DeadReason;
  /** Message of the last error, cut to `limits.jobErrorCharactersMax`. */
  readonly error: string;
  /** The number of attempts that failed. */
  readonly attempts: number;
  /** How often this happened: failures of one recurring schedule share an entry, the latest. */
  readonly times: number;
  /** ms since epoch. */
  readonly diedAtMs: number;
}

interface DeadRecord extends Omit<DeadJob, 'callback' | 'payload' | 'attempts'> {
  /** What the source gets back. */
  readonly job: Job;
}

export class DeadJobs {
  readonly #context: JobContext;
  readonly #table: CellTable<DeadRecord>;
  readonly #sources = new Map<JobSource, (job: Job) => void>();

  constructor(context: JobContext) {
    this.#context = context;
    this.#table = new CellTable(context, 'dead:');
  }

  /** `restore` takes back a job that this source buried; it may throw when it has no room. */
  serve(source: JobSource, restore: (job: Job) => void): void {
    this.#sources.set(source, restore);
  }

  /** Keeps `job` under `id` and reports the error. */
  bury(id: string, source: JobSource, job: Job, reason: DeadReason, error: unknown): void {
    const times = (this.#table.get(id)?.times ?? 0) + 1;
    if (times === 1 && this.#table.size >= limits.deadJobsPerAgentMax) this.#dropOldest();
    const text = (error instanceof Error ? error.message : String(error)).slice(
      0,
      limits.jobErrorCharactersMax,
    );
    this.#table.put({ id, source, job, reason, error: text, times, diedAtMs: this.#context.now() });
    this.#context.report(error);
  }

  /** The latest first. */
  list(): DeadJob[] {
    return this.#oldestFirst()
      .reverse()
      .map(({ job, ...dead }) => {
        return { ...dead, callback: job.callback, payload: copyOf(job.payload), attempts: job.attempts };
      });
  }

  /**
   * Runs one dead job again, or all, oldest first, with a fresh count of attempts. Returns how many.
   * @throws BridgeError BRG_JOBS_FULL; those it had no room for stay dead
   */
  retryDead(id?: string): number {
    const chosen = this.#chosen(id);
    for (const dead of chosen) {
      this.#sources.get(dead.source)?.(dead.job);
      this.#table.delete(dead.id);
    }
    return chosen.length;
  }

  /** Forgets one dead job, or all. Returns how many. */
  discardDead(id?: string): number {
    return this.#chosen(id).filter((dead) => this.#table.delete(dead.id)).length;
  }

  #chosen(id: string | undefined): DeadRecord[] {
    if (id === undefined) return this.#oldestFirst();
    const dead = this.#table.get(id);
    return dead === undefined ? [] : [dead];
  }

  #oldestFirst(): DeadRecord[] {
    return this.#table.all().sort((a, b) => a.diedAtMs - b.diedAtMs);
  }

  #dropOldest(): void {
    const dead = this.#table.all();
    const oldest = dead.reduce((first, next) => (next.diedAtMs < first.diedAtMs ? next : first));
    this.#table.delete(oldest.id);
  }
}
