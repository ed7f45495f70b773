import { limits } from '../../base/limits.ts';

/** What one run may use. The host enforces each; a breach ends the run's process. */
export interface Budget {
  /** Wall clock from the moment the program is handed to its sandbox, waits for tools included. */
  readonly wallMs: number;
  /** CPU time of the sandbox's process. */
  readonly cpuMs: number;
  /** Memory beyond that of an idle sandbox. */
  readonly memoryBytes: number;
  readonly callsMax: number;
  /** Calls at once; more wait. */
  readonly parallelCallsMax: number;
  /** Time one call may take; then the program gets an error and the tool an abort. */
  readonly callMs: number;
  readonly argumentBytesMax: number;
  /** Of one tool's answer; a larger one is an error the program can catch. */
  readonly answerBytesMax: number;
  readonly resultBytesMax: number;
  readonly bytesInMax: number;
  readonly bytesOutMax: number;
  readonly logLinesMax: number;
  readonly logBytesMax: number;
}

/** The parts of a budget a run can exhaust. */
export type BudgetLimit = 'wall' | 'cpu' | 'memory' | 'calls' | 'bytes-in' | 'bytes-out' | 'log';

const DEFAULT: Budget = {
  wallMs: limits.programWallMs,
  cpuMs: limits.programCpuMs,
  memoryBytes: limits.programMemoryBytes,
  callsMax: limits.programCallsMax,
  parallelCallsMax: limits.programParallelCallsMax,
  callMs: limits.programCallMs,
  argumentBytesMax: limits.programArgumentBytesMax,
  answerBytesMax: limits.programAnswerBytesMax,
  resultBytesMax: limits.programResultBytesMax,
  bytesInMax: limits.programBytesInMax,
  bytesOutMax: limits.programBytesOutMax,
  logLinesMax: limits.programLogLinesMax,
  logBytesMax: limits.programLogBytesMax,
};

/** Where a budget may ask for more than the default, this is the end of it. */
const CEILING: Partial<Budget> = {
  wallMs: limits.programWallMaxMs,
  cpuMs: limits.programCpuMaxMs,
  memoryBytes: limits.programMemoryMaxBytes,
  callsMax: limits.programCallsCeiling,
};

/** The default budget with these parts changed; a part beyond its ceiling, or no positive number, is brought back into its range. */
export function budgetOf(parts: Partial<Budget> = {}): Budget {
  const budget: Record<keyof Budget, number> = { ...DEFAULT };
  for (const [name, value] of Object.entries(parts) as [keyof Budget, number | undefined][]) {
    // keys of Budget
    if (value === undefined || !Number.isFinite(value)) continue;
    budget[name] = Math.min(Math.max(1, value), CEILING[name] ?? DEFAULT[name]);
  }
  return budget;
}
