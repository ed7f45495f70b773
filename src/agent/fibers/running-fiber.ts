/**
 * One fiber in memory: from the call that starts it to the end of its function.
 *
 *   starting -> (its row is committed) -> running -> ended
 *
 * I1 Its function begins only after its row was committed; except that a turn which waits for it, and so
 *    would never be committed, takes it along (`isCommitted` false): both are then as if they had never
 *    been if the process ends.
 */
import type { BridgeError } from '../../base/errors.ts';
import { copyOf } from '../jobs/job.ts';
import { contained, type FiberHost } from './fiber-host.ts';
import type { FiberContext, FiberFunction, FiberRow } from './fiber.ts';

/** What its row has to do with it. */
export interface FiberRows {
  /** Replaces its snapshot. @throws when its row is not its own any more */
  stash(fiber: RunningFiber, data: unknown): void;
  wait(fiber: RunningFiber, data: unknown): void;
  /** Its function has come to an end. */
  ended(fiber: RunningFiber, outcome: FiberOutcome): void;
}

export type FiberOutcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

export class RunningFiber {
  readonly id: string;
  readonly name: string;
  /** As the author's function ends. A rejection that nobody looks at does no harm. */
  readonly result: Promise<unknown>;
  readonly #host: FiberHost;
  readonly #rows: FiberRows;
  readonly #work: FiberFunction<unknown, unknown>;
  readonly #abort = new AbortController();
  readonly #settle: PromiseWithResolvers<unknown>;
  #isCommitted = false;
  /** Resolves when what was stashed last is committed. */
  #stored: PromiseWithResolvers<void> | undefined;

  constructor(
    host: FiberHost,
    rows: FiberRows,
    { id, name }: FiberRow,
    work: FiberFunction<unknown, unknown>,
  ) {
    this.id = id;
    this.name = name;
    this.#host = host;
    this.#rows = rows;
    this.#work = work;
    this.#settle = Promise.withResolvers();
    this.result = this.#settle.promise;
    this.result.catch(() => undefined);
  }

  /** Calls its function, with the snapshot of `row`. Never throws. */
  begin(row: FiberRow, isCommitted: boolean): void {
    this.#isCommitted = isCommitted;
    if (!isCommitted) this.#host.aside(() => (this.#isCommitted = true));
    const context: FiberContext = {
      id: this.id,
      snapshot: copyOf(row.snapshot),
      signal: this.#abort.signal,
      stash: (data) => this.stash(data),
      wait: (data) => this.#wait(data),
    };
    const scope = { kind: 'fiber', name: this.name, stash: context.stash } as const;
    try {
      const running = this.#host.perform(scope, () => this.#work(context));
      if (!isThenable(running)) return this.#resolved(running);
      void Promise.resolve(running).then(
        (value) => this.#resolved(value),
        (error: unknown) => this.#rejected(error),
      );
    } catch (error) {
      this.#rejected(error);
    }
  }

  /** It does not begin at all. */
  refuse(reason: BridgeError): void {
    this.#settle.reject(reason);
  }

  /** Tells its function that nobody wants it any more. */
  abort(reason: BridgeError): void {
    this.#abort.abort(reason);
    this.#stored?.reject(reason);
  }

  /** @throws what `FiberContext.stash` does */
  stash(data: unknown): Promise<void> {
    this.#abort.signal.throwIfAborted();
    this.#rows.stash(this, data);
    // I1: nothing is committed before the turn that waits for this fiber.
    if (!this.#isCommitted) return Promise.resolve();
    if (this.#stored !== undefined) return this.#stored.promise;
    const stored = Promise.withResolvers<void>();
    this.#stored = stored;
    stored.promise.catch(() => undefined); // whoever waits for it hears of it
    this.#host.aside(() => {
      this.#stored = undefined;
      stored.resolve();
    });
    return stored.promise;
  }

  #wait(data: unknown): void {
    this.#abort.signal.throwIfAborted();
    this.#rows.wait(this, data);
  }

  #resolved(value: unknown): void {
    contained(this.#host, () => this.#rows.ended(this, { ok: true }));
    this.#settle.resolve(value);
  }

  #rejected(error: unknown): void {
    contained(this.#host, () => this.#rows.ended(this, { ok: false, error }));
    this.#settle.reject(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
