import type { CompiledProgram } from './compile.ts';
import type { Json } from './hostile-json.ts';
import type { Redactor } from './redact.ts';
import type { ProgramError } from './run-result.ts';
import { cut } from './tool-host.ts';

const CODES = new Set<unknown>(['threw', 'syntax', 'result', 'stuck']);

/** The error of an `end` frame. All of it is the program's own words; the place is looked for in its stack. */
export function programError(
  frame: { readonly [key: string]: Json },
  program: CompiledProgram,
  redactor: Redactor,
): ProgramError {
  const text = (name: string): string => (typeof frame[name] === 'string' ? frame[name] : '');
  const name = text('name');
  const message =
    name === '' || name === 'Error' || name === 'ToolError' ? text('message') : `${name}: ${text('message')}`;
  const toolCode = name === 'ToolError' ? redactor.text(text('toolCode').slice(0, 64)) : '';
  return {
    code: CODES.has(frame['code']) ? (frame['code'] as ProgramError['code']) : 'threw', // one of the set
    message: cut(redactor.text(message)),
    ...placeIn(text('stack').slice(0, 4000), program),
    ...(toolCode === '' ? {} : { toolCode }),
  };
}

/** Both engines name the program `program` and put one line before it. */
function placeIn(
  stack: string,
  { firstLineShift, text }: CompiledProgram,
): { line?: number; column?: number } {
  const place = /\bprogram:(\d{1,6})(?::(\d{1,6}))?/.exec(stack);
  if (place === null) return {};
  const line = Number(place[1]) - 1;
  if (line < 1 || line > text.split('\n').length) return {};
  if (place[2] === undefined) return { line };
  return { line, column: Math.max(1, Number(place[2]) - (line === 1 ? firstLineShift : 0)) };
}
