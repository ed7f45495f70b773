import { describe, expect, it } from 'vitest';
import {
  appendPoint,
  chartable,
  chartStart,
  chartTable,
  dropBefore,
  summarise,
} from '../../src/dashboard/series.ts';
import { sparklinePath, Trend, TREND_POINTS_MAX } from '../../src/dashboard/sparkline.ts';

const point = (ts: number, mean: number, spread = 0, count = 1) => ({
  ts,
  min: mean - spread,
  max: mean + spread,
  mean,
  count,
});

describe('series', () => {
  it('joins a live value to the bucket it falls into, and opens the next one after its width', () => {
    const one = appendPoint([], 1000, 10, 1000);
    const joined = appendPoint(one, 1999, 20, 1000);
    expect(joined).toEqual([{ ts: 1000, min: 10, max: 20, mean: 15, count: 2 }]);
    expect(appendPoint(joined, 2000, 5, 1000)).toHaveLength(2);
    expect(one).toEqual([point(1000, 10)]);
  });

  it('drops what left the range, and keeps the array when nothing did', () => {
    const points = [point(1, 1), point(2, 2)];
    expect(dropBefore(points, 2)).toEqual([point(2, 2)]);
    expect(dropBefore(points, 1)).toBe(points);
    expect(dropBefore(points, 9)).toEqual([]);
  });

  it('makes max, min and mean columns on one time axis in seconds', () => {
    const table = chartTable([{ metric: 'a', points: [point(1000, 5, 1), point(2000, 6)] }], 1000);
    expect(table).toEqual([
      [1, 2],
      [6, 6],
      [4, 6],
      [5, 6],
    ]);
  });

  it('breaks a line in silence (null) but not where another series has a value (undefined)', () => {
    const regular = [0, 1000, 2000, 3000, 60_000].map((ts) => point(ts, 1));
    const [xs, , , mean] = chartTable([{ metric: 'a', points: regular }], 1000);
    expect(mean?.[xs.indexOf(31.5)]).toBeNull();
    const both = chartTable(
      [
        { metric: 'a', points: [point(0, 1), point(2000, 1)] },
        { metric: 'b', points: [point(1000, 2)] },
      ],
      1000,
    );
    expect(both[3]).toEqual([1, undefined, 1]);
  });

  it('does not call a slow rhythm silence', () => {
    const slow = [0, 600_000, 1_200_000, 1_800_000].map((ts) => point(ts, 1));
    expect(chartTable([{ metric: 'a', points: slow }], 1000)[0]).toHaveLength(4);
  });

  it('weighs the mean by the values behind each bucket', () => {
    expect(summarise([point(0, 10, 2, 3), point(1, 20, 0, 1)])).toEqual({
      min: 8,
      max: 20,
      mean: 12.5,
      last: 20,
      buckets: 2,
    });
    expect(summarise([])).toBeNull();
  });

  it('starts the chart where young history starts, and never later than a minute ago', () => {
    const from = 0;
    const to = 300_000;
    expect(chartStart([{ metric: 'a', points: [point(100_000, 1)] }], from, to)).toBe(100_000);
    expect(chartStart([{ metric: 'a', points: [point(299_000, 1)] }], from, to)).toBe(240_000);
    expect(chartStart([{ metric: 'a', points: [point(-5, 1)] }], from, to)).toBe(from);
    expect(chartStart([], from, to)).toBe(240_000);
  });

  it('charts numbers and booleans only', () => {
    expect([true, false, 3, Number.NaN, 'on', null].map((value) => chartable(value))).toEqual([
      1,
      0,
      3,
      null,
      null,
      null,
    ]);
  });
});

describe('sparklines', () => {
  it('draws from the left edge to the right, high values at the top', () => {
    expect(sparklinePath([0, 10], 10, 10)).toBe('M1.5 8.5L8.5 1.5');
  });

  it('draws a constant through the middle, and nothing for fewer than two values', () => {
    expect(sparklinePath([7, 7], 10, 10)).toBe('M1.5 5L8.5 5');
    expect(sparklinePath([7], 10, 10)).toBe('');
  });

  it(`keeps the last ${TREND_POINTS_MAX} values in order`, () => {
    const trend = new Trend(0);
    for (let n = 0; n < TREND_POINTS_MAX + 10; n++) trend.push(n, n);
    expect(trend.values()[0]).toBe(10);
    expect(trend.values().at(-1)).toBe(TREND_POINTS_MAX + 9);
    expect(trend.length).toBe(TREND_POINTS_MAX);
  });

  it('keeps the newest value of a bucket', () => {
    const trend = new Trend(1000);
    trend.push(1, 0);
    trend.push(2, 999);
    trend.push(3, 1000);
    expect(trend.values()).toEqual([2, 3]);
  });

  it('lets older values in only as far as there is room', () => {
    const trend = new Trend(0);
    trend.push(99, 1);
    trend.prepend(Array.from({ length: TREND_POINTS_MAX }, (_, n) => n));
    expect(trend.values()[0]).toBe(1);
    expect(trend.values().at(-1)).toBe(99);
  });
});
