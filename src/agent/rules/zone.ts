/** Clocks on walls: which date and time it is somewhere, and when it is a date and time there. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The name as IANA spells it; undefined for none. @param name undefined: the zone of this process */
export function canonicalZone(name: string | undefined): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** One zone; making one costs tens of microseconds, asking it some. */
export class Zone {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** @param name that `canonicalZone` answered */
  constructor(name: string) {
    if (name === 'UTC') return;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** What the clock shows at `atMs`, as ms since 1970-01-01 00:00 of that clock. */
  wallMs(atMs: number): number {
    if (this.#format === undefined) return atMs;
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const wholeSecond = Date.UTC(year, month - 1, day, hour, minute, second);
    return wholeSecond + (((atMs % 1000) + 1000) % 1000);
  }

  /**
   * The first moment of its day at which the clock shows `wallMs` or later: of a time that comes twice the first, of one that daylight
   * saving skips the moment of the jump.
   */
  momentOf(wallMs: number): number {
    if (this.#format === undefined) return wallMs;
    // A clock differs from UTC by at most 14 hours, and jumps at most once in such a time.
    const before = this.wallMs(wallMs - DAY_MS) - (wallMs - DAY_MS);
    const after = this.wallMs(wallMs + DAY_MS) - (wallMs + DAY_MS);
    if (before === after) return wallMs - before;
    const jumpMs = this.#jumpBetween(wallMs - DAY_MS, wallMs + DAY_MS, before);
    const early = wallMs - before;
    if (early < jumpMs) return early;
    return Math.max(wallMs - after, jumpMs);
  }

  /** The first moment after `fromMs`, and not after `toMs`, at which the clock is not `offsetMs` ahead of UTC. */
  #jumpBetween(fromMs: number, toMs: number, offsetMs: number): number {
    let before = fromMs;
    let from = toMs;
    while (from - before > 1) {
      const middle = Math.floor((before + from) / 2);
      if (this.wallMs(middle) - middle === offsetMs) before = middle;
      else from = middle;
    }
    return from;
  }
}

/** `22:30` as ms since midnight. */
export function timeOfDayMs(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}
