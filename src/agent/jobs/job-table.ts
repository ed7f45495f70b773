/** The jobs of one kind with the index that finds the next one, and one by its idempotency key. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { CellTable } from './cell-table.ts';
import { DueIndex } from './due-index.ts';
import type { JobContext } from './job-context.ts';
import { dueMs, type Job } from './job.ts';

export interface JobOrder<J extends Job> {
  /** Among jobs that are due, a lower one runs first. */
  orderOf(job: J): number;
  /** Idempotency key, if it has one. */
  keyOf(job: J): string | undefined;
}

export class JobTable<J extends Job> {
  readonly #order: JobOrder<J>;
  readonly #cells: CellTable<J>;
  readonly #due = new DueIndex();
  readonly #idOfKey = new Map<string, string>();
  readonly #keyOfId = new Map<string, string>();

  /** @param prefix of the documents, e.g. `queue:` */
  constructor(context: JobContext, prefix: string, order: JobOrder<J>) {
    this.#order = order;
    this.#cells = new CellTable<J>(context, prefix, (id, job) => this.#changed(id, job));
  }

  get size(): number {
    return this.#cells.size;
  }

  get(id: string): J | undefined {
    return this.#cells.get(id);
  }

  withKey(key: string): J | undefined {
    void this.#cells.ids;
    const id = this.#idOfKey.get(key);
    return id === undefined ? undefined : this.get(id);
  }

  all(): J[] {
    return this.#cells.all();
  }

  /** @throws BridgeError BRG_JOBS_FULL */
  add(job: J): void {
    const limit = limits.jobsPerAgentMax;
    if (this.size >= limit)
      throw new BridgeError('BRG_JOBS_FULL', `the agent has ${limit} such jobs already`);
    this.put(job);
  }

  put(job: J): void {
    this.#cells.put(job);
  }

  delete(id: string): boolean {
    return this.#cells.delete(id);
  }

  /** The job that is to run at `nowMs`. */
  next(nowMs: number): J | undefined {
    void this.#cells.ids;
    const id = this.#due.next(nowMs);
    return id === undefined ? undefined : this.get(id);
  }

  /** When `next` finds one, ms since epoch; also in the past. null for never. */
  nextMs(): number | null {
    void this.#cells.ids;
    return this.#due.nextMs();
  }

  #changed(id: string, job: J | undefined): void {
    const atMs = job === undefined ? null : dueMs(job);
    if (job === undefined || atMs === null) this.#due.delete(id);
    else this.#due.set(id, atMs, this.#order.orderOf(job));
    const key = job === undefined ? undefined : this.#order.keyOf(job);
    const before = this.#keyOfId.get(id);
    if (before === key) return;
    if (before !== undefined && this.#idOfKey.get(before) === id) this.#idOfKey.delete(before);
    this.#keyOfId.delete(id);
    if (key === undefined) return;
    this.#idOfKey.set(key, id);
    this.#keyOfId.set(id, key);
  }
}
