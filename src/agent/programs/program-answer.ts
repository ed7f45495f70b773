/** What the model reads of its program: the value, or what went wrong and where in its own text, and what it logged. Pure. */
import { limits } from '../../base/limits.ts';
import type { Json, ProgramError, RunEnd, RunResult } from '../../tools/index.ts';
import type { ProgramRefusal } from './program-host.ts';

/** A call of a program that waits for people. */
export interface WaitingCall {
  readonly approval: string;
  readonly tool: string;
  readonly arguments: Json;
  readonly explanation: string;
}

export type ProgramAnswer =
  | { readonly outcome: 'done'; readonly value: Json; readonly note?: string; readonly logs?: string[] }
  | {
      readonly outcome: 'failed';
      /** `syntax` and `types`: nothing was run; else how the run ended. */
      readonly code?: ProgramError['code'] | 'types' | 'budget' | 'crashed' | 'cancelled' | 'paused';
      readonly error: string;
      readonly logs?: string[];
    }
  | {
      readonly outcome: 'waiting';
      readonly run: string;
      readonly explanation: string;
      readonly waitingFor: readonly WaitingCall[];
    };

/** Whether a tool's output is that of a program that waits for people. */
export function isWaitingProgram(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'waitingFor' in output && 'run' in output;
}

export function compileFailure({ code, message, line, column }: ProgramRefusal): ProgramAnswer {
  return { outcome: 'failed', code, error: `${placeOf(line, column)}${message}` };
}

/** Of a run that does not wait. */
export function answerOf({ end, logs }: Pick<RunResult, 'end' | 'logs'>): ProgramAnswer {
  const said = logs.length === 0 ? {} : { logs: boundedLogs(logs) };
  if (end.kind !== 'done') {
    const code = end.kind === 'failed' ? end.error.code : end.kind;
    return { outcome: 'failed', code, error: failureOf(end), ...said };
  }
  const text = JSON.stringify(end.value);
  if (text.length <= limits.programValueCharactersMax) return { outcome: 'done', value: end.value, ...said };
  const value = text.slice(0, limits.programValueCharactersMax).toWellFormed();
  const note = `cut: the value has ${text.length} characters as JSON; let the program pick what matters`;
  return { outcome: 'done', value, note, ...said };
}

export function waitingAnswer(run: string, waitingFor: readonly WaitingCall[]): ProgramAnswer {
  const explanation = 'People were asked. The program goes on when they decided; its result comes here then.';
  return { outcome: 'waiting', run, explanation, waitingFor };
}

function failureOf(end: Exclude<RunEnd, { kind: 'done' }>): string {
  switch (end.kind) {
    case 'failed': {
      const { message, line, column, toolCode } = end.error;
      return `${placeOf(line, column)}${toolCode === undefined ? '' : `${toolCode}: `}${message}`;
    }
    case 'budget':
      return `the program used up its budget (${end.limit}) and was ended; what it had called stands`;
    case 'crashed':
      return `the sandbox ended: ${end.message}; what the program had called stands`;
    case 'cancelled':
      return 'the program was cancelled; what it had called stands';
    case 'paused':
      return 'the program waits for people';
  }
}

function placeOf(line: number | undefined, column: number | undefined): string {
  if (line === undefined) return '';
  return column === undefined ? `line ${line}: ` : `line ${line}, column ${column}: `;
}

/** The last lines: what a program says before it fails is what helps. */
function boundedLogs(logs: RunResult['logs']): string[] {
  let characters = 0;
  const lines: string[] = [];
  for (const { level, text } of logs.toReversed()) {
    const line = level === 'log' ? text : `${level}: ${text}`;
    characters += line.length;
    if (characters > limits.programLogCharactersTold) break;
    lines.unshift(line);
  }
  return lines;
}
