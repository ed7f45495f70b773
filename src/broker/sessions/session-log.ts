/**
 * What has changed of the sessions and is not on the disk yet: by key, so that what changes twice between two commits
 * is written once, and what came and went not at all. One commit at a time takes all there is (group commit).
 *
 * I1 A change made now is on the disk when the commit `ticket` is done; who promises it to a client waits for that.
 * I2 Commits are done in their order, and who waits for one is told in the order in which they began to wait.
 * I3 While the disk is full nobody is told anything; it is tried again. Any other failure ends the process: after a
 *    failed fsync nobody knows what is on the disk.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import type { SessionChanges, SessionStore } from '../../base/session-rows.ts';
import { ChangeSet, type RowSource } from './change-set.ts';

export interface SessionLogOptions {
  readonly store: SessionStore;
  readonly log: Log;
  /** The sessions are in an unknown state: the bridge cannot go on. */
  readonly onFatal: (error: Error) => void;
}

/** See the head of this file. */
export class SessionLog {
  /** Takes what changes: what is noted there is committed soon. */
  readonly changes = new ChangeSet(() => this.#schedule());
  readonly #options: SessionLogOptions;
  readonly #rows: RowSource;
  /** Number of the commit that takes what changes now. */
  #next = 1;
  #committed = 0;
  #phase: 'idle' | 'scheduled' | 'committing' | 'closed' = 'idle';
  #fullSinceMs: number | null = null;
  readonly #waiting = new Map<number, (() => void)[]>();
  #onIdle: (() => void) | null = null;

  constructor(options: SessionLogOptions, rows: RowSource) {
    this.#options = options;
    this.#rows = rows;
  }

  /** The commit after which everything changed until now is on the disk. */
  get ticket(): number {
    return this.changes.isEmpty ? this.#next - 1 : this.#next;
  }

  /** Since when there has been no room for what changes; null: there is. */
  get fullSinceMs(): number | null {
    return this.#fullSinceMs;
  }

  isCommitted(ticket: number): boolean {
    return ticket <= this.#committed;
  }

  /** Calls `then` when the commit is done: at once when it is already. */
  whenCommitted(ticket: number, then: () => void): void {
    if (ticket <= this.#committed) {
      then();
      return;
    }
    const waiting = this.#waiting.get(ticket);
    if (waiting === undefined) this.#waiting.set(ticket, [then]);
    else waiting.push(then);
  }

  /** Resolves when everything changed until now is on the disk. Never rejects. */
  committed(): Promise<void> {
    return new Promise((resolve) => this.whenCommitted(this.ticket, resolve));
  }

  /** Commits what there is, and ends. Never rejects; on a full disk what is not written is lost. */
  async close(): Promise<void> {
    if (this.#phase === 'scheduled') this.#commit();
    if (this.#phase === 'committing' && this.#fullSinceMs === null) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve));
    }
    this.#phase = 'closed';
    await this.#options.store.close();
  }

  #schedule(): void {
    if (this.#phase !== 'idle') return;
    this.#phase = 'scheduled';
    setImmediate(() => {
      if (this.#phase === 'scheduled') this.#commit();
    });
  }

  #commit(): void {
    const ticket = this.#next++;
    const changes = this.changes.take(this.#rows);
    this.#phase = 'committing';
    // Everything that had changed is as it was before: there is nothing to write.
    if (changes === null) this.#done(ticket);
    else this.#write(changes, ticket);
  }

  #write(changes: SessionChanges, ticket: number): void {
    this.#options.store.write(changes).then(
      () => this.#done(ticket),
      (error: unknown) => this.#failed(error, changes, ticket),
    );
  }

  #done(ticket: number): void {
    if (this.#phase === 'closed') return;
    if (this.#fullSinceMs !== null) this.#options.log.info({}, 'the disk has room for mqtt sessions again');
    this.#fullSinceMs = null;
    this.#committed = ticket;
    this.#phase = 'idle';
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    for (const then of waiting ?? []) then();
    if (this.changes.isEmpty) this.#onIdle?.();
    else this.#commit();
  }

  #failed(error: unknown, changes: SessionChanges, ticket: number): void {
    if (this.#phase === 'closed') return;
    const { log, onFatal } = this.#options;
    if (!(error instanceof BridgeError) || error.code !== 'BRG_DISK_FULL') {
      this.#phase = 'closed';
      onFatal(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#fullSinceMs === null)
      log.error({ err: error.message }, 'disk is full: nothing of mqtt sessions is acknowledged');
    this.#fullSinceMs ??= Date.now();
    this.#onIdle?.();
    setTimeout(() => {
      if (this.#phase === 'committing') this.#write(changes, ticket);
    }, limits.diskRetryMs).unref();
  }
}
