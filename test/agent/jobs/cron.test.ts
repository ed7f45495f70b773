import { describe, expect, it } from 'vitest';
import { CronTimes } from '../../../src/agent/jobs/cron.ts';

function times(pattern: string, timeZone: string, from: string, count: number): string[] {
  const cron = new CronTimes(pattern, timeZone);
  const found: string[] = [];
  let ms: number | null = Date.parse(from);
  while (found.length < count && (ms = cron.after(ms)) !== null) found.push(new Date(ms).toISOString());
  return found;
}

describe('CronTimes', () => {
  it('finds the next time strictly after the given one, in UTC by wall clock', () => {
    expect(times('*/15 * * * *', 'UTC', '2026-01-01T00:15:00Z', 2)).toEqual([
      '2026-01-01T00:30:00.000Z',
      '2026-01-01T00:45:00.000Z',
    ]);
    expect(times('*/15 * * * *', 'UTC', '2026-01-01T00:14:59.999Z', 1)).toEqual(['2026-01-01T00:15:00.000Z']);
    expect(times('*/20 * * * * *', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-01T00:00:20.000Z']);
    expect(times('@daily', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-02T00:00:00.000Z']);
  });

  it('keeps 7:00 at 7:00 local over both changes of daylight saving', () => {
    expect(times('0 7 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 2)).toEqual([
      '2026-03-28T06:00:00.000Z',
      '2026-03-29T05:00:00.000Z',
    ]);
    expect(times('0 7 * * *', 'America/New_York', '2026-10-31T06:00:00Z', 2)).toEqual([
      '2026-10-31T11:00:00.000Z',
      '2026-11-01T12:00:00.000Z',
    ]);
  });

  it('runs a fixed time that is skipped once after the gap, and one that occurs twice once', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('runs an hourly pattern every 60 minutes over both changes', () => {
    for (const from of ['2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z']) {
      const found = times('0 * * * *', 'Europe/Berlin', from, 8).map((time) => Date.parse(time));
      expect(found.slice(1).map((ms, at) => ms - (found[at] ?? 0))).toEqual(Array(7).fill(3_600_000));
    }
  });

  it('looks back for the earliest of the last times', () => {
    const cron = new CronTimes('0 * * * *', 'UTC');
    expect(cron.earliestBefore(Date.UTC(2026, 0, 1, 10, 30), 3)).toBe(Date.UTC(2026, 0, 1, 8));
  });

  it('has no next time for a date that does not exist', () => {
    expect(new CronTimes('0 0 30 2 *', 'UTC').after(0)).toBeNull();
  });

  it.each([
    '',
    '* * * *',
    '* * * * * * *',
    '2026-01-01T00:00:00',
    '61 * * * *',
    'a b c d e',
    '@reboot',
    '*/0 * * * *',
  ])('refuses the pattern %o with BRG_JOB and its text', (pattern) => {
    const message = `cron pattern ${JSON.stringify(pattern)} is not valid: `;
    expect(() => new CronTimes(pattern, 'UTC')).toThrow(expect.objectContaining({ code: 'BRG_JOB' }));
    expect(() => new CronTimes(pattern, 'UTC')).toThrow(message);
  });

  it.each(['Mars/Olympus', ''])('refuses the time zone %o', (timeZone) => {
    const message = `timeZone ${JSON.stringify(timeZone)} is not a time zone like "Europe/Berlin" or "UTC"`;
    expect(() => new CronTimes('* * * * *', timeZone)).toThrow(expect.objectContaining({ message }));
  });
});
