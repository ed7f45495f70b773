/** What schedules and the queue need of the agent they belong to, and what it needs of them. */
import type { AgentAddress } from '../../base/address.ts';
import { BridgeError } from '../../base/errors.ts';
import type { RetryOptions } from './retry.ts';

export interface JobContext {
  readonly address: AgentAddress;
  /** The agent came into memory because its predecessor hung, not after the end of a process. */
  wasRestarted?(): boolean;
  /** ms since epoch. */
  now(): number;
  /** A document of this agent (a JSON value), undefined when there is none. Immutable. */
  cell(name: string): unknown;
  /** Replaces a document; undefined deletes it. Committed with the turn. */
  setCell(name: string, value: unknown): void;
  /** Names of this agent's documents that start with `prefix`, those of this turn included. */
  cellNames(prefix: string): readonly string[];
  /**
   * Calls `listener` with the name of each document whose write is taken back because (a part of) the
   * turn threw, when it has its earlier value again. Without this, an index of documents would go wrong.
   */
  onTakenBack(listener: (cell: string) => void): void;
  /** The same id again when the turn is replayed after a crash. */
  effectId(): string;
  /**
   * Runs `turn` in the thought lane, one at a time, after what has been written so far was committed: a
   * run that takes the process down is then known to have begun. Not taken back when the turn throws;
   * `turn` never throws or rejects.
   */
  later(turn: () => void | Promise<void>): void;
  /** `nextAlarmMs()` may have changed. */
  rearm(): void;
  /** Calls the author's method; writes of one that throws synchronously are taken back. @throws MissingHandlerError */
  invoke(callback: string, payload: unknown, info: unknown): void | Promise<void>;
  hasHandler(callback: string): boolean;
  /** Hands an error to `onError` or the log. Never throws. */
  report(error: unknown): void;
  /** Those of the author's class. */
  retryDefaults(): RetryOptions;
}

/** The side of a module that the runtime drives. */
export interface Capability {
  /** When `alarm` is due, ms since epoch, perhaps in the past; null for never. */
  nextAlarmMs(): number | null;
  alarm(nowMs: number): void;
  /** Once after each wake. */
  start(): void;
  /** Whether the agent must stay in memory. */
  isBusy(): boolean;
}

/** The author's class has no method of this name. */
export class MissingHandlerError extends BridgeError {
  constructor(callback: string) {
    super('BRG_JOB', `this.${callback} is not a function`);
    this.name = 'MissingHandlerError';
  }
}
