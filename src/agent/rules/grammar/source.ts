/** A sentence as tokens, which know their place in it. */

export interface Token {
  readonly kind: 'word' | 'number' | 'time' | 'text' | 'mark';
  /** Lower case; of a text, what is between its quotes, as it is. */
  readonly said: string;
  readonly start: number;
  readonly end: number;
}

export interface Source {
  readonly text: string;
  readonly tokens: readonly Token[];
}

const KINDS: readonly (readonly [kind: Token['kind'], pattern: RegExp])[] = [
  ['text', /"(?:[^"\\]|\\.)*"/y],
  ['time', /\d{1,2}:\d{2}(?!\d)/y],
  ['number', /-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])/y],
  ['number', /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/y],
  ['mark', />=|<=|==|!=|[≥≤≠<>=,:;()"!?]/y],
  ['word', /[^\s,:;()"<>=≥≤≠!?]+/y],
];

/** Never fails: what has no meaning is a token that no phrase takes. */
export function sourceOf(text: string): Source {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const [kind, found] = tokenAt(text, at);
    at += found.length;
    const said = kind === 'word' ? found.replace(/\.+$/, '') : found;
    if (said.trim() === '') continue;
    const start = at - found.length;
    tokens.push({ kind, said: saidOf(kind, said), start, end: start + said.length });
  }
  return { text, tokens };
}

function tokenAt(text: string, at: number): readonly [kind: Token['kind'], found: string] {
  for (const [kind, pattern] of KINDS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return [kind, found];
  }
  return ['mark', text.charAt(at)]; // a space
}

function saidOf(kind: Token['kind'], said: string): string {
  if (kind === 'number') return said.replaceAll(',', '');
  if (kind !== 'text') return said.toLowerCase().replaceAll('’', "'");
  try {
    return String(JSON.parse(said));
  } catch {
    return said.slice(1, -1);
  }
}

/** What was written from one token up to, and without, another. */
export function writtenBetween({ text, tokens }: Source, from: number, to: number): string {
  const first = tokens[from];
  const last = tokens[to - 1];
  return first === undefined || last === undefined ? '' : text.slice(first.start, last.end);
}
