import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AlarmTimer } from '../../src/actor/alarms.ts';
import type { Clock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { ShardStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';

/** Time that passes when `ring` is called: to the next timer. */
function handClock(): Clock & { ring(): void } {
  let nowMs = 1_000_000;
  let pending: { atMs: number; callback: () => void } | undefined;
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = (pending = { atMs: nowMs + Math.max(delayMs, 0), callback });
      return () => void (pending = pending === timer ? undefined : pending);
    },
    ring() {
      const timer = pending;
      pending = undefined;
      nowMs = Math.max(nowMs, timer?.atMs ?? nowMs);
      timer?.callback();
    },
  };
}

/** Agents 0, 1, ... that are due in this order, in pairs at the same time. */
function storeWith(count: number): ShardStore {
  const store = new ShardStore(join(temporaryDir(), 'shard.db'));
  const rows = Array.from({ length: count }, (_, n) => {
    const row = store.newRow('m', String(n), 0);
    row.alarmAtMs = 1000 + Math.floor(n / 2);
    return row;
  });
  const change = { cells: [], history: null, file: null, audits: [], isForgotten: false };
  store.commit(
    rows.map((row) => ({ ...change, row })),
    0,
  );
  return store;
}

test('agents that keep their alarm hold up nobody behind them, and come again in the next round', () => {
  const clock = handClock();
  const agents = limits.alarmsPerTickMax * 2 + 1;
  const store = storeWith(agents);
  const fired: string[] = [];
  const timer = new AlarmTimer(store, clock, (keys) => void fired.push(...keys));
  timer.rescan();
  // None of them is ever done: each keeps its time.
  for (let page = 1; page <= 3; page++) clock.ring();
  const all = Array.from({ length: agents }, (_, n) => `m/${n}`);
  expect(fired).toEqual(all);
  clock.ring();
  expect(fired.slice(agents)).toEqual(all.slice(0, limits.alarmsPerTickMax));
  timer.stop();
  store.close();
});

test('an alarm set while a round is under way rings in the next one, however early it is', () => {
  const clock = handClock();
  const store = storeWith(limits.alarmsPerTickMax + 1);
  const fired: string[][] = [];
  const timer = new AlarmTimer(store, clock, (keys) => void fired.push([...keys]));
  timer.rescan();
  clock.ring();
  const row = store.newRow('m', 'early', 0);
  row.alarmAtMs = 5;
  store.commit([{ row, cells: [], history: null, file: null, audits: [], isForgotten: false }], 0);
  timer.noticed(5);
  clock.ring();
  clock.ring();
  expect(fired.map((keys) => keys[0])).toEqual(['m/0', `m/${limits.alarmsPerTickMax}`, 'm/early']);
  timer.stop();
  store.close();
});
