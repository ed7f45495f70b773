/** Numbers, times and sizes as people read them. Pure: the clock comes in as an argument. */
import type { MetricDescription, ModelDescription } from './api-types.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago"; "never" for null. Clock skew reads as "now". */
export function relativeTime(atMs: number | null, nowMs: number): string {
  if (atMs === null) return 'never';
  const age = nowMs - atMs;
  return age < 2 * SECOND ? 'now' : `${duration(age)} ago`;
}

/** The largest whole unit of a span of ms: "45 s", "3 min", "2 h", "5 d". */
function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** "512 B", "1.2 kB", "34 MB": SI prefixes, three figures at most. */
export function byteSize(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit === 0 || value >= 99.95 ? Math.round(value).toString() : figures(value, 3);
  return `${bytes < 0 ? '-' : ''}${text} ${BYTE_UNITS[unit] ?? 'B'}`;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A count with thin grouping: 12 345 678. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

/** A rate per second: one decimal below 10, none above. */
export function rate(value: number): string {
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(value);
}

/** A number with the decimals its metric's `precision` (a step such as 0.1) asks for. */
function quantity(value: number, precision?: number | null): string {
  if (!Number.isFinite(value)) return String(value);
  if (precision != null && precision > 0) return value.toFixed(decimalsOf(precision));
  return Number.isInteger(value) ? value.toString() : figures(value, 4);
}

/** A metric's value with its unit; booleans are "on" and "off"; anything else as JSON. */
export function metricValue(value: unknown, metric?: MetricDescription): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return value == null ? '–' : JSON.stringify(value);
  const unit = metric?.unit ? `\u202f${metric.unit}` : '';
  return quantity(value, metric?.precision) + unit;
}

/** The metric a model is known by, whose history the sparkline shows: its first numeric one but a position. */
export function mainMetric(model: ModelDescription | undefined): string | null {
  const numeric = model?.metrics.filter((metric) => metric.kind === 'numeric') ?? [];
  return (numeric.find((metric) => metric.unit !== '°') ?? numeric[0])?.name ?? null;
}

/** "1 device", "2 devices". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Local wall clock "14:03:59"; with the date when it was not today. */
export function clockTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => `${part}`.padStart(2, '0'));
  const sameDay = new Date(nowMs).toDateString() === at.toDateString();
  const day = `${at.getFullYear()}-${`${at.getMonth() + 1}`.padStart(2, '0')}-${`${at.getDate()}`.padStart(2, '0')}`;
  return sameDay ? time.join(':') : `${day} ${time.join(':')}`;
}

/** Part saved as a percentage of `whole`: "-38 %", "+4 %"; null when `whole` is 0. */
export function percentSaved(part: number, whole: number): string | null {
  if (whole === 0) return null;
  const percent = Math.round((1 - part / whole) * 100);
  return percent >= 0 ? `−${percent}\u202f%` : `+${-percent}\u202f%`;
}

function decimalsOf(step: number): number {
  const text = step.toString();
  if (text.includes('e-')) return Math.min(12, Number(text.split('e-')[1]));
  return text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
}

/** `digits` significant figures, without trailing zeros. */
function figures(value: number, digits: number): string {
  return Number(value.toPrecision(digits)).toString();
}
