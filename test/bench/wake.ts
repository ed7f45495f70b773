/**
 * Waking a sleeping agent against one SQLite point read. The wakes are those of a shard that gets messages,
 * timed by itself as in its metric: from finding the agent's rows to the end of its `onStart`. The reads
 * are of one row by its address, in a copy of the same file, with a cache of the same size. Both take
 * random agents, in turns of some hundred, so that they see the same machine.
 */
import { closeSync, copyFileSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/database.ts';
import type { BenchOptions } from './options.ts';
import { spread, whole, type Outcome } from './report.ts';
import { ShardDriver } from './shard-driver.ts';
import { median, quantile } from './statistics.ts';

const AGENTS = 200_000;
const POPULATE_BATCH = 2000;
const CHUNK = 500;
/** Wakes between checkpoints: about what a busy shard applies in a second. */
const CHECKPOINT_EVERY = 10_000;
const SAMPLES = 100_000;
const TARGET_RATIO = 3;
const BLOCK = Buffer.alloc(4096, 1);
const PAYLOAD = Buffer.from('{"t":21.53,"g":21,"f":true}');

interface Round {
  readonly what: 'point read' | 'wake';
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** One run of `SAMPLES` each; what comes before that half warms up, until both sides have their pages in memory. */
export async function benchWake(options: BenchOptions): Promise<Outcome> {
  const dataDir = join(options.scratch, 'wake');
  mkdirSync(dataDir);
  options.progress(`making ${whole(AGENTS)} agents`);
  await populate(dataDir);
  const copy = join(options.scratch, 'copy.db');
  copyFileSync(join(dataDir, 'shard.db'), copy);
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(...(await measure(dataDir, copy)));
    const [read, wake] = rounds.slice(-2);
    options.progress(`round ${index + 1}: p99 read ${read?.p99Us} us, wake ${wake?.p99Us} us`);
  }
  return summarize(options, rounds);
}

async function populate(dataDir: string): Promise<void> {
  const driver = await ShardDriver.open(dataDir);
  for (let first = 0; first < AGENTS; first += POPULATE_BATCH) {
    driver.tell(
      Array.from({ length: POPULATE_BATCH }, (_, n) => `d${first + n}`),
      PAYLOAD,
    );
    driver.sleep();
  }
  await driver.shard.stop();
}

async function measure(dataDir: string, copy: string): Promise<Round[]> {
  const driver = await ShardDriver.open(dataDir);
  const wakes: number[] = [];
  // The shard's own measurement, sample by sample instead of in buckets.
  driver.shard.roster.wakeTimes.light.observe = (ms) => void wakes.push(ms * 1000);
  const db = openDatabase(copy, { synchronous: 'NORMAL', pageBytes: 4096, cacheKiB: 65_536 });
  const point = db.prepare('SELECT * FROM agents WHERE model = ? AND id = ?');
  const reads: number[] = [];
  const probe = openSync(`${copy}-probe`, 'w');
  while (reads.length < SAMPLES) {
    for (const id of randomIds()) {
      const startMs = performance.now();
      const row = point.get('thermostat', id);
      reads.push((performance.now() - startMs) * 1000);
      if (row === undefined) throw new Error(`${id} is not stored`);
    }
    driver.tell(randomIds(), PAYLOAD);
    driver.sleep();
    if (reads.length % CHECKPOINT_EVERY === 0) driver.shard.makeRoom();
    // A batch of messages begins after the journal's fsync: the reads, too.
    writeSync(probe, BLOCK);
    fdatasyncSync(probe);
  }
  closeSync(probe);
  db.close();
  await driver.shard.stop();
  if (wakes.length < SAMPLES * 0.99) throw new Error(`only ${wakes.length} agents woke`);
  return [round('point read', reads), round('wake', wakes)];
}

function randomIds(): Set<string> {
  const ids = new Set<string>();
  while (ids.size < CHUNK) ids.add(`d${Math.floor(Math.random() * AGENTS)}`);
  return ids;
}

/** @param all in us */
function round(what: Round['what'], all: readonly number[]): Round {
  // Before that agents of whom no page was read yet are as many as others; a bridge that runs has them.
  const measured = all.slice(all.length / 2);
  const us = (value: number): number => Math.round(value * 10) / 10;
  return {
    what,
    p50Us: us(quantile(measured, 0.5)),
    p99Us: us(quantile(measured, 0.99)),
    maxUs: us(Math.max(...measured)),
  };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (what: Round['what'], field: 'p50Us' | 'p99Us'): number =>
    median(rounds.filter((one) => one.what === what).map((one) => one[field]));
  const ratio = (field: 'p50Us' | 'p99Us'): number => of('wake', field) / of('point read', field);
  const row = (what: Round['what'], name: string): string[] => {
    const own = rounds.filter((one) => one.what === what);
    return [
      name,
      of(what, 'p50Us').toFixed(1),
      of(what, 'p99Us').toFixed(1),
      spread(
        own.map(({ p99Us }) => p99Us),
        (us) => us.toFixed(1),
      ),
      (of(what, 'p50Us') / of('point read', 'p50Us')).toFixed(2),
      (of(what, 'p99Us') / of('point read', 'p99Us')).toFixed(2),
    ];
  };
  return {
    tables: [
      {
        title: `Random ones of ${whole(AGENTS)} stored agents, ${options.rounds} rounds of ${whole(SAMPLES)}, us`,
        columns: ['what', 'p50', 'p99', 'p99 min - max', 'p50 ratio', 'p99 ratio'],
        rows: [row('point read', 'one SQLite point read'), row('wake', 'wake of a light agent')],
      },
    ],
    notes: [`target: p99 ratio <= ${TARGET_RATIO}`],
    settings: { agents: AGENTS, samples: SAMPLES, chunk: CHUNK, targetRatio: TARGET_RATIO },
    summary: {
      readP99Us: of('point read', 'p99Us'),
      wakeP99Us: of('wake', 'p99Us'),
      ratioP50: ratio('p50Us'),
      ratioP99: ratio('p99Us'),
    },
    rounds,
  };
}
