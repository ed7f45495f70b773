/** A pattern as a grammar of llama.cpp. https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md */
import type { Pattern } from '../embedded/pattern.ts';

/** The grammar whose `root` is `pattern`. */
export function gbnf(pattern: Pattern): string {
  return `root ::= ${expression(pattern)}\n`;
}

function expression(pattern: Pattern): string {
  if (typeof pattern === 'string') return quoted(pattern);
  if ('from' in pattern) return `[${code(pattern.from)}-${code(pattern.to)}]`;
  if ('kind' in pattern) return '[^\\x00-\\x7F]';
  if ('sequence' in pattern)
    return pattern.sequence.length === 0 ? '""' : `(${pattern.sequence.map(expression).join(' ')})`;
  if ('oneOf' in pattern) return `(${pattern.oneOf.map(expression).join(' | ')})`;
  return `(${expression(pattern.repeat)}){${pattern.min},${pattern.max ?? ''}}`;
}

function quoted(text: string): string {
  const escaped = [...text].map((character) =>
    /[\p{Cc}"\\]/u.test(character) ? code(character) : character,
  );
  return `"${escaped.join('')}"`;
}

/** Of a character below 128. */
function code(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
}
