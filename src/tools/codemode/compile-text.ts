/**
 * What a model writes becomes the body of an async function of `env`. Models write code fences, `export default`, a
 * bare arrow function, or statements that end with an expression whose value they mean; all are taken. Lines and
 * columns stay those of the model's text: types are blanked, what is added stands before the first line or after the
 * last. Runs in a thread of its own (compile-thread.ts): the parsers meet hostile text.
 */
import { stripTypeScriptTypes } from 'node:module';
import { Script } from 'node:vm';
import { limits } from '../../base/limits.ts';

/** Where and why a text is no program. Line and column from 1, in the model's text. */
export interface CompileError {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

export type CompiledText =
  | {
      readonly ok: true;
      readonly code: string;
      readonly firstLineShift: number;
      /** The text with its types, for the checker: body of a function as `code` is, begun by `start`. */
      readonly typed: string;
      readonly start: ProgramStart;
    }
  /** `isPoisoned`: the type stripper died of it and answers nobody in this thread any more. */
  | { readonly ok: false; readonly error: CompileError; readonly isPoisoned: boolean };

/** What a body begins with: nothing, `return(` before an expression, or the variable a default export is assigned to. */
export type ProgramStart = '' | 'return(' | 'let $default;';

const OPEN = 'async(env)=>{';
const START_DEFAULT = 'let $default;';

/** Never throws. */
export function compileText(text: string): CompiledText {
  const source = withoutExports(withoutFences(text));
  if (source.text.trim() === '') return refuse({ message: 'the program is empty' });
  const stripped = strip(source.hasDefault ? OPEN + START_DEFAULT : OPEN, source.text);
  if (!stripped.ok) return explain(source.text, stripped);
  const { body } = stripped;
  if (source.hasDefault) return finish(START_DEFAULT, `${body}\n;return $default`, source.text);
  const [start, valued] = withValue(body);
  return finish(start, valued, source.text);
}

function refuse(error: CompileError, isPoisoned = false): CompiledText {
  return { ok: false, error, isPoisoned };
}

/** The first fenced block, its lines where they were; a text without fences as it is. */
function withoutFences(text: string): string {
  const open = /^[ \t]*(```|~~~)[^\n`]*\n/m.exec(text);
  if (open === null) return text;
  const start = open.index + open[0].length;
  const close = text.indexOf(`\n${open[1]}`, start - 1);
  const linesBefore = text.slice(0, start).split('\n').length - 1;
  return '\n'.repeat(linesBefore) + text.slice(start, close === -1 ? undefined : close);
}

/** `export default x` assigns, other exports are blanked; columns stay. */
function withoutExports(text: string): { readonly text: string; readonly hasDefault: boolean } {
  let hasDefault = false;
  const blanked = text.replace(/^([ \t]*)(export[ \t]+default\b)/m, (_, indent: string, words: string) => {
    hasDefault = true;
    return `${indent}$default${'='.padStart(words.length - '$default'.length)}`;
  });
  const others =
    /^([ \t]*)(export[ \t]+)(?=(?:async|function|const|let|var|class|type|interface|abstract|declare)\b)/gm;
  return { text: blanked.replace(others, (words) => ' '.repeat(words.length)), hasDefault };
}

type Stripped =
  | { readonly ok: true; readonly body: string }
  | ({ readonly ok: false } & Omit<Extract<CompiledText, { ok: false }>, 'ok'>);

/** Types out. A text that is only an expression (`function (env) {}`) may be one in parentheses only. */
function strip(open: string, text: string): Stripped {
  const first = stripWrapped(open, text, '\n}');
  if (first.ok || first.isPoisoned) return first;
  const second = stripWrapped(`${OPEN}return(`, text, '\n)}');
  if (!second.ok) return second.isPoisoned ? second : first;
  return second;
}

function stripWrapped(open: string, text: string, close: string): Stripped {
  try {
    const js = stripTypeScriptTypes(open + text + close, { mode: 'strip' });
    return { ok: true, body: js.slice(open.length, js.length - close.length) };
  } catch (error) {
    return stripFailure(error, open.length);
  }
}

function stripFailure(error: unknown, firstLineShift: number): Stripped {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_INVALID_TYPESCRIPT_SYNTAX' && code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return { ok: false, isPoisoned: true, error: { message: 'the program is nested too deeply' } };
  }
  return { ok: false, isPoisoned: false, error: placed(error, firstLineShift) };
}

/** V8 and Node put `file:line`, the line and a caret before the message of the stack. */
function placed(error: unknown, firstLineShift: number): CompileError {
  if (!(error instanceof Error)) return { message: 'not a program' };
  const message = error.message.slice(0, 500);
  const line = Number(/^[^\n]*:(\d+)\n/.exec(error.stack ?? '')?.[1] ?? 0);
  const caret = /\n( *)\^+(?:\n|$)/.exec(error.stack ?? '');
  if (line === 0) return { message };
  if (caret === null) return { message, line };
  const column = (caret[1] ?? '').length + 1 - (line === 1 ? firstLineShift : 0);
  return { message, line, column: Math.max(1, column) };
}

function explain(text: string, { error, isPoisoned }: Extract<Stripped, { ok: false }>): CompiledText {
  if (/^[ \t]*import\b(?!\s*\()/m.test(text)) {
    return refuse({ ...error, message: 'a program cannot import: all it may use is in env' }, isPoisoned);
  }
  return refuse(error, isPoisoned);
}

/** What goes before the first line, and the body, so that the last expression becomes the value. */
function withValue(body: string): [start: ProgramStart, body: string] {
  const whole = withoutEnd(body);
  if (isExpression(whole)) return ['return(', `${whole}\n)`];
  for (const at of placesFromEnd(body)) {
    const head = body.slice(0, at);
    const tail = withoutEnd(body.slice(at));
    if (tail.trim() === '' || !isLastExpression(head, tail)) continue;
    // On its own line where it began one, so that lines and columns stay.
    return ['', `${head}return(${tail}\n)`];
  }
  return ['', body];
}

/** Where a last statement may begin: after line breaks and semicolons, from the end. */
function placesFromEnd(body: string): number[] {
  const places: number[] = [];
  for (let at = body.length - 1; at > 0 && places.length < limits.programTailPlacesMax; at--) {
    if (body[at - 1] === '\n' || body[at - 1] === ';') places.push(at);
  }
  return places;
}

/** A declaration is no value, and a line that could continue the one before is not cut off it. */
function isLastExpression(head: string, tail: string): boolean {
  if (/^\s*(?:async\s+function|function|class)\b/.test(tail)) return false;
  if (/^\s*[([`+\-*/.,?]/.test(tail) && !/;\s*$/.test(head)) return false;
  return isExpression(tail) && isBody(head);
}

/** Without comments of whole lines, white space and semicolons at its end. */
function withoutEnd(text: string): string {
  const lines = text.split('\n');
  while (/^\s*(\/\/.*)?$/.test(lines.at(-1) ?? 'x')) lines.pop();
  return lines.join('\n').replace(/[\s;]+$/, '');
}

function isExpression(text: string): boolean {
  return text.trim() !== '' && isScript(`${OPEN}return(${text}\n)}`) && !/^\s*,/.test(text);
}

function isBody(text: string): boolean {
  return isScript(`${OPEN}${text}\n}`);
}

function isScript(text: string): boolean {
  return problemIn(text) === undefined;
}

/** Compiles without running. */
function problemIn(text: string): unknown {
  try {
    return void new Script(text, { filename: 'program' });
  } catch (error) {
    return error;
  }
}

/** The last check, by the parser that will run it. Twice: a text that closes our function early fits only one of both. */
function finish(start: ProgramStart, body: string, text: string): CompiledText {
  for (const [open, close] of [
    [`(${OPEN}'use strict';`, '\n})'],
    [`${OPEN}{`, '\n}}'],
  ] as const) {
    const problem = problemIn(open + start + body + close);
    if (problem instanceof SyntaxError) return refuse(placed(problem, open.length + start.length));
    if (problem !== undefined) return refuse({ message: 'the program is nested too deeply' });
  }
  return {
    ok: true,
    code: start + body,
    firstLineShift: start.length,
    typed: typedBody(start, body, text),
    start,
  };
}

/** Blanked types leave every character where it was. */
function typedBody(start: ProgramStart, body: string, text: string): string {
  return start === 'return(' ? `${text.slice(0, body.length - '\n)'.length)}\n)` : text;
}
