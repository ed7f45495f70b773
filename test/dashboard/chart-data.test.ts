import { describe, expect, it } from 'vitest';
import {
  appendPoint,
  chartable,
  chartEnd,
  chartTable,
  dropBefore,
  isCovered,
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

  it('takes no live value that is not newer than what history has', () => {
    const history = [point(1000, 10, 2, 3), point(5000, 12)];
    expect(appendPoint(history, 5000, 12, 1000)).toBe(history);
    expect(appendPoint(history, 1500, 99, 1000)).toBe(history);
    expect(appendPoint(history, 9000, 13, 1000)).toEqual([...history, point(9000, 13)]);
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
    const [xs, ...columns] = chartTable([{ metric: 'a', points: regular }], 1000);
    // Mean and both edges of the band.
    expect(columns.map((column) => column[xs.indexOf(31.5)])).toEqual([null, null, null]);
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
      firstMs: 0,
      min: 8,
      max: 20,
      mean: 12.5,
      last: 20,
      buckets: 2,
    });
    expect(summarise([])).toBeNull();
  });

  it('ends the chart now, or at a value of a bridge whose clock is a little ahead', () => {
    const range = { label: '5 min', ms: 300_000 };
    const newestAt = (ts: number) => [{ metric: 'a', points: [point(ts, 1)] }];
    expect(chartEnd(newestAt(900_000), range, 1_000_000)).toBe(1_000_000);
    expect(chartEnd(newestAt(1_002_000), range, 1_000_000)).toBe(1_002_000);
    expect(chartEnd(newestAt(9_000_000), range, 1_000_000)).toBe(1_000_000);
    expect(chartEnd([], range, 1_000_000)).toBe(1_000_000);
  });

  it('says a range of values only where they reach back to its start', () => {
    const range = { label: '5 min', ms: 300_000 };
    expect(isCovered(701_000, range, 1_000_000)).toBe(true);
    expect(isCovered(960_000, range, 1_000_000)).toBe(false);
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
