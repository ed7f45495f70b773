/**
 * Waking agents that have a file of their own against opening a SQLite file. The wakes are those of a shard that
 * gets messages, timed by itself as in its metric; no file is open when its agent wakes. The baseline opens
 * another copy of the same files with the same settings and reads one row.
 */
import { closeSync, cpSync, fdatasyncSync, openSync, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AgentFiles } from '../../src/store/agent-files.ts';
import { openAgentDatabase } from '../../src/store/database.ts';
import { limits } from '../../src/base/limits.ts';
import type { BenchOptions } from './options.ts';
import { spread, whole, type Outcome } from './report.ts';
import { ShardDriver } from './shard-driver.ts';
import { median, quantile } from './statistics.ts';

const AGENTS = 2000;
const CHUNK = 100;
const SAMPLES = 2000;
const TARGET_RATIO = 3;
const BLOCK = Buffer.alloc(4096, 1);
const PAYLOAD = Buffer.from('{"t":21.53,"g":21,"f":true}');

interface Round {
  readonly what: 'open' | 'wake';
  readonly p50Us: number;
  readonly p99Us: number;
}

export async function benchWakeHeavy(options: BenchOptions): Promise<Outcome> {
  const dataDir = join(options.scratch, 'wake-heavy');
  mkdirSync(dataDir);
  options.progress(`making ${whole(AGENTS)} agents with a file`);
  await populate(dataDir);
  const copy = join(options.scratch, 'copy');
  cpSync(join(dataDir, 'agents'), copy, { recursive: true });
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(...(await measure(dataDir, copy)));
    const [open, wake] = rounds.slice(-2);
    options.progress(`round ${index + 1}: p99 open ${open?.p99Us} us, wake ${wake?.p99Us} us`);
  }
  return summarize(options, rounds);
}

async function populate(dataDir: string): Promise<void> {
  const driver = await ShardDriver.open(dataDir);
  const { shard } = driver;
  for (let first = 0; first < AGENTS; first += CHUNK) {
    driver.tell(
      Array.from({ length: CHUNK }, (_, n) => `d${first + n}`),
      PAYLOAD,
    );
    for (const actor of shard.roster.all()) actor.database.put('heavy', true);
    shard.commitNow();
    driver.sleep();
  }
  await shard.stop();
}

async function measure(dataDir: string, copy: string): Promise<Round[]> {
  const driver = await ShardDriver.open(dataDir);
  const { files } = driver.shard.store.heavy;
  const copies = new AgentFiles(copy, limits.agentBytesMax);
  const wakes: number[] = [];
  const opens: number[] = [];
  // The shard's own measurement, sample by sample instead of in buckets.
  driver.shard.roster.wakeTimes.heavy.observe = (ms) => void wakes.push(ms * 1000);
  const probe = openSync(join(copy, 'probe'), 'w');
  while (opens.length < SAMPLES) {
    const ids = randomIds();
    for (const id of ids) {
      const path = copies.path({ model: 'thermostat', id });
      const startMs = performance.now();
      const db = openAgentDatabase(path, limits.agentBytesMax);
      const row = db.prepare('SELECT * FROM mooring_agent').get();
      opens.push((performance.now() - startMs) * 1000);
      db.close();
      if (row === undefined) throw new Error(`${path} is empty`);
    }
    // A batch of messages begins after the journal's fsync: the opens, too.
    writeSync(probe, BLOCK);
    fdatasyncSync(probe);
    driver.tell(ids, PAYLOAD);
    driver.sleep();
    files.closeAll();
  }
  closeSync(probe);
  await driver.shard.stop();
  if (wakes.length < SAMPLES * 0.99) throw new Error(`only ${wakes.length} agents woke`);
  return [round('open', opens), round('wake', wakes)];
}

function randomIds(): Set<string> {
  const ids = new Set<string>();
  while (ids.size < CHUNK) ids.add(`d${Math.floor(Math.random() * AGENTS)}`);
  return ids;
}

/** @param all in us; the first tenth warmed up */
function round(what: Round['what'], all: readonly number[]): Round {
  const measured = all.slice(all.length / 10);
  return {
    what,
    p50Us: Math.round(quantile(measured, 0.5)),
    p99Us: Math.round(quantile(measured, 0.99)),
  };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (what: Round['what'], field: 'p50Us' | 'p99Us'): number =>
    median(rounds.filter((one) => one.what === what).map((one) => one[field]));
  const ratio = (field: 'p50Us' | 'p99Us'): number => of('wake', field) / of('open', field);
  const row = (what: Round['what'], name: string): string[] => [
    name,
    whole(of(what, 'p50Us')),
    whole(of(what, 'p99Us')),
    spread(
      rounds.filter((one) => one.what === what).map(({ p99Us }) => p99Us),
      whole,
    ),
    (of(what, 'p50Us') / of('open', 'p50Us')).toFixed(2),
    (of(what, 'p99Us') / of('open', 'p99Us')).toFixed(2),
  ];
  return {
    tables: [
      {
        title: `Random ones of ${whole(AGENTS)} agents with a file, ${options.rounds} rounds of ${whole(SAMPLES)}, us`,
        columns: ['what', 'p50', 'p99', 'p99 min - max', 'p50 ratio', 'p99 ratio'],
        rows: [row('open', 'opening a SQLite file, one read'), row('wake', 'wake of a heavy agent')],
      },
    ],
    notes: [`target: p99 ratio <= ${TARGET_RATIO}`],
    settings: { agents: AGENTS, samples: SAMPLES, chunk: CHUNK, targetRatio: TARGET_RATIO },
    summary: {
      openP99Us: of('open', 'p99Us'),
      wakeP99Us: of('wake', 'p99Us'),
      ratioP50: ratio('p50Us'),
      ratioP99: ratio('p99Us'),
    },
    rounds,
  };
}
