/**
 * When a rule's times begin and end. Each edge is the first moment of its day at which a clock there shows the time or later:
 * what daylight saving skips is moved to the jump, what comes twice happens once, at the first.
 */
import { DAYS, type Timing } from './rule.ts';
import { timeOfDayMs, Zone } from './zone.ts';

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const FIRST_WEEKDAY = 3;

/** Without `toMs`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The span that holds `nowMs`, else the next one. The rule has times. */
export function spanAt(timing: Timing, nowMs: number): Span {
  const zone = new Zone(timing.zone ?? 'UTC');
  const today = Math.floor(zone.wallMs(nowMs) / DAY_MS);
  const isDaily = timing.between !== undefined;
  // Of whole days up to six have passed of the span that holds today. This ends: only a jump of the clock leaves one out.
  for (let day = today - (isDaily ? 1 : 6); ; day += 1) {
    if (!hasDay(timing, day)) continue;
    if (!isDaily && hasDay(timing, day - 1)) continue;
    const wall = isDaily ? timesOf(timing, day) : daysFrom(timing, day);
    const span = { fromMs: zone.momentOf(wall.fromMs), toMs: zone.momentOf(wall.toMs) };
    if (span.fromMs < span.toMs && span.toMs > nowMs) return span;
  }
}

/** How long a span can be, ms; Infinity for a rule without times. */
export function spanMsMax(timing: Timing): number {
  if (timing.between === undefined && timing.days === undefined) return Infinity;
  const lengths = DAYS.map((_, day) => {
    if (timing.between === undefined && hasDay(timing, day - 1)) return 0;
    const { fromMs, toMs } = timing.between === undefined ? daysFrom(timing, day) : timesOf(timing, day);
    return toMs - fromMs;
  });
  return Math.max(...lengths);
}

/** `day` counts from 1970-01-01. */
function hasDay({ days }: Timing, day: number): boolean {
  const weekday = DAYS[(((day + FIRST_WEEKDAY) % 7) + 7) % 7];
  return days === undefined || (weekday !== undefined && days.includes(weekday));
}

function timesOf({ between = ['00:00', '00:00'] }: Timing, day: number): Span {
  const fromMs = timeOfDayMs(between[0]);
  const toMs = timeOfDayMs(between[1]);
  const midnightMs = day * DAY_MS;
  return { fromMs: midnightMs + fromMs, toMs: midnightMs + toMs + (toMs <= fromMs ? DAY_MS : 0) };
}

/** As many days in a row as the rule has. */
function daysFrom(timing: Timing, day: number): Span {
  let end = day;
  while (hasDay(timing, end) && end - day < 7) end += 1;
  return { fromMs: day * DAY_MS, toMs: end * DAY_MS };
}
