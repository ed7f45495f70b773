import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { HistoryBuffer } from '../../src/store/history-buffer.ts';
import { HistoryStore } from '../../src/store/history.ts';
import { migrateHistory } from '../../src/store/history-table.ts';

export type Values = Record<string, number | boolean | string>;

export interface Sample {
  readonly ts: number;
  readonly values: Values;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const POLICY = { rawMs: 2 * HOUR_MS, minutesMs: 12 * HOUR_MS, hoursMs: 20 * DAY_MS };

export function open(): { db: Database.Database; store: HistoryStore } {
  const db = new Database(':memory:');
  migrateHistory(db);
  return { db, store: new HistoryStore(db) };
}

export function append(store: HistoryStore, agent: number, samples: readonly Sample[]): void {
  const buffer = new HistoryBuffer();
  for (const { ts, values } of samples) buffer.add(ts, values);
  store.append(agent, buffer);
}

/**
 * Steps until nothing is left to do; more steps than this mean that a step makes no progress. Two steps
 * at other times come first, so that all there is counts as old enough to be moved.
 */
export function retain(store: HistoryStore, nowMs: number, agents: number[], policy = POLICY): void {
  for (const atMs of [-2e12, -1e12, nowMs]) {
    let waiting = agents;
    for (let step = 0; waiting.length > 0; step++) {
      expect(step).toBeLessThan(1000);
      waiting = store.retainStep(atMs, waiting, policy);
    }
  }
}
