/** What the verification of a chain of programs sees, record by record and row by row. */
import { describe, expect, it } from 'vitest';
import { verifyChain, type ChainEvidence, type ChainRow } from '../../src/cli/program-chain.ts';
import { CHAIN_START, chainRecord, type AuditRecord } from '../../src/tools/index.ts';

const KEPT_MAX = 4;

/** `runs` programs, one a second; of the records the newest are kept, of the log all rows. */
function history(runs: number): ChainEvidence {
  const all: AuditRecord[] = [];
  for (let run = 1; run <= runs; run++)
    all.push(chainRecord(all.at(-1)?.hash ?? CHAIN_START, { run: `r${run}`, atMs: run * 1000, end: 'done' }));
  const rows = all.map(({ hash, previous }, i) => rowOf('program', 'done', (i + 1) * 1000, hash, previous));
  return { records: all.slice(-KEPT_MAX), count: runs, keptMax: KEPT_MAX, rows, logFromMs: 0 };
}

function rowOf(
  kind: string,
  event: string,
  ts: number,
  hash: string | null = null,
  previous: string | null = null,
): ChainRow {
  return { kind, event, ts, subject: kind === 'program' ? `r${ts / 1000}` : 'gate/g1', hash, previous };
}

const sound = { isSound: true, problems: [] };

describe('a chain of programs is sound', () => {
  it.each([0, 1, 4, 6])('after %i runs, and its head is the newest record', (runs) => {
    const evidence = history(runs);
    expect(verifyChain(evidence)).toEqual({ ...sound, head: evidence.records.at(-1)?.hash ?? CHAIN_START });
  });

  it('when rows of the log are older than it is kept', () => {
    const { rows, ...evidence } = history(4);
    expect(verifyChain({ ...evidence, rows: rows.slice(2), logFromMs: 2_500 })).toMatchObject(sound);
  });

  it('when its agent was deleted, and when it began anew', () => {
    const first = history(3);
    const gone = [...first.rows, rowOf('agent', 'destroyed', 5_000)];
    expect(verifyChain({ ...first, records: [], count: null, rows: gone })).toMatchObject(sound);
    const record = chainRecord(CHAIN_START, { run: 'r6', atMs: 6_000 });
    const rows = [...gone, rowOf('program', 'done', 6_000, record.hash, record.previous)];
    expect(verifyChain({ ...first, records: [record], count: 1, rows })).toMatchObject(sound);
  });

  it('when an older copy of the agent was imported, and programs ran in it', () => {
    const { records, rows, ...evidence } = history(4);
    const kept = records.slice(0, 2);
    const record = chainRecord(kept.at(-1)?.hash ?? '', { run: 'r6', atMs: 6_000 });
    const after = [
      rowOf('agent', 'imported', 5_000),
      rowOf('program', 'done', 6_000, record.hash, record.previous),
    ];
    const found = { ...evidence, records: [...kept, record], count: 3, rows: [...rows, ...after] };
    expect(verifyChain(found)).toMatchObject(sound);
    expect(verifyChain({ ...found, rows: after })).toMatchObject(sound); // another bridge has the older rows
  });
});

describe('a chain of programs is broken, and it is said where', () => {
  const whole = history(3);
  const long = history(6);
  const [a, b, c] = whole.records as [AuditRecord, AuditRecord, AuditRecord]; // three runs
  const anew = chainRecord(a.hash, { run: 'r2', atMs: 2_000, end: 'failed' });

  it.each<[string, Partial<ChainEvidence>, string]>([
    [
      'a record was changed',
      { records: [a, { ...b, body: { run: 'r2', atMs: 2_000, end: 'failed' } }, c] },
      'run r2 was changed',
    ],
    ['a record and its hash were changed', { records: [a, anew, c] }, 'run r3 was changed, or one before'],
    ['a record was removed', { records: [a, c] }, 'run r3 was changed, or one before it removed'],
    ['the first record was removed', { records: [b, c] }, '2 records are kept, and it should be 3'],
    ['the end was cut off', { records: [a, b], count: 2 }, 'missing at the end: run r3'],
    ['all were removed', { records: [], count: 0 }, 'missing at the end: run r1, r2, r3'],
    [
      'a row is missing',
      { rows: [whole.rows[0] as ChainRow, whole.rows[2] as ChainRow] },
      'does not tell of run r2',
    ],
    ['all rows are missing', { rows: [] }, 'does not tell of run r1'],
    ['the end of both was written anew', { records: [a, anew], count: 2 }, 'does not tell of run r2'],
    ['the agent is gone, and nobody deleted it', { records: [], count: null }, 'does not say who deleted it'],
    ['a hash that somebody kept is not there', { head: 'f'.repeat(64) }, `has the hash ${'f'.repeat(64)}`],
  ])('%s', (_what, change, problem) => {
    const { isSound, problems } = verifyChain({ ...whole, ...change });
    expect(isSound).toBe(false);
    expect(problems.join('; ')).toContain(problem);
  });

  it('a row is missing that was older than the records', () => {
    const rows = long.rows.filter(({ subject }) => subject !== 'r1' && subject !== 'r2');
    expect(verifyChain({ ...long, rows })).toMatchObject(sound); // its log may have been cut at that age
    const hole = long.rows.filter(({ subject }) => subject !== 'r2');
    expect(verifyChain({ ...long, rows: hole }).problems).toEqual([
      'the audit log lacks what ran before run r3',
    ]);
  });

  it('a hash that was shown before is found in the log when its record is no longer kept', () => {
    expect(verifyChain({ ...long, head: String(long.rows[0]?.hash) })).toMatchObject(sound);
  });
});
