/** A sentence as the model reads it: words, pointers for spans, and pointers behind the names of the device. */
import { deviceWords, pointer, type DeviceWords } from './device-words.ts';
import { mentionsIn } from './mentions.ts';
import { piecesOf, withoutContractions, type Piece, type Span } from './pieces.ts';

/** What pointers of one sentence mean, by kind and in order. */
export interface Spans {
  readonly numbers: readonly Extract<Span, { kind: 'number' }>[];
  readonly durations: readonly Extract<Span, { kind: 'duration' }>[];
  readonly times: readonly Extract<Span, { kind: 'time' }>[];
  readonly windows: readonly Extract<Span, { kind: 'window' }>[];
  readonly days: readonly Extract<Span, { kind: 'days' }>[];
  readonly texts: readonly string[];
  /** Which of the texts stand in quotation marks; the others may be none. */
  readonly quoted: readonly number[];
}

export interface Prompt {
  readonly device: DeviceWords;
  readonly spans: Spans;
  /** Without that of the device, which stands before it. */
  readonly text: string;
}

/** Pointers of each kind: the model never saw more in training; a sentence with more is not understood. */
export const SPANS_MAX = 8;

const PREFIXES = { number: 'N', duration: 'D', time: 'T', window: 'W', days: 'Y', text: 'Q' } as const;
type Kind = keyof typeof PREFIXES;

export function promptOf(sentence: string, device: DeviceWords): Prompt {
  const text = withoutContractions(sentence);
  const pieces = piecesOf(sentence);
  const tags = mentionsIn(
    pieces.map((piece) => (piece.kind === 'word' ? piece.word : '')),
    device,
  );
  const quotes = unquotedTexts(text, pieces);
  const counts: Record<Kind, number> = { number: 0, duration: 0, time: 0, window: 0, days: 0, text: 0 };
  const next = (kind: Kind): string => pointer(PREFIXES[kind], counts[kind]++);
  const texts: string[] = [];
  const quoted: number[] = [];
  const parts: string[] = [];
  for (const [at, piece] of pieces.entries()) {
    const opening = quotes.find((quote) => quote.first === at);
    if (opening !== undefined) {
      parts.push(next('text'));
      texts.push(opening.text);
    }
    if (piece.kind === 'word') parts.push(piece.word, ...(tags.get(at) ?? []));
    else
      parts.push(
        next(piece.kind),
        ...(piece.kind === 'number' && piece.unit !== undefined ? [piece.unit] : []),
      );
    if (piece.kind === 'text') {
      quoted.push(texts.length);
      texts.push(piece.text);
    }
    if (quotes.some((quote) => quote.last === at)) parts.push('Q');
  }
  return {
    device,
    spans: { ...spansOf(pieces), texts, quoted },
    text: parts.map((part) => ` ${part}`).join(''),
  };
}

/** The whole text before the answer. */
export function promptText(prompt: Prompt): string {
  return `${prompt.device.text}\n${prompt.text}\n`;
}

export { deviceWords };

function spansOf(pieces: readonly Piece[]): Omit<Spans, 'texts' | 'quoted'> {
  return {
    numbers: pieces.filter((piece) => piece.kind === 'number'),
    durations: pieces.filter((piece) => piece.kind === 'duration'),
    times: pieces.filter((piece) => piece.kind === 'time'),
    windows: pieces.filter((piece) => piece.kind === 'window'),
    days: pieces.filter((piece) => piece.kind === 'days'),
  };
}

interface Quote {
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

const TELLING =
  /^(?:alert|alerts|alarm|warn|warning|notify|notice|notification|tell|inform|message|text|ping|say|says|saying|report|know|remind)$/;
const BEFORE_TEXT =
  /^(?:me|us|him|her|them|everyone|everybody|somebody|someone|operator|owner|that|saying|says|with|:|-|of|text|message|alert|notification)$/;
const AFTER_TEXT =
  /^(?:if|when|whenever|once|should|while|because|between|from|until|unless|upon|after|before|given|provided|,|;|\.|!|\?|->|\(|\))$/;
/** Begins something else only before these. */
const AFTER_TEXT_BEFORE: Readonly<Record<string, RegExp>> = {
  as: /^(?:soon|long)$/,
  in: /^(?:case|the)$/,
  every: /^time$/,
  the: /^moment$/,
  but: /^only$/,
};

/** Texts people give without quotation marks: "alert too damp when ..." may say "too damp". */
function unquotedTexts(text: string, pieces: readonly Piece[]): readonly Quote[] {
  const quotes: Quote[] = [];
  for (const [at, piece] of pieces.entries()) {
    if (at <= (quotes.at(-1)?.last ?? -1) || piece.kind !== 'word' || !TELLING.test(piece.word)) continue;
    let first = at + 1;
    while (isWord(pieces[first], BEFORE_TEXT) || isOperator(pieces, first)) first += 1;
    let last = first;
    while (last < pieces.length && pieces[last]?.kind !== 'text' && !endsText(pieces, last)) last += 1;
    if (last === first || pieces[last]?.kind === 'text') continue;
    quotes.push({
      first,
      last: last - 1,
      text: text.slice(pieces[first]?.start, pieces[last - 1]?.end).trim(),
    });
  }
  return quotes;
}

function isWord(piece: Piece | undefined, pattern: RegExp): boolean {
  return piece?.kind === 'word' && pattern.test(piece.word);
}

function endsText(pieces: readonly Piece[], at: number): boolean {
  const piece = pieces[at];
  if (piece?.kind !== 'word')
    return piece?.kind === 'days' || piece?.kind === 'window' || piece?.kind === 'time';
  const next = AFTER_TEXT_BEFORE[piece.word];
  if (piece.word === 'on') return pieces[at + 1]?.kind === 'days';
  return AFTER_TEXT.test(piece.word) || (next !== undefined && isWord(pieces[at + 1], next));
}

/** "the operator", "the owner" */
function isOperator(pieces: readonly Piece[], at: number): boolean {
  return isWord(pieces[at], /^the$/) && isWord(pieces[at + 1], /^(?:operator|owner)$/);
}
