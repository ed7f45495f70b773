/** Numbers as people write them, and the units that go with them. */

const WORDS: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  seventeen: 17,
  eighteen: 18,
  nineteen: 19,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
  hundred: 100,
};
const ONES = 'one|two|three|four|five|six|seven|eight|nine';
const TENS = 'twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety';

/** Source of an expression for a number without its sign: digits, or words up to a hundred. */
export const NUMBER = `(?:\\d+(?:[.,]\\d+)?|(?:${TENS})[- ](?:${ONES})\\b|(?:${Object.keys(WORDS).join('|')})\\b)`;

/** The value of what NUMBER matched. A comma before three digits separates thousands, else it is decimal. */
export function numberOf(text: string): number {
  if (/^\d/.test(text)) return Number(text.replace(/,(?=\d{3}$)/, '').replace(',', '.'));
  const [first = '', second = ''] = text.toLowerCase().split(/[- ]/);
  return (WORDS[first] ?? 0) + (WORDS[second] ?? 0);
}

/** One way to write a unit: the unit it means, and what a number of it is multiplied with. */
interface Unit {
  readonly name: string;
  readonly factor: number;
}

const UNITS: Readonly<Record<string, readonly string[]>> = {
  '°c': [
    '°c',
    '°',
    'degrees celsius',
    'degree celsius',
    'degrees c',
    'degrees',
    'degree',
    'celsius',
    'deg',
    'c',
  ],
  '%': ['%', 'percent', 'per cent', 'pct'],
  w: ['w', 'watts', 'watt'],
  kw: ['kw', 'kilowatts', 'kilowatt'],
  kwh: ['kwh', 'kilowatt hours'],
  v: ['v', 'volts', 'volt'],
  a: ['amps', 'amp', 'amperes', 'ampere'],
  bar: ['bar', 'bars'],
  'mm/s': ['mm/s', 'millimeters per second', 'mm per second'],
  'km/h': ['km/h', 'kmh', 'kph', 'kilometers per hour', 'km per hour'],
  rpm: ['rpm', 'revolutions per minute', 'revs'],
  kg: ['kg', 'kilograms', 'kilogram', 'kilos'],
  db: ['db', 'decibels', 'decibel'],
  'l/min': ['l/min', 'liters per minute', 'litres per minute'],
  ppm: ['ppm'],
  lux: ['lux', 'lx'],
  hpa: ['hpa', 'hectopascal'],
  hz: ['hz', 'hertz'],
  m: ['m', 'meters', 'metres', 'meter'],
  cm: ['cm', 'centimeters', 'centimetres'],
  mm: ['mm', 'millimeters', 'millimetres'],
  l: ['l', 'liters', 'litres', 'liter'],
  'm/s': ['m/s', 'meters per second'],
  ph: ['ph'],
};
/** Exact: a number of the first is so many of the second. */
const CONVERSIONS: Readonly<Record<string, Unit>> = {
  'kw w': { name: 'w', factor: 1000 },
  'w kw': { name: 'kw', factor: 0.001 },
  'cm m': { name: 'm', factor: 0.01 },
  'm cm': { name: 'cm', factor: 100 },
  'cm mm': { name: 'mm', factor: 10 },
};
const NAMES = new Map(Object.entries(UNITS).flatMap(([name, ways]) => ways.map((way) => [way, name])));
/** Longest first, so that "degrees celsius" is not read as "degrees". */
const WAYS = [...NAMES.keys()].sort((a, b) => b.length - a.length);
export const UNIT = `(?:${WAYS.map((way) => way.replace(/[/]/g, '\\/')).join('|')})(?![\\p{L}\\d/])`;

/** The unit that `written` means, as this file names it: "kilowatts" is "kw"; undefined for none it knows. */
export function unitNamed(written: string): string | undefined {
  return written === 'A' ? 'a' : NAMES.get(written.toLowerCase());
}

/** `value` of `unit` in the unit a definition has; undefined where one cannot be made of the other. */
export function inUnit(
  value: number,
  unit: string | undefined,
  wanted: string | undefined,
): number | undefined {
  const known = wanted === undefined ? undefined : unitOfDefinition(wanted);
  if (unit === undefined || unit === known) return value;
  // "5 degrees" of a latitude.
  if (unit === '°c' && known === '°') return value;
  const conversion = known === undefined ? undefined : CONVERSIONS[`${unit} ${known}`];
  return conversion === undefined ? undefined : Number((value * conversion.factor).toPrecision(12));
}

/** A definition's unit in the same words; one nobody listed is itself. */
export function unitOfDefinition(unit: string): string {
  if (unit === '°' || unit === 'A') return unit.toLowerCase();
  return NAMES.get(unit.toLowerCase()) ?? unit.toLowerCase();
}
