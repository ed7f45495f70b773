/** Agents to be copied, as commits of turns leave them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { HistoryBuffer } from '../../src/store/history.ts';
import { ShardStore, type AgentChange, type AgentRow } from '../../src/store/shard-store.ts';

export const clock = { now: () => Date.now() };
export const ALL = { metric: null, fromMs: 0, toMs: 10_000_000, points: 50 };

export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-copies-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function open(dir: string): ShardStore {
  const store = new ShardStore(join(dir, 'shard.db'));
  onTestFinished(() => store.close());
  return store;
}

export function change(row: AgentRow, part: Partial<AgentChange> = {}): AgentChange {
  return { row, cells: [], history: null, audits: [], file: null, isForgotten: false, ...part };
}

export function points(from: number, count: number): HistoryBuffer {
  const history = new HistoryBuffer();
  for (let n = from; n < from + count; n++) history.add(1000 + n, { t: n });
  return history;
}

export function addLight(store: ShardStore, id: string): AgentRow {
  const row = store.newRow('pump', id, 7);
  Object.assign(row, { presence: 'online', messages: 3, lastSeenMs: 9, alarmAtMs: 99, appliedSequence: 5 });
  store.commit([change(row, { cells: [['state', '{"x":1}'], ['twin', '{}']], history: points(0, 40) })], 5); // prettier-ignore
  return row;
}

export function addHeavy(store: ShardStore, id: string, rows = 10): AgentRow {
  const row = addLight(store, id);
  const file = store.promote(row);
  file.sql.all('CREATE TABLE t(a INTEGER, b BLOB)', []);
  for (let n = 0; n < rows; n++) file.sql.all('INSERT INTO t VALUES(?, randomblob(2000))', [n]);
  file.kv.put('k', { v: 1 });
  store.commit([change(row, { file, cells: [['state', '{"x":2}']], history: points(40, 5) })], 6); // prettier-ignore
  return row;
}
