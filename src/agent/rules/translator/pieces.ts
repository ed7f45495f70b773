/**
 * Reads a sentence into pieces: words, and spans whose meaning needs no model (numbers with their unit,
 * durations, times of day, windows of the day, days of the week, quoted texts). The model sees a span as a
 * pointer, never its digits, so it cannot copy one wrong; what the pointer means is looked up here.
 */
import type { Day } from '../rule.ts';
import { NUMBER, numberOf, UNIT, unitNamed } from './numbers.ts';

/** Where a piece lies in the sentence. */
interface Place {
  readonly start: number;
  readonly end: number;
}

export type Span = Place &
  (
    | { readonly kind: 'number'; readonly value: number; readonly unit?: string }
    | { readonly kind: 'duration'; readonly ms: number }
    /** "22:00" */
    | { readonly kind: 'time'; readonly time: string }
    | { readonly kind: 'window'; readonly between: readonly [string, string] }
    | { readonly kind: 'days'; readonly days: readonly Day[] }
    | { readonly kind: 'text'; readonly text: string }
  );

export type Piece = Span | (Place & { readonly kind: 'word'; readonly word: string });

type Reader = (match: RegExpExecArray) => Omitted | readonly Omitted[] | undefined;
/** A span or word without its place. */
type Omitted = { [K in Piece['kind']]: Omit<Extract<Piece, { kind: K }>, 'start' | 'end'> }[Piece['kind']];

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  week: 604_800_000,
};
const LENGTH =
  '(milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|[smhd])(?![\\p{L}\\d/])';
const DAY_NAMES =
  'mon(?:day)?s?|tue(?:s|sday)?s?|wed(?:nesday)?s?|thu(?:r|rs|rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?|sun(?:day)?s?';
const WEEK: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const HALF = "am|a\\.m\\.?|pm|p\\.m\\.?|in the morning|in the afternoon|in the evening|at night|o'clock";
const WINDOWS: readonly (readonly [RegExp, readonly [string, string]])[] = [
  [/night/, ['22:00', '06:00']],
  [/morning/, ['06:00', '12:00']],
  [/afternoon/, ['12:00', '18:00']],
  [/evening/, ['18:00', '22:00']],
  [/day/, ['06:00', '22:00']],
];

/** In order: the first that matches at a place takes it. Sticky, so that each is tried at that place only. */
const READERS: readonly (readonly [RegExp, Reader])[] = [
  [sticky('"([^"]*)"|“([^”]*)”|\'([^\']{2,}?)\'(?![\\p{L}])'), (m) => textSpan(m[1] ?? m[2] ?? m[3] ?? '')],
  [
    sticky(
      `(\\d{1,2})(?::(\\d\\d))? ?(?:-|–|to|and|until|till) ?(\\d{1,2})(?::(\\d\\d))? ?(${HALF})(?![\\p{L}])`,
    ),
    twoTimes,
  ],
  [
    sticky("(\\d{1,2}):(\\d\\d)(?: ?(am|pm|a\\.m\\.?|p\\.m\\.?)(?![\\p{L}]))?(?: o'clock| hours)?"),
    (m) => timeSpan(m[1], m[2], m[3]),
  ],
  [
    sticky(`(\\d{1,2}|${NUMBER}) ?(${HALF})(?![\\p{L}])`),
    (m) => timeSpan(String(numberOf(m[1] ?? '')), '00', m[2]),
  ],
  [
    sticky('(noon|midday|midnight)\\b'),
    (m) => ({ kind: 'time', time: m[1]?.toLowerCase() === 'midnight' ? '00:00' : '12:00' }),
  ],
  [
    sticky(
      '(?:at night|by night|overnight|(?:during|in|at) the (?:night|daytime|day|morning|afternoon|evening)|(?:at )?night ?time)\\b',
    ),
    windowSpan,
  ],
  [
    sticky(`(?:every )?(${DAY_NAMES}) ?(?:-|–|to|through|until) ?(${DAY_NAMES})\\b`),
    (m) => daysSpan(daysFrom(m[1] ?? '', m[2] ?? '')),
  ],
  [
    sticky(
      `(?:every )?(?:${DAY_NAMES}|weekdays?|week ?ends?|workdays?|working days)\\b(?:(?:, ?(?:and )?| and | or )(?:on )?(?:${DAY_NAMES})\\b)*`,
    ),
    (m) => daysSpan(daysIn(m[0])),
  ],
  [
    sticky('(half an hour|a half hour|(?:a )?quarter of an hour|a quarter hour|an hour and a half)\\b'),
    (m) => durationSpan(/and a half/i.test(m[0]) ? 5_400_000 : /half/i.test(m[0]) ? 1_800_000 : 900_000),
  ],
  [sticky('half a minute\\b'), () => durationSpan(30_000)],
  [sticky('half a day\\b'), () => durationSpan(43_200_000)],
  [sticky('a couple(?: of)? (minutes|seconds|hours|days)\\b'), (m) => durationSpan(2 * lengthOf(m[1] ?? ''))],
  [
    sticky(`(?:an?|one) (second|minute|hour|day|week|sec|min)(?![\\p{L}])`),
    (m) => durationSpan(lengthOf(m[1] ?? '')),
  ],
  [
    sticky(`(?<=\\b(?:per|each|every) )(second|minute|hour|day|sec|min)(?![\\p{L}])`),
    (m) => durationSpan(lengthOf(m[1] ?? '')),
  ],
  [
    sticky(`(?<=/ ?)(second|minute|hour|day|sec|min|[smhd])(?![\\p{L}])`),
    (m) => durationSpan(lengthOf(m[1] ?? '')),
  ],
  [sticky(`${NUMBER}[ -]?${LENGTH}(?:,? (?:and )?${NUMBER}[ -]?${LENGTH})*`), durations],
  [
    sticky(`(\\d+)h(\\d+)(?:m|min)?(?![\\p{L}\\d])`),
    (m) => durationSpan(Number(m[1]) * 3_600_000 + Number(m[2]) * 60_000),
  ],
  // A capital letter: "2 A" is a current, "2 a minute" a rate.
  [new RegExp('()(\\d+(?:[.,]\\d+)?) ?(A)(?![\\p{L}\\d/])', 'uy'), numberSpan],
  [sticky(`(?:(-|−|minus |negative )(?=\\d|\\p{L}))?(${NUMBER})(?: ?(${UNIT}))?`), numberSpan],
  [
    sticky('(?:->|=>|→|>=|<=|==|!=|≥|≤|=|>|<|&&|&|\\|\\||[^\\p{L}\\p{N}\\s])'),
    (m) => ({ kind: 'word', word: SIGNS[m[0]] ?? m[0] }),
  ],
  [sticky('[\\p{L}\\p{N}]+'), (m) => ({ kind: 'word', word: m[0].toLowerCase() })],
];
const SIGNS: Readonly<Record<string, string>> = {
  '→': '->',
  '=>': '->',
  '≥': '>=',
  '≤': '<=',
  '==': '=',
  '&&': '&',
  '||': '|',
  '–': '-',
  '−': '-',
};

/** The pieces of `sentence`, in order. */
export function piecesOf(sentence: string): readonly Piece[] {
  const text = withoutContractions(sentence);
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at] ?? '')) {
      at += 1;
      continue;
    }
    const read = readAt(text, at, pieces.at(-1));
    pieces.push(...read.pieces);
    at = read.end;
  }
  return pieces;
}

function readAt(
  text: string,
  at: number,
  before: Piece | undefined,
): { pieces: readonly Piece[]; end: number } {
  for (const [expression, reader] of READERS) {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match === null || match[0] === '') continue;
    // "b12" and "heating-one" are names: a span begins where a word does.
    if (
      before?.kind === 'word' &&
      before.end === at &&
      /[\p{L}\p{N}]$/u.test(before.word) &&
      /^[\p{L}\p{N}]/u.test(match[0])
    )
      continue;
    const spans = reader(match);
    if (spans === undefined) continue;
    const end = at + match[0].length;
    return { pieces: [spans].flat().map((span) => ({ ...span, start: at, end }) as Piece), end };
  }
  return { pieces: [], end: at + 1 };
}

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\bwon['’]t\b/gi, 'will not'],
  [/\bcan['’]t\b|\bcannot\b/gi, 'can not'],
  [/\b(do|does|did|is|are|has|have|was|were|should|would|could)n['’]t\b/gi, '$1 not'],
  [/\b(i|you|we|they)['’]d\b/gi, '$1 would'],
  [/\b(i|you|we|they)['’]ve\b/gi, '$1 have'],
  [/\b(we|you|they)['’]re\b/gi, '$1 are'],
  [/(\p{L})['’]s\b/giu, '$1 is'],
];

/** Places of spans are those in this text; texts are cut from it too. */
export function withoutContractions(sentence: string): string {
  return CONTRACTIONS.reduce(
    (text, [pattern, full]) => text.replace(pattern, full),
    sentence.normalize('NFC'),
  );
}

function sticky(source: string): RegExp {
  return new RegExp(source, 'iuy');
}

function textSpan(text: string): Omitted | undefined {
  return text.trim() === '' ? undefined : { kind: 'text', text: text.trim() };
}

function durationSpan(ms: number): Omitted {
  return { kind: 'duration', ms };
}

function daysSpan(days: readonly Day[]): Omitted {
  return { kind: 'days', days };
}

function windowSpan(match: RegExpExecArray): Omitted | undefined {
  const found = WINDOWS.find(([pattern]) => pattern.test(match[0].toLowerCase()));
  return found && { kind: 'window', between: found[1] };
}

function numberSpan([, sign, digits = '', written]: RegExpExecArray): Omitted {
  const unit = written === undefined ? undefined : unitNamed(written);
  const value = numberOf(digits);
  return {
    kind: 'number',
    value: !sign || value === 0 ? value : -value,
    ...(unit !== undefined && { unit }),
  };
}

function timeSpan(
  hours: string | undefined,
  minutes: string | undefined,
  half: string | undefined,
): Omitted | undefined {
  const hour = Number(hours);
  const isPm = /^p|afternoon|evening|night/i.test(half ?? '') && hour < 12;
  const isMidnight = /^a|morning|night/i.test(half ?? '') && hour === 12;
  const clock = isMidnight ? 0 : isPm && !(/night/i.test(half ?? '') && hour < 5) ? hour + 12 : hour;
  if (clock > 24 || Number(minutes) > 59) return undefined;
  return { kind: 'time', time: `${String(clock % 24).padStart(2, '0')}:${minutes ?? '00'}` };
}

/** "9 to 5 pm" begins in the morning, "8 to 10 pm" in the evening. */
function twoTimes([, from = '', fromMinutes = '00', to = '', toMinutes = '00', half = '']: RegExpExecArray):
  readonly Omitted[] | undefined {
  if (/^0./.test(from) || Number(from) > 12) {
    const [first, second] = [timeSpan(from, fromMinutes, undefined), timeSpan(to, toMinutes, half)];
    return first === undefined || second === undefined ? undefined : [first, second];
  }
  const isFromSame = Number(from) <= Number(to) && Number(from) !== 12;
  const other = /^p|afternoon|evening/i.test(half) ? 'am' : half === "o'clock" ? half : 'pm';
  const first = timeSpan(from, fromMinutes, isFromSame ? half : other);
  const second = timeSpan(to, toMinutes, half);
  return first === undefined || second === undefined ? undefined : [first, second];
}

function durations(match: RegExpExecArray): Omitted {
  let ms = 0;
  for (const part of match[0].matchAll(new RegExp(`(${NUMBER})[ -]?${LENGTH}`, 'giu'))) {
    ms += numberOf(part[1] ?? '') * lengthOf(part[2] ?? '');
  }
  return durationSpan(Math.round(ms));
}

function lengthOf(written: string): number {
  const word = written.toLowerCase();
  return DURATION_MS[word] ?? DURATION_MS[word.replace(/s$/, '')] ?? 0;
}

function daysFrom(from: string, to: string): readonly Day[] {
  const first = WEEK.indexOf(dayOf(from));
  const last = WEEK.indexOf(dayOf(to));
  return WEEK.filter((_, at) => (first <= last ? at >= first && at <= last : at >= first || at <= last));
}

function daysIn(text: string): readonly Day[] {
  const found = new Set<Day>();
  for (const word of text.toLowerCase().split(/[\s,]+/)) {
    if (/^week ?end|^week$/.test(word)) for (const day of ['sat', 'sun'] as const) found.add(day);
    else if (/^weekday|^work/.test(word)) for (const day of WEEK.slice(0, 5)) found.add(day);
    else if (WEEK.includes(dayOf(word))) found.add(dayOf(word));
  }
  return WEEK.filter((day) => found.has(day));
}

/** The first three letters name the day. */
function dayOf(word: string): Day {
  return word.slice(0, 3).toLowerCase() as Day; // what is no day is in no list of days
}
