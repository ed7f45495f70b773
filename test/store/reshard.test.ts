import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { shardOf } from '../../src/actor/placement.ts';
import {
  HistoryBuffer,
  isHalfMoved,
  Journal,
  reshard,
  shardFile,
  shardsOf,
  ShardStore,
} from '../../src/store/index.ts';

const IDS = Array.from({ length: 40 }, (_, n) => `d${n}`);
const options = { shardOf, nowMs: Date.UTC(2026, 0, 1) };

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-reshard-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** One shard with 40 agents, each with a document, three points and a row of the audit log; all of it applied. */
function fill(dir: string, applied = IDS.length): void {
  const journal = new Journal(join(dir, 'journal.db'));
  journal.append('a', Buffer.from('batch'), IDS.length);
  journal.close();
  const store = new ShardStore(join(dir, 'shard.db'));
  const changes = IDS.map((id, n) => {
    const row = store.newRow('lab', id, 1000);
    row.appliedSequence = n + 1;
    const history = new HistoryBuffer();
    for (let x = 0; x < 3; x++) history.add(1000 + x, { x });
    const audits = [
      {
        id: `audit-${id}`,
        tsMs: n,
        agent: `lab/${id}`,
        kind: 'command',
        event: 'sent',
        subject: '',
        by: 'api',
        detail: null,
      },
    ] as const;
    return {
      row,
      cells: [['state', JSON.stringify({ id })]] as const,
      history,
      file: null,
      audits,
      isForgotten: false,
    };
  });
  store.commit(changes, applied);
  store.checkpoint();
  store.close();
}

/** What each shard has: every agent with its document, points and audit rows. */
function contents(dir: string, shards: number): Record<string, unknown>[] {
  return Array.from({ length: shards }, (_, shard) => {
    const store = new ShardStore(join(dir, shardFile(shard)), { shard });
    const query = { model: null, q: null, presence: null, limit: 1000, after: null };
    const agents = store.directory.list(query).map(({ key, id, appliedSequence }) => {
      const [series] = store.history.query(key, { metric: 'x', fromMs: 0, toMs: 5000, points: 10 });
      const points = (series?.points ?? []).reduce((sum, { count }) => sum + count, 0);
      const audit = store.audit
        .query({ agent: `lab/${id}`, fromMs: 0, toMs: 1e6, limit: 10 })
        .map((row) => row.id);
      return [id, { state: store.cell(key, 'state'), appliedSequence, points, audit }];
    });
    store.close();
    return Object.fromEntries(agents) as Record<string, unknown>;
  });
}

test('agents go to their shards with everything, and back', () => {
  const dir = directory();
  fill(dir);
  const before = contents(dir, 1);
  expect(reshard(dir, 3, options)).toMatchObject({ from: 1, to: 3, agents: 40 });
  const moved = contents(dir, 3);
  for (const [shard, agents] of moved.entries()) {
    expect(Object.keys(agents).length).toBeGreaterThan(5);
    expect(Object.keys(agents).every((id) => shardOf(`lab/${id}`, 3) === shard)).toBe(true);
  }
  expect(Object.assign({}, ...moved)).toEqual(before[0]);
  expect(reshard(dir, 3, options).aside).toBeNull();
  expect(reshard(dir, 2, { ...options, nowMs: 1 })).toMatchObject({ from: 3, to: 2, agents: 40 });
  expect(Object.assign({}, ...contents(dir, 2))).toEqual(before[0]);
  const journal = new Journal(join(dir, 'journal.db'));
  expect(journal.nextSequence).toBe(IDS.length + 1);
  journal.close();
});

test('a directory whose journal is not applied is refused, and nothing of it changes', () => {
  const dir = directory();
  fill(dir, IDS.length - 1);
  expect(() => reshard(dir, 2, options)).toThrow(expect.objectContaining({ code: 'BRG_SHARDS' }) as Error);
  expect([shardsOf(dir), isHalfMoved(dir)]).toEqual([1, false]);
  expect(readdirSync(dir).sort()).toEqual(['journal.db', 'shard.db']);
});

test('a move that ended in its middle is finished by the next one', () => {
  const whole = directory();
  fill(whole);
  const { aside } = reshard(whole, 2, options);
  // As it was before the second of the new files was moved.
  const ready = join(whole, 'reshard.ready');
  mkdirSync(ready);
  renameSync(join(whole, 'shard-1.db'), join(ready, 'shard-1.db'));
  const old = ['shard.db'];
  writeFileSync(join(ready, 'plan.json'), JSON.stringify({ aside: aside?.slice(whole.length + 1), old }));
  expect(isHalfMoved(whole)).toBe(true);
  expect(reshard(whole, 2, options)).toMatchObject({ aside: null });
  expect(isHalfMoved(whole)).toBe(false);
  expect(Object.keys(Object.assign({}, ...contents(whole, 2)))).toHaveLength(40);
});
