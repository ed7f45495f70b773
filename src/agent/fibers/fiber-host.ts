/** What fibers need of the agent they belong to. */
import type { JobContext } from '../jobs/index.ts';
import type { RecoveredFiber } from './fiber.ts';

export interface FiberHost extends JobContext {
  /**
   * Runs a synchronous piece beside the lanes, once what was written so far is committed; `isEager`: ahead of that
   * when a turn that is under way holds the commit up. Dropped when the agent is forgotten.
   */
  aside(piece: (isCommitted: boolean) => void, isEager?: boolean): void;
  /** Runs the author's code in the flow of `scope`; the writes of code that throws synchronously are taken back. */
  perform<T>(scope: FiberScope, code: () => T): T;
  /** That of the innermost author's code that runs now, if it is this agent's. */
  scope(): FiberScope | undefined;
  /** Calls the author's `onFiberRecovered`. */
  recovered(fiber: RecoveredFiber): void | Promise<void>;
  /** Whether the author wrote one. */
  hasRecovery(): boolean;
  warn(fields: Record<string, unknown>, event: string): void;
}

/**
 * What comes after a promise of the author's, which may outlive the agent: writing throws when the agent was
 * restarted meanwhile, and its rows are then those of the fresh one.
 */
export function contained(host: FiberHost, piece: () => void): void {
  try {
    piece();
  } catch (error) {
    host.warn({ err: error instanceof Error ? error.message : String(error) }, 'fiber not stored');
  }
}

/** For which fiber the code runs. It goes with its asynchronous flow, but not into hooks and jobs. */
export type FiberScope =
  | { readonly kind: 'fiber'; readonly name: string; readonly stash: (data: unknown) => Promise<void> }
  /** `onFiberRecovered` for the fiber of this id. */
  | { readonly kind: 'recovery'; readonly name: string; readonly id: string };
