/** Numbers, units and durations, as they are said. */
import { alt, list, map, meaning, opt, say, sayAny, seq, type Parser } from './parser.ts';

const DIGITS: Parser<number> = ({ tokens }, at) => {
  const token = tokens[at];
  return token?.kind === 'number' ? [[Number(token.said), at + 1]] : [];
};

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen';
const WORDS: readonly (readonly [number, string])[] = [
  ...SMALL.split(' ').map((word, value) => [value, word] as const),
  ...'twenty thirty forty fifty sixty seventy eighty ninety'
    .split(' ')
    .map((word, at) => [(at + 2) * 10, word] as const),
];
const SPELLED: Parser<number> = meaning(...WORDS, [100, 'a hundred|one hundred|hundred']);

export const number: Parser<number> = alt(
  DIGITS,
  SPELLED,
  map(seq(say('minus'), alt(DIGITS, SPELLED)), ([, value]) => -value),
);

/** Other ways to say a unit, by the unit in lower case. */
const UNITS: Readonly<Record<string, readonly string[]>> = {
  '°c': ['° c', '°', 'c', 'degrees', 'degree', 'degrees celsius', 'degree celsius', 'degrees c', 'celsius'],
  '°f': ['° f', '°', 'f', 'degrees', 'degree', 'degrees fahrenheit', 'fahrenheit'],
  '%': ['percent', 'per cent', 'pct'],
  bar: ['bars'],
  v: ['volt', 'volts'],
  a: ['amp', 'amps', 'ampere', 'amperes'],
  w: ['watt', 'watts'],
  kw: ['kilowatt', 'kilowatts'],
  kwh: ['kilowatt hours', 'kilowatt-hours'],
  'km/h': ['kmh', 'kph', 'km per hour', 'kilometers per hour', 'kilometres per hour'],
  'mm/s': ['mm per second', 'millimeters per second', 'millimetres per second'],
  s: ['sec', 'secs', 'second', 'seconds'],
  hz: ['hertz'],
  lux: ['lx'],
  '°': ['degrees', 'degree', 'deg'],
};

/** The unit, or nothing; never another one, because nothing is converted. */
export function unit(name: string | undefined): Parser<string | undefined> {
  if (name === undefined || name === '') return opt(say('units'));
  const lower = name.toLowerCase();
  return opt(sayAny([lower, ...(UNITS[lower] ?? [])]));
}

const DURATION_UNITS: Parser<number> = meaning(
  [1, 'ms|millisecond|milliseconds'],
  [1000, 's|sec|secs|second|seconds'],
  [60_000, 'min|mins|m|minute|minutes'],
  [3_600_000, 'h|hr|hrs|hour|hours'],
  [86_400_000, 'd|day|days'],
  [604_800_000, 'week|weeks'],
);

const ONE_UNIT: Parser<number> = alt(
  map(seq(number, DURATION_UNITS), ([count, lengthMs]) => count * lengthMs),
  map(seq(say('a|an|one full|a full|a whole'), DURATION_UNITS), ([, lengthMs]) => lengthMs),
  map(seq(say('half a|half an|a half'), DURATION_UNITS), ([, lengthMs]) => lengthMs / 2),
  map(seq(say('a quarter of an|a quarter'), say('hour')), () => 900_000),
  map(seq(number, say('and a half'), DURATION_UNITS), ([count, , lengthMs]) => (count + 0.5) * lengthMs),
);

/** Whole ms above 0: `90 s`, `1 min 30 s`, `an hour and ten minutes`; each unit smaller than the one before. */
export const duration: Parser<number> = map(list(ONE_UNIT, opt(say('and'))), (parts) => {
  const isFalling = parts.every((part, at) => at === 0 || part < (parts[at - 1] ?? 0));
  const sum = Math.round(parts.reduce((one, other) => one + other));
  return isFalling && sum > 0 ? sum : undefined;
});

/** `per second`, and what a change in it is divided by, s. */
export const perTime: Parser<number> = meaning(
  [1, 'per second|a second|each second|every second|/s|/ s|per sec|per s'],
  [60, 'per minute|a minute|each minute|every minute|/min|per min'],
  [3600, 'per hour|an hour|each hour|every hour|/h|per h'],
);
