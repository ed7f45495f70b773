/** Numbers, durations, times and days as people write them, with their values. */
import { unitOfDefinition } from '../../src/agent/rules/translator/numbers.ts';
import type { Random } from './random.ts';

export interface Said<T> {
  readonly value: T;
  readonly text: string;
}

const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  '°c': ['°C', ' °C', ' degrees', ' degrees', '°', ' degrees Celsius', ' C', 'C'],
  '%': ['%', '%', ' %', ' percent'],
  w: [' W', 'W', ' watts'],
  kw: [' kW', 'kW', ' kilowatts'],
  kwh: [' kWh', 'kWh'],
  v: [' V', 'V', ' volts'],
  a: [' A', 'A', ' amps', ' amperes'],
  bar: [' bar', ' bar', 'bar'],
  'mm/s': [' mm/s', 'mm/s'],
  'km/h': [' km/h', 'km/h', ' kph'],
  rpm: [' rpm', 'rpm'],
  kg: [' kg', 'kg', ' kilos'],
  db: [' dB', 'dB', ' decibels'],
  'l/min': [' l/min', ' liters per minute'],
  ppm: [' ppm'],
  lux: [' lux'],
  hpa: [' hPa'],
  hz: [' Hz', 'Hz'],
  m: [' meters', ' metres'],
  cm: [' cm', 'cm'],
  mm: [' mm', 'mm'],
  '°': ['°', ' degrees'],
  'm/s': [' m/s'],
};
const WORDS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** `value` with or without its unit; always with it when `isUnitNeeded`. */
export function sayNumber(
  value: number,
  unit: string | undefined,
  random: Random,
  isUnitNeeded = false,
): string {
  const ways = unit === undefined ? undefined : WRITTEN[unitOfDefinition(unit)];
  const suffix = ways !== undefined && (isUnitNeeded || random.chance(0.45)) ? random.pick(ways) : '';
  if (value >= 0 && value <= 12 && Number.isInteger(value) && random.chance(0.12))
    return (WORDS[value] ?? '') + (suffix.startsWith(' ') || suffix === '' ? suffix : ` ${suffix}`);
  if (value >= 20 && value < 100 && value % 10 === 0 && random.chance(0.06)) {
    return (
      (['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'][value / 10 - 2] ?? '') +
      (suffix.startsWith(' ') || suffix === '' ? suffix : ` ${suffix}`)
    );
  }
  if (value < 0 && random.chance(0.3)) return `minus ${-value}${suffix}`;
  return `${value}${suffix}`;
}

/** A number in a range, with as many digits as people give. */
export function someNumber([min, max]: readonly [number, number], random: Random): number {
  const raw = min + random.next() * (max - min);
  const digits = max - min <= 12 ? random.pick([0, 1, 1, 2]) : random.chance(0.15) ? 1 : 0;
  const rounded = Number(raw.toFixed(digits));
  const step = max - min > 300 ? random.pick([1, 10, 50, 100]) : max - min > 40 && random.chance(0.5) ? 5 : 1;
  const value = step === 1 ? rounded : Math.round(rounded / step) * step;
  return value === 0 ? 0 : value;
}

const LENGTHS: readonly (readonly [number, readonly string[], readonly number[]])[] = [
  [1000, ['s', ' s', ' seconds', ' seconds', ' sec', ' secs'], [2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 90, 120]],
  [
    60_000,
    [' min', 'min', ' minutes', ' minutes', ' mins', 'm'],
    [2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30, 40, 45, 60, 90],
  ],
  [3_600_000, ['h', ' h', ' hours', ' hours', ' hrs'], [2, 3, 4, 5, 6, 8, 12, 24, 36]],
  [86_400_000, [' days', 'd'], [2, 3, 5, 7]],
];
const SPECIAL: readonly Said<number>[] = [
  { value: 1_800_000, text: 'half an hour' },
  { value: 900_000, text: 'a quarter of an hour' },
  { value: 30_000, text: 'half a minute' },
  { value: 3_600_000, text: 'an hour' },
  { value: 3_600_000, text: 'one hour' },
  { value: 3_600_000, text: '1 hour' },
  { value: 60_000, text: 'a minute' },
  { value: 60_000, text: 'one minute' },
  { value: 60_000, text: '1 minute' },
  { value: 60_000, text: '1 min' },
  { value: 86_400_000, text: 'a day' },
  { value: 1000, text: 'one second' },
  { value: 1000, text: '1 s' },
  { value: 120_000, text: 'a couple of minutes' },
  { value: 5_400_000, text: '1 hour 30 minutes' },
  { value: 90_000, text: '1 min 30 s' },
];

export function someDuration(random: Random): Said<number> {
  if (random.chance(0.2)) return random.pick(SPECIAL);
  const [length, ways, counts] = random.pick(LENGTHS.slice(0, random.chance(0.1) ? 4 : 3));
  const count = random.pick(counts);
  const way = random.pick(ways);
  const said = count <= 12 && way.startsWith(' ') && random.chance(0.15) ? WORDS[count] : String(count);
  return { value: count * length, text: `${said}${way}` };
}

/** Of "per ...". */
export function someUnitOfTime(random: Random): Said<number> {
  return random.pick([
    { value: 1000, text: 'second' },
    { value: 60_000, text: 'minute' },
    { value: 60_000, text: 'minute' },
    { value: 3_600_000, text: 'hour' },
  ]);
}

export function someTime(random: Random, isTwelve = random.chance(0.45)): Said<string> {
  const hour = random.int(0, 23);
  const minutes = random.pick([0, 0, 0, 15, 30, 45]);
  const value = `${String(hour).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
  const half = hour < 12 ? 'am' : 'pm';
  const twelve = hour % 12 === 0 ? 12 : hour % 12;
  if (value === '12:00' && random.chance(0.4)) return { value, text: 'noon' };
  if (value === '00:00' && random.chance(0.5)) return { value, text: 'midnight' };
  if (isTwelve)
    return {
      value,
      text: minutes === 0 ? `${twelve}${random.pick(['', ' '])}${half}` : `${twelve}:${minutes} ${half}`,
    };
  return { value, text: random.chance(0.3) ? `${hour}:${String(minutes).padStart(2, '0')}` : value };
}

export const NAMED_WINDOWS: readonly Said<readonly [string, string]>[] = [
  { value: ['22:00', '06:00'], text: 'at night' },
  { value: ['22:00', '06:00'], text: 'during the night' },
  { value: ['22:00', '06:00'], text: 'overnight' },
  { value: ['06:00', '12:00'], text: 'in the morning' },
  { value: ['12:00', '18:00'], text: 'in the afternoon' },
  { value: ['18:00', '22:00'], text: 'in the evening' },
  { value: ['06:00', '22:00'], text: 'during the day' },
];

const FULL = {
  mon: 'monday',
  tue: 'tuesday',
  wed: 'wednesday',
  thu: 'thursday',
  fri: 'friday',
  sat: 'saturday',
  sun: 'sunday',
};
const DAYS = Object.keys(FULL) as (keyof typeof FULL)[];

export function someDays(random: Random): Said<readonly string[]> {
  const kind = random.next();
  if (kind < 0.25)
    return {
      value: ['sat', 'sun'],
      text: random.pick(['weekends', 'the weekend', 'weekends', 'saturdays and sundays']),
    };
  if (kind < 0.5)
    return {
      value: DAYS.slice(0, 5),
      text: random.pick(['weekdays', 'workdays', 'monday to friday', 'Mon-Fri']),
    };
  const picked = random.some(DAYS, random.int(1, 2));
  const value = DAYS.filter((day) => picked.includes(day));
  const plural = random.pick(['', 's']);
  return {
    value,
    text: value.map((day) => FULL[day][0]?.toUpperCase() + FULL[day].slice(1) + plural).join(' and '),
  };
}
