/**
 * Ten million readings of one device: writing them, and cutting a range into 300 points, against a plain SQLite
 * table with an index on agent and time and one GROUP BY. Ours twice: everything kept raw, and as kept by default
 * (7 days raw, then minutes, then hours). Both write in transactions of 1,000 readings, the upkeep of ours included.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { limits } from '../../src/base/limits.ts';
import { HistoryBuffer, HistoryStore, migrateHistory } from '../../src/store/history.ts';
import type { BenchOptions } from './options.ts';
import { ms, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';

const ROWS = 10_000_000;
const ROWS_PER_COMMIT = 1000;
/** A reading a second. */
const STEP_MS = 1000;
const FIRST_MS = Date.UTC(2026, 0, 1);
const LAST_MS = FIRST_MS + (ROWS - 1) * STEP_MS;
const POINTS = 300;
const AGENT = 1;
/** Commits between two pieces of upkeep: a minute of them at this rate is far more. */
const COMMITS_PER_UPKEEP = 16;
const FOREVER_MS = 1e13;

const RANGES = [
  ['all', LAST_MS - FIRST_MS],
  ['last 7 days', 7 * 24 * 3_600_000],
  ['last day', 24 * 3_600_000],
  ['last hour', 3_600_000],
] as const;

type RangeName = (typeof RANGES)[number][0];

interface Answer {
  readonly points: number;
  /** Readings in all of its points. */
  readonly rows: number;
}

interface Subject {
  readonly name: string;
  insert(firstMs: number): void;
  finish(): void;
  query(fromMs: number): Answer;
  bytes(): number;
}

interface Round {
  readonly subject: string;
  readonly insertMs: number;
  readonly bytesPerRow: number;
  readonly queryMs: Readonly<Record<RangeName, number>>;
}

// eslint-disable-next-line @typescript-eslint/require-await -- all benchmarks are asked alike; this one computes
export async function benchHistory(options: BenchOptions): Promise<Outcome> {
  const keepAll = { rawMs: FOREVER_MS, minutesMs: 2 * FOREVER_MS, hoursMs: 3 * FOREVER_MS };
  const keepUsual = {
    rawMs: limits.historyRawMs,
    minutesMs: limits.historyMinutesMs,
    hoursMs: limits.historyHoursMs,
  };
  const subjects = [
    plainTable(join(options.scratch, 'plain.db')),
    ours('ours, all raw', join(options.scratch, 'raw.db'), keepAll),
    ours('ours, by default', join(options.scratch, 'usual.db'), keepUsual),
  ];
  const rounds = subjects.map((subject) => measured(subject, options));
  return summarize(options, rounds);
}

function measured(subject: Subject, options: BenchOptions): Round {
  const startMs = performance.now();
  for (let row = 0; row < ROWS; row += ROWS_PER_COMMIT) subject.insert(FIRST_MS + row * STEP_MS);
  subject.finish();
  const insertMs = performance.now() - startMs;
  options.progress(`${subject.name}: ${whole((ROWS / insertMs) * 1000)} readings/s`);
  const queryMs = Object.fromEntries(
    RANGES.map(([range, widthMs]) => [range, queryTime(subject, widthMs, options.rounds)]),
  ) as Record<RangeName, number>; // one for each of RANGES
  return { subject: subject.name, insertMs, bytesPerRow: subject.bytes() / ROWS, queryMs };
}

/** Median of `rounds` queries. @throws Error when the answer does not hold every reading of the range */
function queryTime(subject: Subject, widthMs: number, rounds: number): number {
  const times = Array.from({ length: rounds }, () => {
    const startMs = performance.now();
    const { rows, points } = subject.query(LAST_MS - widthMs);
    const took = performance.now() - startMs;
    const expected = widthMs / STEP_MS + 1;
    // A minute or an hour that begins before the range still reaches into it.
    if (rows < expected || rows > expected + 3600)
      throw new Error(`${subject.name}: ${rows} of ${expected} readings`);
    if (points < POINTS - 1 || points > POINTS + 1) throw new Error(`${subject.name}: ${points} points`);
    return took;
  });
  return median(times);
}

/** What both get: the same numbers at the same times. */
function reading(tsMs: number): { temperature: number; humidity: number } {
  const turn = tsMs / 3_600_000;
  return { temperature: 20 + 5 * Math.sin(turn), humidity: 50 + 10 * Math.cos(turn) };
}

function open(path: string): Database.Database {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('cache_size = -65536'); // as a shard's
  return database;
}

function plainTable(path: string): Subject {
  const database = open(path);
  database.exec(
    'CREATE TABLE telemetry (agent INTEGER, ts INTEGER, temperature REAL, humidity REAL, PRIMARY KEY (agent, ts)) WITHOUT ROWID',
  );
  const insert = database.prepare('INSERT INTO telemetry VALUES (?, ?, ?, ?)');
  const select = database.prepare(
    `SELECT min(ts) AS ts, min(temperature), max(temperature), avg(temperature), count(*) AS count FROM telemetry
     WHERE agent = ? AND ts BETWEEN ? AND ? GROUP BY min(CAST((ts - ?) / ? AS INTEGER), ?)`,
  );
  return {
    name: 'SQLite table',
    insert: (firstMs) => {
      database.exec('BEGIN');
      for (let n = 0; n < ROWS_PER_COMMIT; n++) {
        const tsMs = firstMs + n * STEP_MS;
        const { temperature, humidity } = reading(tsMs);
        insert.run(AGENT, tsMs, temperature, humidity);
      }
      database.exec('COMMIT');
    },
    finish: () => void database.pragma('wal_checkpoint(TRUNCATE)'),
    query: (fromMs) => {
      const widthMs = (LAST_MS - fromMs) / POINTS;
      const rows = select.all(AGENT, fromMs, LAST_MS, fromMs, widthMs, POINTS - 1) as { count: number }[]; // the SELECT
      return { points: rows.length, rows: rows.reduce((total, { count }) => total + count, 0) };
    },
    bytes: () => statSync(path).size,
  };
}

function ours(name: string, path: string, policy: Parameters<HistoryStore['retainStep']>[2]): Subject {
  const database = open(path);
  migrateHistory(database);
  const store = new HistoryStore(database);
  const buffer = new HistoryBuffer();
  const inTransaction = (work: () => void): void => {
    database.exec('BEGIN');
    work();
    database.exec('COMMIT');
  };
  const upkeep = (nowMs: number): void => {
    for (let left = [AGENT]; left.length > 0;) {
      inTransaction(() => (left = store.retainStep(nowMs, left, policy)));
    }
  };
  let commits = 0;
  return {
    name,
    insert: (firstMs) => {
      for (let n = 0; n < ROWS_PER_COMMIT; n++) {
        const tsMs = firstMs + n * STEP_MS;
        buffer.add(tsMs, reading(tsMs));
      }
      inTransaction(() => store.append(AGENT, buffer));
      buffer.clear();
      if (++commits % COMMITS_PER_UPKEEP === 0) upkeep(firstMs);
    },
    finish: () => {
      upkeep(LAST_MS);
      database.pragma('wal_checkpoint(TRUNCATE)');
    },
    query: (fromMs) => {
      const query = { metric: 'temperature', fromMs, toMs: LAST_MS, points: POINTS };
      const points = store.query(AGENT, query)[0]?.points ?? [];
      return { points: points.length, rows: points.reduce((total, { count }) => total + count, 0) };
    },
    bytes: () => statSync(path).size,
  };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const [plain] = rounds;
  if (plain === undefined) throw new Error('nothing was measured');
  const speedUp = (ours: number, theirs: number): string => `${(theirs / ours).toFixed(1)} x`;
  const rows = rounds.map((round) => [
    round.subject,
    whole((ROWS / round.insertMs) * 1000),
    speedUp(round.insertMs, plain.insertMs),
    round.bytesPerRow.toFixed(1),
    ...RANGES.flatMap(([range]) => [
      ms(round.queryMs[range]),
      speedUp(round.queryMs[range], plain.queryMs[range]),
    ]),
  ]);
  return {
    tables: [
      {
        title: `${whole(ROWS)} readings of 2 metrics, one a second; queries of ${POINTS} points (min, max, mean), median of ${options.rounds}`,
        columns: ['', 'insert/s', '', 'bytes a reading', ...RANGES.flatMap(([range]) => [range, ''])],
        rows,
      },
    ],
    notes: [
      'the second column of each pair: how many times as fast as the SQLite table; every answer holds all readings of its range',
      'by default: 7 days raw, then minutes, then hours, so a long range reads fewer rows',
    ],
    settings: { rows: ROWS, rowsPerCommit: ROWS_PER_COMMIT, points: POINTS, rounds: options.rounds },
    summary: Object.fromEntries(
      rounds
        .slice(1)
        .flatMap((round) => [
          [`${round.subject}: insert`, plain.insertMs / round.insertMs],
          ...RANGES.map(([range]) => [
            `${round.subject}: ${range}`,
            plain.queryMs[range] / round.queryMs[range],
          ]),
        ]),
    ),
    rounds,
  };
}
