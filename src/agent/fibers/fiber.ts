/** What a fiber is: its stored row, what authors see of it, and the checks of what they pass. */
import { BridgeError, unreachable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { copyOf } from '../jobs/job.ts';

/**
 * running -> gone | ended | waiting -> running ...
 * running, found at a wake -> interrupted -> recovering -> running (taken over) | gone | interrupted ...
 */
export type FiberPhase =
  /** Its function runs; found at a wake, it says that the process ended meanwhile. */
  | { readonly kind: 'running'; readonly sinceMs: number }
  /** It has said what it waits for; `resumeFiber` goes on. */
  | { readonly kind: 'waiting'; readonly sinceMs: number }
  | { readonly kind: 'interrupted'; readonly nextAttemptMs: number }
  /** `onFiberRecovered` runs. */
  | { readonly kind: 'recovering'; readonly sinceMs: number }
  | {
      readonly kind: 'ended';
      readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted';
      readonly atMs: number;
      readonly error?: string;
    };

/** The stored document of a fiber. */
export interface FiberRow {
  readonly id: string;
  readonly name: string;
  /** What was stashed last, a JSON value; null before that. */
  readonly snapshot: unknown;
  readonly createdAtMs: number;
  /** Its row stays for a while after its end. */
  readonly isManaged: boolean;
  /** Idempotency key. */
  readonly key?: string;
  /** Calls of `onFiberRecovered` since it last got on. */
  readonly attempts: number;
  /** Ends of the process while it ran, or was recovered, since it last got on. */
  readonly interruptions: number;
  /** The first of those, ms since epoch; null: none. */
  readonly troubledSinceMs: number | null;
  readonly phase: FiberPhase;
}

/**
 * `running`: its function runs; `waiting`: it returned `wait()` and has no memory; `recovering`: the process
 * ended in its middle and `onFiberRecovered` is to deal with it; `interrupted`: that hook did, without going on.
 */
export type FiberStatus =
  'running' | 'waiting' | 'recovering' | 'completed' | 'failed' | 'cancelled' | 'interrupted';

/** What `inspectFiber` and `listFibers` say of a fiber. */
export interface FiberInfo<S = unknown> {
  readonly id: string;
  readonly name: string;
  readonly status: FiberStatus;
  readonly snapshot: S | null;
  /** ms since epoch. */
  readonly createdAtMs: number;
  /** ms since epoch, once it has ended. */
  readonly endedAtMs?: number;
  /** Message of what a failed one threw, cut to `limits.jobErrorCharactersMax`. */
  readonly error?: string;
}

/** What a fiber's function gets. */
export interface FiberContext<S = unknown> {
  readonly id: string;
  /** A copy of what was stashed before this piece of the fiber began; null when nothing was. */
  readonly snapshot: S | null;
  /** Aborts when the fiber is cancelled, its agent destroyed, or the bridge stops. Pass it on to what you wait for. */
  readonly signal: AbortSignal;
  /**
   * Replaces the snapshot. It is committed with all that this synchronous piece of the function wrote; the promise
   * resolves after that. @throws BridgeError BRG_FIBER, BRG_PAYLOAD_TOO_LARGE; the signal's reason once it has aborted
   */
  stash(data: S): Promise<void>;
  /**
   * Says that the fiber waits for something that comes from outside, and stashes `data`. The function is to return
   * then: the fiber stays, without memory, until `resumeFiber` goes on. @throws as `stash`
   */
  wait(data?: S): void;
}

/** The work itself. It is not stored: `onFiberRecovered` must be able to begin it again by its name. */
export type FiberFunction<T, S> = (context: FiberContext<S>) => T | Promise<T>;

/** How `startFiber` knows a fiber again. */
export interface FiberOptions {
  /** Its id, instead of a new one; a fiber of this id that is known is not started again. */
  readonly fiberId?: string;
  /** A fiber with this key that is known, also one that has ended, is not started again. */
  readonly idempotencyKey?: string;
}

/** Passed to `onFiberRecovered`. */
export interface RecoveredFiber<S = unknown> {
  readonly id: string;
  readonly name: string;
  /** What it stashed last; null when it stashed nothing. */
  readonly snapshot: S | null;
  /** ms since epoch. */
  readonly createdAtMs: number;
  /** From 1; counts on until the fiber stashes something or runs for some minutes. */
  readonly attempt: number;
}

/** Which fibers `listFibers` lists: those for which all of it holds. */
export interface FiberCriteria {
  readonly name?: string;
  readonly status?: FiberStatus;
}

export function describeFiber(row: FiberRow): FiberInfo {
  const { id, name, createdAtMs, phase } = row;
  const info = { id, name, status: statusOf(phase), snapshot: copyOf(row.snapshot), createdAtMs };
  if (phase.kind !== 'ended') return info;
  const { atMs: endedAtMs, error } = phase;
  return { ...info, endedAtMs, ...(error === undefined ? {} : { error }) };
}

function statusOf(phase: FiberPhase): FiberStatus {
  switch (phase.kind) {
    case 'running':
    case 'waiting':
    case 'recovering':
      return phase.kind;
    case 'interrupted':
      return 'recovering';
    case 'ended':
      return phase.status;
    default:
      return unreachable(phase);
  }
}

/** @throws BridgeError BRG_FIBER */
export function checkText(what: string, text: unknown): void {
  const limit = limits.fiberNameCharactersMax;
  if (typeof text === 'string' && text !== '' && text.length <= limit) return;
  throw new BridgeError('BRG_FIBER', `${what} of a fiber is a text of 1 to ${limit} characters`);
}

/** @throws BridgeError BRG_FIBER */
export function checkFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw new BridgeError('BRG_FIBER', 'a fiber runs a function');
}

/** The snapshot as it comes back from storage: undefined becomes null. @throws BridgeError BRG_FIBER, BRG_PAYLOAD_TOO_LARGE */
export function storedSnapshot(data: unknown): unknown {
  const json = toJson(data) ?? 'null';
  const bytes = Buffer.byteLength(json);
  const limit = limits.fiberStashBytesMax;
  if (bytes <= limit) return JSON.parse(json) as unknown;
  const message = `the stash of the fiber is ${bytes} bytes, the limit is ${limit}`;
  throw new BridgeError('BRG_PAYLOAD_TOO_LARGE', message, { details: { bytes, limit } });
}

function toJson(data: unknown): string | undefined {
  try {
    return JSON.stringify(data) as string | undefined; // its type forgets JSON.stringify(undefined)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BridgeError('BRG_FIBER', `the stash of the fiber is no JSON value: ${why}`, { cause });
  }
}
