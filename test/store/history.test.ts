import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { HistoryBuffer } from '../../src/store/history-buffer.ts';
import type { HistorySeries } from '../../src/store/history.ts';
import {
  append,
  DAY_MS,
  HOUR_MS,
  open,
  POLICY,
  retain,
  type Sample,
  type Values,
} from './history-fixture.ts';

/** What `query` must answer, by the shortest code there is. */
function reference(samples: readonly Sample[], from: number, to: number, points: number): HistorySeries[] {
  const width = (to - from) / points;
  const buckets = new Map<string, Map<number, { ts: number; value: number }[]>>();
  for (const { ts, values } of samples) {
    if (ts < from || ts > to) continue;
    const bucket = width === 0 ? 0 : Math.min(points - 1, Math.floor((ts - from) / width));
    for (const [metric, value] of Object.entries(values)) {
      if (typeof value === 'string') continue;
      const series = buckets.get(metric) ?? new Map<number, { ts: number; value: number }[]>();
      buckets.set(metric, series);
      series.set(bucket, [...(series.get(bucket) ?? []), { ts, value: Number(value) }]);
    }
  }
  return [...buckets].sort().map(([metric, series]) => ({
    metric,
    points: [...series]
      .sort(([a], [b]) => a - b)
      .map(([, samplesOf]) => ({
        times: samplesOf.map(({ ts }) => ts),
        numbers: samplesOf.map(({ value }) => value),
      }))
      .map(({ times, numbers }) => ({
        ts: Math.min(...times),
        min: Math.min(...numbers),
        max: Math.max(...numbers),
        mean: numbers.reduce((sum, number) => sum + number, 0) / numbers.length,
        count: numbers.length,
      })),
  }));
}

const KEEP_ALL = { rawMs: 1e13, minutesMs: 2e13, hoursMs: 3e13 };

// Integers, so that sums are exact in whatever order they are made.
const valuesOf: fc.Arbitrary<Values> = fc.dictionary(
  fc.constantFrom('temperature', 'humidity', 'running'),
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
    fc.boolean(),
    fc.constant('open'),
  ),
);
const samplesOf = (untilMs: number): fc.Arbitrary<Sample[]> =>
  fc.array(fc.record({ ts: fc.integer({ min: -DAY_MS, max: untilMs }), values: valuesOf }), {
    maxLength: 60,
  });

describe('history', () => {
  it('answers as a plain scan over all points does, for any order, metric sets and range', () => {
    fc.assert(
      fc.property(
        fc.array(samplesOf(HOUR_MS), { maxLength: 8 }),
        fc.integer({ min: -DAY_MS, max: HOUR_MS }),
        fc.nat(DAY_MS),
        fc.integer({ min: 1, max: 50 }),
        (batches, from, length, points) => {
          const { db, store } = open();
          append(store, 8, [{ ts: 0, values: { other: 1 } }]);
          batches.forEach((batch, index) => {
            append(store, 7, batch);
            if (index % 3 > 0) retain(store, 0, [7, 8], KEEP_ALL); // into the agent's own blocks, some joined
          });
          const answer = store.query(7, { metric: null, fromMs: from, toMs: from + length, points });
          expect(answer).toEqual(reference(batches.flat(), from, from + length, points));
          db.close();
        },
      ),
    );
  });

  it('answers the same in whole hours while old points are joined and rolled up', () => {
    const round = fc.record({ samples: samplesOf(30 * DAY_MS), nowMs: fc.nat(30 * DAY_MS) });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 40 }), fc.integer({ min: 1, max: 48 }), (rounds, hours) => {
        const { db, store } = open();
        const all: Sample[] = [];
        let nowMs = 0;
        for (const { samples, nowMs: laterMs } of rounds) {
          append(store, 7, samples);
          all.push(...samples);
          nowMs = Math.max(nowMs, laterMs);
          retain(store, nowMs, [7, 8]);
        }
        const from = Math.ceil((nowMs - POLICY.hoursMs) / HOUR_MS) * HOUR_MS;
        const to = from + 24 * hours * HOUR_MS;
        const until = all.filter(({ ts }) => ts < to); // at `to` itself a rolled-up hour begins
        const answer = store.query(7, { metric: null, fromMs: from, toMs: to - 1, points: 24 });
        const shape = (series: readonly HistorySeries[]): unknown =>
          series.map(({ metric, points }) => [metric, points.map(({ ts: _, ...rest }) => rest)]);
        expect(shape(answer)).toEqual(shape(hourly(until, from, to - 1)));
        db.close();
      }),
    );
  });

  it('gives an empty series for a named metric without points, and none of them for all metrics', () => {
    const { store } = open();
    const range = { fromMs: 0, toMs: 1000, points: 10 };
    expect(store.query(1, { metric: 'a', ...range })).toEqual([{ metric: 'a', points: [] }]);
    expect(store.query(1, { metric: null, ...range })).toEqual([]);
    append(store, 1, [{ ts: 500, values: { a: 1, b: 2 } }]);
    expect(store.query(1, { metric: 'b', ...range })).toHaveLength(1);
    expect(store.query(1, { metric: null, ...range, fromMs: 501, toMs: 400 })).toEqual([]);
  });

  it('forgets one agent and keeps its neighbours', () => {
    const { store } = open();
    for (const agent of [1, 2, 3]) append(store, agent, [{ ts: 1, values: { a: agent } }]);
    store.deleteAgent(2);
    const all = { metric: null, fromMs: 0, toMs: 1, points: 1 };
    expect([1, 2, 3].map((agent) => store.query(agent, all).length)).toEqual([1, 0, 1]);
  });

  it('writes many points at one millisecond, in blocks of at most historyBlockPointsMax', () => {
    const { db, store } = open();
    const same = Array.from({ length: limits.historyBlockPointsMax + 5 }, () => ({
      ts: 9,
      values: { a: 2 },
    }));
    append(store, 1, same);
    append(store, 1, same);
    for (const nowMs of [0, 1]) {
      const [series] = store.query(1, { metric: 'a', fromMs: 9, toMs: 9, points: 10 });
      expect(series?.points).toEqual([{ ts: 9, min: 2, max: 2, mean: 2, count: 2 * same.length }]);
      retain(store, nowMs, [1]);
    }
    const most = db.prepare('SELECT max(points) FROM history').pluck().get();
    expect(most).toBe(limits.historyBlockPointsMax);
  });
});

/** The reference over points moved to the beginning of their hour, in 24 buckets as `query` cuts them. */
function hourly(samples: readonly Sample[], from: number, to: number): HistorySeries[] {
  const moved = samples.map(({ ts, values }) => ({ ts: Math.floor(ts / HOUR_MS) * HOUR_MS, values }));
  return reference(moved, from, to, 24);
}

describe('history buffer', () => {
  it('counts a map with at least one finite number or boolean as one point', () => {
    const buffer = new HistoryBuffer();
    buffer.add(1, { a: 1, on: true });
    buffer.add(2, { mode: 'open' });
    buffer.add(3, { a: NaN });
    buffer.add(NaN, { a: 1 });
    buffer.add(4, { on: false, mode: 'shut' });
    expect(buffer.points).toBe(2);
    expect([...buffer.groups()].map(({ metrics, rows }) => [metrics, rows])).toEqual([
      [
        ['a', 'on'],
        [1, 1, 1],
      ],
      [['on'], [4, 0]],
    ]);
    buffer.clear();
    expect(buffer.points).toBe(0);
    buffer.add(5, { on: true });
    expect([...buffer.groups()].map(({ rows }) => rows)).toEqual([[5, 1]]);
  });
});
