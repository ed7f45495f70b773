/** A call of `run_program` as people read it: the program in coloured lines, what came of it, where it failed. Pure. */
import { spelledOut } from './approvals.ts';
import type { ChatPart } from './chat-parts.ts';
import { asText, isObject } from './twin.ts';

export interface ProgramView {
  /** As the model wrote it. */
  readonly code: string;
  /** From 1; null when none is named. */
  readonly errorLine: number | null;
  readonly error: string;
  /** The value it returned, as text; null while there is none. */
  readonly result: string | null;
  /** What else is to be said of the result. */
  readonly note: string;
  readonly logs: readonly string[];
  /** Calls that wait for a person, in words. */
  readonly waitingFor: readonly string[];
}

/** Null for anything else, and for a program that is still being written. */
export function programView(name: string, part: ChatPart): ProgramView | null {
  const code = isObject(part.input) ? part.input.code : undefined;
  if (name !== 'run_program' || typeof code !== 'string') return null;
  const output = isObject(part.output) ? part.output : {};
  const error = asText(output.error) || asText(part.errorText);
  const line = /^line (\d+)/.exec(error)?.[1];
  return {
    code,
    errorLine: line === undefined ? null : Number(line),
    error,
    result: output.value === undefined ? null : resultText(output.value),
    note: asText(output.note),
    logs: texts(output.logs),
    waitingFor: Array.isArray(output.waitingFor) ? output.waitingFor.map(waitingWords) : [],
  };
}

/** "1 line", "24 lines": what the row says in the place of the text. */
export function programSize(code: string): string {
  const count = code.trimEnd().split('\n').length;
  return count === 1 ? '1 line' : `${count} lines`;
}

export type TokenKind = 'plain' | 'comment' | 'text' | 'word' | 'number';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** Comments, texts, words of the language, numbers. What is not closed reaches to the end, so no character is looked at often. */
const TOKENS =
  /(\/\/[^\n]*|\/\*(?:[\s\S]*?\*\/|[\s\S]*$))|("(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|`(?:\\[\s\S]|[^`\\])*`?)|\b(as|async|await|break|case|catch|class|const|continue|default|do|else|export|false|finally|for|function|if|import|in|instanceof|interface|let|new|null|of|return|switch|this|throw|true|try|type|typeof|undefined|var|while|yield)\b|\b(\d[\w.]*)/g;
const KINDS = ['comment', 'text', 'word', 'number'] as const;

/** The lines of a program; characters that turn the direction of a line are spelled out. */
export function programLines(code: string): readonly (readonly Token[])[] {
  const text = spelledOut(code.trimEnd());
  const lines: Token[][] = [[]];
  const add = (kind: TokenKind, piece: string): void => {
    for (const [n, rest] of piece.split('\n').entries()) {
      if (n > 0) lines.push([]);
      if (rest !== '') lines.at(-1)?.push({ kind, text: rest });
    }
  };
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    add('plain', text.slice(end, match.index));
    add(KINDS.find((_, n) => match[n + 1] !== undefined) ?? 'plain', match[0]);
    end = match.index + match[0].length;
  }
  add('plain', text.slice(end));
  return lines;
}

function resultText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function waitingWords(call: unknown): string {
  if (!isObject(call)) return '';
  return asText(call.explanation) || asText(call.tool);
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.map((text) => String(text)) : [];
}
