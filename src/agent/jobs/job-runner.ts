/**
 * Runs the due jobs of one table, one after the other, in the thought lane of the agent.
 *
 *   start/alarm/wake -> claim: store `running` -> (committed) -> run: call the author's method
 *     -> success: gone, or waiting for its next time     -> claim the next
 *     -> failure: backing-off with a stored time, or dead letters -> claim the next
 *
 * I1 A run begins only after `running` was stored: a job found `running` at a wake was interrupted by the
 *    end of the process. It runs again, and is set aside after `limits.jobInterruptionsMax` of those.
 * I2 Only one job is claimed at a time, so a crash counts against no other job.
 * I3 While a job is claimed the alarm stays set (`limits.jobWatchMs`), so a crash cannot strand it.
 * I4 What a run leaves is written in the same turn as what a synchronous method itself wrote.
 */
import { BridgeError } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { limits } from '../../base/limits.ts';
import type { DeadJobs, DeadReason, JobSource } from './dead-jobs.ts';
import { MissingHandlerError, type JobContext } from './job-context.ts';
import type { JobTable } from './job-table.ts';
import { copyOf, type Job } from './job.ts';
import { backoffMs, resolveRetry } from './retry.ts';

/** What differs between schedules and the queue. */
export interface JobKind<J extends Job> {
  readonly source: Exclude<JobSource, 'fiber'>;
  /**
   * Called when `job` is due: the job as it is to run, or undefined when it has been dealt with and its
   * document is gone or waits for another time.
   */
  admit(job: J, nowMs: number): J | undefined;
  /** What remains of `job` after a run that succeeded or was given up; undefined for nothing. */
  next(job: J, nowMs: number): J | undefined;
  /** The one occurrence of a recurring job that failed, as a job of its own. */
  occurrence(job: J): J;
  /** Second argument of the author's method. */
  describe(job: J): object;
}

/** A drain is under way: a claimed job or the step to the next one waits in the lane. */
type RunnerState = { readonly kind: 'idle' } | { readonly kind: 'draining'; readonly seenMs: number };

export class JobRunner<J extends Job> {
  readonly #context: JobContext;
  readonly #table: JobTable<J>;
  readonly #kind: JobKind<J>;
  readonly #dead: DeadJobs;
  readonly #random: () => number;
  #state: RunnerState = { kind: 'idle' };

  constructor(
    context: JobContext,
    table: JobTable<J>,
    kind: JobKind<J>,
    dead: DeadJobs,
    random: () => number,
  ) {
    this.#context = context;
    this.#table = table;
    this.#kind = kind;
    this.#dead = dead;
    this.#random = random;
  }

  get isBusy(): boolean {
    return this.#state.kind !== 'idle';
  }

  nextAlarmMs(): number | null {
    return this.#state.kind === 'draining' ? this.#state.seenMs + limits.jobWatchMs : this.#table.nextMs();
  }

  /** After a wake: takes up what was interrupted, and runs what is due. */
  start(): void {
    const now = this.#context.now();
    for (const job of this.#table.all()) if (job.phase.kind === 'running') this.#interrupted(job, now);
    this.wake();
  }

  alarm(nowMs: number): void {
    if (this.#state.kind === 'draining') this.#state = { kind: 'draining', seenMs: nowMs };
    this.wake();
    this.#context.rearm();
  }

  /** Something may be due. */
  wake(): void {
    if (this.#state.kind === 'draining') return;
    const now = this.#context.now();
    if (this.#table.next(now) === undefined) return;
    this.#state = { kind: 'draining', seenMs: now };
    this.#claim();
  }

  /** Gives up `job`; a recurring one goes on if only this run failed. */
  bury(job: J, reason: DeadReason, error: unknown): void {
    const { source } = this.#kind;
    const rest = reason === 'failed' ? this.#kind.next(job, this.#context.now()) : undefined;
    this.#dead.bury(job.id, source, rest === undefined ? job : this.#kind.occurrence(job), reason, error);
    if (this.#isObserved) {
      tell(`${source}:error`, this.#context, { ...runOf(job, job.attempts), reason, error: textOf(error) });
    }
    this.#keep(job.id, rest);
  }

  #interrupted(job: J, now: number): void {
    // A job beside a hook that hung is not what ended.
    const interruptions = job.interruptions + (this.#context.wasRestarted?.() === true ? 0 : 1);
    const found: J = { ...job, interruptions, phase: { kind: 'waiting', atMs: now } };
    if (interruptions < limits.jobInterruptionsMax) return this.#table.put(found);
    const message = `the process ended ${interruptions} times while ${job.callback} ran`;
    this.bury(found, 'interrupted', new BridgeError('BRG_JOB_INTERRUPTED', message));
  }

  #claim(): void {
    for (;;) {
      const now = this.#context.now();
      const due = this.#table.next(now);
      if (due === undefined) break;
      const job = this.#kind.admit(due, now);
      if (job === undefined) continue;
      this.#table.put({ ...job, phase: { kind: 'running', sinceMs: now } });
      this.#context.later(() => this.#run(job.id));
      return;
    }
    this.#state = { kind: 'idle' };
    this.#context.rearm();
  }

  #run(id: string): void | Promise<void> {
    const job = this.#table.get(id);
    // Cancelled, or the turn that claimed it was taken back.
    if (job?.phase.kind !== 'running') return this.#claim();
    const { callback } = job;
    if (!this.#context.hasHandler(callback)) {
      this.bury(job, 'missing-handler', new MissingHandlerError(callback));
      return this.#claim();
    }
    let running: void | Promise<void>;
    if (this.#isObserved) tell(`${this.#kind.source}:execute`, this.#context, runOf(job, job.attempts + 1));
    try {
      const info = { ...this.#kind.describe(job), attempt: job.attempts + 1 };
      running = this.#context.invoke(callback, copyOf(job.payload), info);
    } catch (error) {
      return this.#ended(job, 'threw', error);
    }
    return running === undefined ? this.#ended(job, 'returned') : this.#awaited(job, running);
  }

  async #awaited(job: J, running: Promise<void>): Promise<void> {
    try {
      await running;
    } catch (error) {
      return this.#ended(job, 'threw', error);
    }
    return this.#ended(job, 'returned');
  }

  #ended(job: J, how: 'returned' | 'threw', error?: unknown): void {
    // The author may have cancelled it meanwhile: then nothing remains to be done.
    if (this.#table.get(job.id)?.phase.kind === 'running') {
      if (how === 'returned') this.#done(job);
      else this.#failed(job, error);
    }
    this.#claim();
  }

  #done(job: J): void {
    if (this.#isObserved) tell(`${this.#kind.source}:done`, this.#context, runOf(job, job.attempts + 1));
    this.#keep(job.id, this.#kind.next(job, this.#context.now()));
  }

  #failed(job: J, error: unknown): void {
    const now = this.#context.now();
    const attempts = job.attempts + 1;
    const policy = resolveRetry(job.retry, this.#context.retryDefaults());
    const failed: J = { ...job, attempts };
    if (attempts >= policy.maxAttempts) return this.bury(failed, 'failed', error);
    const nextAttemptMs = now + backoffMs(attempts, policy, error, now, this.#random);
    this.#table.put({ ...failed, phase: { kind: 'backing-off', nextAttemptMs } });
    if (!this.#isObserved) return;
    const payload = { ...runOf(job, attempts), error: textOf(error), nextAttemptMs };
    tell(`${this.#kind.source}:retry`, this.#context, payload);
  }

  #keep(id: string, rest: J | undefined): void {
    if (rest === undefined) this.#table.delete(id);
    else this.#table.put(rest);
  }

  get #isObserved(): boolean {
    return channels[this.#kind.source].hasSubscribers;
  }
}

function runOf({ id, callback }: Job, attempt: number): { id: string; callback: string; attempt: number } {
  return { id, callback, attempt };
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, limits.eventErrorCharactersMax);
}
