import type { Database } from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { HistoryStore } from '../../src/store/history.ts';
import { append, DAY_MS, HOUR_MS, MINUTE_MS, open, POLICY, retain, type Sample } from './history-fixture.ts';

/** Points in the table by width; a rolled-up point is one row of a block. */
function pointsByWidth(db: Database): Record<string, number> {
  const rows = db.prepare('SELECT width_ms, sum(points) FROM history GROUP BY width_ms').raw().all();
  return Object.fromEntries(rows as [number, number][]); // the columns of the line above
}

function blocks(db: Database): number {
  return Number(db.prepare('SELECT count(*) FROM history').pluck().get());
}

/** One point each `everyMs` with the value of its number. */
function ramp(fromMs: number, count: number, everyMs: number): Sample[] {
  return Array.from({ length: count }, (_, n) => ({ ts: fromMs + n * everyMs, values: { a: n, b: -n } }));
}

describe('retention', () => {
  it('makes 2 h of seconds minutes, 10 h later hours, and deletes them after 20 days', () => {
    const { db, store } = open();
    append(store, 1, ramp(0, 7200, 1000));
    retain(store, POLICY.rawMs, [1]);
    expect(pointsByWidth(db)).toEqual({ 0: 7200 });
    retain(store, POLICY.rawMs + 2 * HOUR_MS, [1]);
    expect(pointsByWidth(db)).toEqual({ [MINUTE_MS]: 120 });
    const minute = store.query(1, { metric: 'a', fromMs: MINUTE_MS, toMs: MINUTE_MS, points: 1 });
    expect(minute[0]?.points).toEqual([{ ts: MINUTE_MS, min: 60, max: 119, mean: 89.5, count: 60 }]);
    retain(store, POLICY.minutesMs + 2 * HOUR_MS, [1]);
    expect(pointsByWidth(db)).toEqual({ [HOUR_MS]: 2 });
    const hour = store.query(1, { metric: 'b', fromMs: HOUR_MS + 5, toMs: HOUR_MS + 5, points: 1 });
    expect(hour[0]?.points).toEqual([
      { ts: HOUR_MS + 5, min: -7199, max: -3600, mean: -5399.5, count: 3600 },
    ]);
    retain(store, POLICY.hoursMs + 2 * HOUR_MS, [1]);
    expect(blocks(db)).toBe(0);
  });

  it('keeps what is not old yet when it splits a block', () => {
    const { db, store } = open();
    append(store, 1, ramp(0, 600, MINUTE_MS));
    retain(store, 10 * HOUR_MS, [1], { ...POLICY, rawMs: 8 * HOUR_MS });
    expect(pointsByWidth(db)).toEqual({ 0: 600 - 120, [MINUTE_MS]: 120 });
  });

  it('adds points that come late to the minutes and hours that are there', () => {
    const { db, store } = open();
    for (const batch of [ramp(0, 60, 1000), ramp(500, 60, 1000)]) {
      append(store, 1, batch);
      retain(store, DAY_MS, [1]);
    }
    expect(pointsByWidth(db)).toEqual({ [HOUR_MS]: 2 });
    const [series] = store.query(1, { metric: 'a', fromMs: 0, toMs: HOUR_MS - 1, points: 1 });
    expect(series?.points).toEqual([{ ts: 0, min: 0, max: 59, mean: 29.5, count: 120 }]);
  });

  it('joins one-point blocks into full ones, each point rewritten only some times', () => {
    const { db, store } = open();
    const samples = ramp(0, 3000, 1000);
    for (const [n, sample] of samples.entries()) {
      append(store, 1, [sample]);
      if (n % 60 === 59) retain(store, 3_000_000, [1]);
    }
    expect(blocks(db)).toBeLessThan(limits.historyJoinBlocksMin + 4);
    expect(store.query(1, { metric: 'a', fromMs: 0, toMs: 3_000_000, points: 1 })[0]?.points[0]?.count).toBe(
      3000,
    );
  });

  it('loses and doubles nothing over a restart or a rollback in the middle', () => {
    const { db, store } = open();
    for (let n = 0; n < 200; n++) for (const agent of [1, 2]) append(store, agent, ramp(n * 1000, 1, 0));
    const count = (from: HistoryStore, agent: number): number | undefined =>
      from.query(agent, { metric: 'a', fromMs: 0, toMs: DAY_MS, points: 1 })[0]?.points[0]?.count;
    store.retainStep(0, [1], POLICY); // 1 is moved, its rows stay behind those of 2
    expect([1, 2].map((agent) => count(store, agent))).toEqual([200, 200]);
    const again = new HistoryStore(db);
    expect([1, 2].map((agent) => count(again, agent))).toEqual([200, 200]);
    db.exec('BEGIN');
    append(again, 1, ramp(0, 5, 1000));
    retain(again, DAY_MS, [1, 2]);
    db.exec('ROLLBACK');
    again.rolledBack();
    append(again, 2, ramp(0, 1, 0));
    expect([1, 2].map((agent) => count(again, agent))).toEqual([200, 201]);
    again.deleteAgent(1);
    retain(again, 0, [1, 2]);
    expect([1, 2].map((agent) => count(new HistoryStore(db), agent))).toEqual([undefined, 201]);
    expect(db.prepare('SELECT count(*) FROM history_recent').pluck().get()).toBe(0);
  });

  it('leaves points of the future alone', () => {
    const { db, store } = open();
    append(store, 1, ramp(1000 * DAY_MS, 10, 1000));
    retain(store, 0, [1]);
    expect(pointsByWidth(db)).toEqual({ 0: 10 });
  });

  it('touches at most historyStepPointsMax points in one step and says which agents still wait', () => {
    const { db, store } = open();
    const agents = [1, 2, 3, 4];
    for (const agent of agents) append(store, agent, ramp(0, limits.historyStepPointsMax * 2, 10));
    store.retainStep(-DAY_MS, [], POLICY); // what is there counts as old from here on
    const touched = (): number => Object.values(pointsByWidth(db)).reduce((sum, points) => sum + points, 0);
    expect(store.retainStep(DAY_MS, agents, POLICY)).toEqual(agents);
    expect(touched()).toBeLessThanOrEqual(limits.historyStepPointsMax);
    retain(store, DAY_MS, agents);
  });

  it('ends although an agent has more metric sets than a step sees blocks', () => {
    const { db, store } = open();
    const sets = limits.historyStepBlocksMax + 100;
    for (let n = 0; n < sets; n++) append(store, 1, [{ ts: n, values: { [`m${n}`]: n } }]);
    retain(store, sets, [1]);
    expect(blocks(db)).toBe(sets);
    retain(store, DAY_MS, [1]);
    expect(pointsByWidth(db)).toEqual({ [HOUR_MS]: sets });
  });
});
