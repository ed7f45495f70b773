/**
 * `queue`: methods called soon, one after the other, in the order in which they were queued. A job that
 * waits for its next attempt holds up none behind it. Names and messages of the Agents SDK 0.5.
 *
 * I1 At least once: a job leaves the queue only when its method returned, when it was taken out, or into
 *    dead letters.
 */
import { channels, tell } from '../../base/events.ts';
import type { DeadJobs } from './dead-jobs.ts';
import type { Capability, JobContext } from './job-context.ts';
import { JobRunner } from './job-runner.ts';
import { JobTable } from './job-table.ts';
import { copyOf, newJob, type Job } from './job.ts';
import type { RetryOptions } from './retry.ts';

/** An item of the queue, as its method gets it. */
export interface QueueItem<T = unknown> {
  readonly id: string;
  readonly payload: T;
  readonly callback: string;
  /** ms since epoch. */
  readonly created_at: number;
  readonly retry?: RetryOptions;
}

interface QueuedJob extends Job {
  /** Place in the queue. */
  readonly place: number;
}

export class JobQueue implements Capability {
  readonly #context: JobContext;
  readonly #table: JobTable<QueuedJob>;
  readonly #runner: JobRunner<QueuedJob>;
  /** The last place taken; undefined until the table was read. */
  #lastPlace: number | undefined;

  /** @param random [0, 1), for the backoff */
  constructor(context: JobContext, dead: DeadJobs, random: () => number = Math.random) {
    this.#context = context;
    this.#table = new JobTable(context, 'queue:', { orderOf: (job) => job.place, keyOf: () => undefined });
    const kind = {
      source: 'queue' as const,
      admit: (job: QueuedJob) => job,
      next: () => undefined,
      occurrence: (job: QueuedJob) => job,
      describe,
    };
    this.#runner = new JobRunner(context, this.#table, kind, dead, random);
    dead.serve('queue', (job) => this.#append({ ...job, attempts: 0, interruptions: 0 }));
  }

  /**
   * Calls `callback(payload, item)` when those queued before have had their turn. Returns the item's id.
   * @throws BridgeError BRG_JOB, BRG_RETRY, BRG_PAYLOAD_TOO_LARGE, BRG_JOBS_FULL; nothing is queued then
   */
  queue(callback: string, payload?: unknown, options: { readonly retry?: RetryOptions } = {}): string {
    const job = newJob(this.#context, callback, payload, options.retry);
    const id = this.#context.effectId();
    this.#append({ ...job, id });
    if (channels.queue.hasSubscribers) tell('queue:create', this.#context, { id, callback });
    return id;
  }

  /** A run under way goes on, but is not repeated. */
  dequeue(id: string): void {
    const job = this.#table.get(id);
    if (job !== undefined) this.#cancel(job);
  }

  dequeueAll(): void {
    for (const job of this.#table.all()) this.#cancel(job);
  }

  dequeueAllByCallback(callback: string): void {
    for (const job of this.#table.all()) if (job.callback === callback) this.#cancel(job);
  }

  getQueue(id: string): QueueItem | undefined {
    const job = this.#table.get(id);
    return job === undefined ? undefined : describe(job);
  }

  /** Items whose payload has `value` at `key`, in the order of the queue. */
  getQueues(key: string, value: unknown): QueueItem[] {
    return this.#table
      .all()
      .filter(({ payload }) => fieldOf(payload, key) === value)
      .sort((a, b) => a.place - b.place)
      .map(describe);
  }

  nextAlarmMs(): number | null {
    return this.#runner.nextAlarmMs();
  }

  alarm(nowMs: number): void {
    this.#runner.alarm(nowMs);
  }

  start(): void {
    this.#runner.start();
  }

  isBusy(): boolean {
    return this.#runner.isBusy;
  }

  #cancel({ id, callback }: QueuedJob): void {
    this.#table.delete(id);
    if (channels.queue.hasSubscribers) tell('queue:cancel', this.#context, { id, callback });
  }

  #append(job: Omit<Job, 'phase'>): void {
    this.#lastPlace ??= this.#table.all().reduce((last, { place }) => Math.max(last, place), 0);
    const phase = { kind: 'waiting', atMs: this.#context.now() } as const;
    this.#table.add({ ...job, place: ++this.#lastPlace, phase });
    this.#runner.wake();
  }
}

function describe(job: QueuedJob): QueueItem {
  const { id, payload, callback, createdAtMs, retry } = job;
  const item = { id, payload: copyOf(payload), callback, created_at: createdAtMs };
  return retry === undefined ? item : { ...item, retry: { ...retry } };
}

function fieldOf(payload: unknown, key: string): unknown {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, key)) return undefined;
  return (payload as Record<string, unknown>)[key]; // a JSON object or array has it
}
