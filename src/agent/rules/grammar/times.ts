/** Times of day and days of the week. */
import { DAYS, type Day, type Timing } from '../rule.ts';
import { canonicalZone } from '../zone.ts';
import { number } from './quantities.ts';
import { alt, list, map, meaning, opt, say, seq, type Parser } from './parser.ts';

const CLOCK: Parser<number> = ({ tokens }, at) => {
  const token = tokens[at];
  if (token?.kind !== 'time') return [];
  const [hours = 0, minutes = 0] = token.said.split(':').map(Number);
  return hours < 24 && minutes < 60 ? [[hours * 60 + minutes, at + 1]] : [];
};

const HALF = meaning<'am' | 'pm'>(
  ['am', 'am|a.m|a.m.|in the morning'],
  ['pm', 'pm|p.m|p.m.|in the afternoon|in the evening'],
);

/** Minutes since midnight. */
const TIME: Parser<number> = alt(
  CLOCK,
  map(
    seq(
      alt(
        map(number, (hours) => hours * 60),
        CLOCK,
      ),
      HALF,
    ),
    ([minutes, half]) => {
      if (!Number.isInteger(minutes) || minutes < 60 || minutes >= 13 * 60) return undefined;
      return (minutes % 720) + (half === 'pm' ? 720 : 0);
    },
  ),
  map(seq(number, say("o'clock")), ([hours]) =>
    Number.isInteger(hours) && hours >= 0 && hours < 24 ? hours * 60 : undefined,
  ),
  meaning([0, 'midnight'], [720, 'noon|midday']),
);

function timeOf(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const BETWEEN: Parser<Timing> = map(
  alt(
    map(seq(say('between'), TIME, say('and'), TIME), ([, from, , to]) => [from, to] as const),
    map(seq(say('from'), TIME, say('to|until|till'), TIME), ([, from, , to]) => [from, to] as const),
    map(seq(say('after'), TIME), ([, from]) => (from === 0 ? undefined : ([from, 0] as const))),
    map(seq(say('before'), TIME), ([, to]) => (to === 0 ? undefined : ([0, to] as const))),
  ),
  ([from, to]) => (from === to ? undefined : { between: [timeOf(from), timeOf(to)] }),
);

const NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const DAY: Parser<Day> = meaning(
  ...DAYS.map((day, at): [Day, string] => {
    const name = NAMES[at] ?? day;
    const short = { tue: '|tues', thu: '|thurs' }[day as string] ?? '';
    return [day, `${day}|${name}|${name}s${short}`];
  }),
);
const RANGE: Parser<readonly Day[]> = map(
  seq(DAY, say('to|through|until|till|-'), DAY),
  ([first, , last]) => {
    const from = DAYS.indexOf(first);
    const to = DAYS.indexOf(last);
    return from === to
      ? undefined
      : DAYS.filter((_, at) => (from < to ? at >= from && at <= to : at >= from || at <= to));
  },
);
const COMMA_OR_AND = alt(say(','), say('and'), say(', and'), say('or'));
const ON_DAYS: Parser<Timing> = map(
  alt(
    map(seq(opt(say('on|from|every|each')), RANGE), ([, days]) => days),
    map(seq(say('on|every|each'), list(DAY, COMMA_OR_AND)), ([, days]) => days),
    map(say('on weekdays|on working days|on workdays|during the week|on a weekday'), (): readonly Day[] =>
      DAYS.slice(0, 5),
    ),
    map(
      say('on weekends|on the weekend|at the weekend|at weekends|on a weekend|during the weekend'),
      (): readonly Day[] => DAYS.slice(5),
    ),
  ),
  (days) => (new Set(days).size === days.length ? { days } : undefined),
);

const ZONE: Parser<string> = ({ tokens }, at) => {
  const token = tokens[at];
  const isName = token?.kind === 'word' && (token.said === 'utc' || token.said.includes('/'));
  const zone = isName ? canonicalZone(token.said) : undefined;
  return zone === undefined ? [] : [[zone, at + 1]];
};
const IN_ZONE = alt(
  map(seq(say('('), ZONE, say(')')), ([, zone]) => zone),
  map(seq(opt(say('in')), ZONE), ([, zone]) => zone),
);

/** `between 10 pm and 6 am on mon, fri (Europe/Berlin)`, in either order. */
export const timing: Parser<Timing> = map(
  seq(
    opt(say('only')),
    alt(
      map(seq(BETWEEN, opt(ON_DAYS)), ([times, days]) => ({ ...times, ...days })),
      map(seq(ON_DAYS, opt(say(',')), opt(BETWEEN)), ([days, , times]) => ({ ...days, ...times })),
    ),
    opt(IN_ZONE),
  ),
  ([, times, zone]) => ({ ...times, ...(zone === undefined ? {} : { zone }) }),
);
