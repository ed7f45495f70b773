/** A run as data: what was asked for, what became of it. */
import type { Budget, BudgetLimit } from './budget.ts';
import type { CompiledProgram } from './compile.ts';
import type { Json } from './hostile-json.ts';
import type { Redactor } from './redact.ts';
import type { ApprovalDecision, RecordedCall } from './replay.ts';
import type { ToolHost } from './tool-host.ts';

/** One program to be run once. */
export interface RunRequest {
  readonly program: CompiledProgram;
  /** What the program may call; a host belongs to one run. */
  readonly tools: ToolHost;
  readonly budget: Budget;
  /** Ends the run as `cancelled`. */
  readonly signal?: AbortSignal;
  /** Of Math.random; a replay takes that of the first run. */
  readonly seed: number;
  /** What the program sees as now, in ms since epoch; a replay takes that of the first run. */
  readonly nowMs: number;
  readonly redactor: Redactor;
  /** Calls of the paused run this one continues. */
  readonly recorded?: readonly RecordedCall[];
  /** What people decided about its pending calls. */
  readonly decisions?: readonly ApprovalDecision[];
  /** Told of each call that is new in this run, when it was answered and before the program learns of it. What it throws ends the run. */
  onCall?(call: CallRecord): void;
}

/** A call as it was made, and what the program got; redacted. Serves as `RecordedCall` of a replay. */
export interface CallRecord extends RecordedCall {
  readonly args: Json;
  /** From the call to its answer; 0 when it came from a record. */
  readonly durationMs: number;
  /** `unanswered`: the run ended first. */
  readonly decision: 'live' | 'approved' | 'denied' | 'recorded' | 'pending' | 'unanswered';
}

/** A call that waits for a person. */
export interface PendingApproval {
  readonly programHash: string;
  readonly sequence: number;
  readonly namespace: string;
  readonly tool: string;
  /** As the tool would get them, redacted: for people to read. */
  readonly args: Json;
  readonly argumentsHash: string;
  readonly reason: string;
}

/**
 * Why a program failed: `threw` (its own error, or a tool's it did not catch), `syntax`, `result` (not JSON, or too
 * large), `stuck` (waits for nothing), `diverged` (a replay that asks for something else).
 */
export interface ProgramError {
  readonly code: 'threw' | 'syntax' | 'result' | 'stuck' | 'diverged' | 'busy';
  readonly message: string;
  /** In the text the model wrote, from 1. */
  readonly line?: number;
  readonly column?: number;
  /** Code of the tool's error, where it was one. */
  readonly toolCode?: string;
}

export type RunEnd =
  | { readonly kind: 'done'; readonly value: Json }
  | { readonly kind: 'failed'; readonly error: ProgramError }
  /** It used up a part of its budget and was killed. */
  | { readonly kind: 'budget'; readonly limit: BudgetLimit }
  | { readonly kind: 'cancelled' }
  /** The sandbox ended by itself, did not start, or broke the protocol. */
  | { readonly kind: 'crashed'; readonly message: string }
  | { readonly kind: 'paused'; readonly pending: readonly PendingApproval[] };

export interface LogLine {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

export interface RunResult {
  readonly id: string;
  readonly end: RunEnd;
  readonly logs: readonly LogLine[];
  readonly calls: readonly CallRecord[];
  readonly programHash: string;
  readonly seed: number;
  readonly nowMs: number;
  readonly engine: { readonly name: string; readonly version: string; readonly isolation: readonly string[] };
  readonly timings: {
    /** Waiting for its turn, and for a sandbox. */
    readonly queuedMs: number;
    readonly startMs: number;
    readonly isWarm: boolean;
    /** From handing over the program to its end. */
    readonly runMs: number;
  };
  readonly used: {
    /** Undefined where the system does not tell. */
    readonly cpuMs: number | undefined;
    readonly memoryBytes: number | undefined;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
}
