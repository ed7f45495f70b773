/**
 * Memory of a bridge with a million sleeping agents against that of the same program on an empty data
 * directory: resident memory of the process, the least of some seconds without work. Then agents wake for a
 * message and sleep again, others each time: what they leave behind would add up.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statsHold } from './ask.ts';
import { processRssBytes } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { publishOncePerAgent } from './populate.ts';
import { whole, type Outcome } from './report.ts';
import { ShardDriver } from './shard-driver.ts';
import { median } from './statistics.ts';
import { startBridge, type Subject } from './subject.ts';

const AGENTS = 1_000_000;
const STEP = 2000;
const CHECKPOINT_EVERY = 20_000;
const PAYLOAD = Buffer.from('{"t":21.53,"g":21,"f":true}');
const WOKEN = 20_000;
const WAKE_ROUNDS = 4;
const SETTLE_MS = 8000;
const ASLEEP_WITHIN_MS = 180_000;
const TARGET_BYTES = 300;

interface Round {
  readonly what: string;
  readonly rssBytes: number;
}

/** Starts `rounds` times on both directories. */
export async function benchIdleMemory(options: BenchOptions): Promise<Outcome> {
  const full = join(options.scratch, 'full');
  await populate(full, options);
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(
      await started('empty', join(options.scratch, `empty-${index}`)),
      await started('asleep', full),
    );
    options.progress(`round ${index + 1} of ${options.rounds}`);
  }
  rounds.push(...(await woken('empty, woken', join(options.scratch, 'empty-woken'), options)));
  rounds.push(...(await woken('woken', full, options)));
  return summarize(options, rounds);
}

/** Each agent gets one message, as from its device, by a shard in this process. */
async function populate(dataDir: string, options: BenchOptions): Promise<void> {
  mkdirSync(dataDir);
  const driver = await ShardDriver.open(dataDir);
  for (let from = 0; from < AGENTS; from += STEP) {
    driver.tell(
      Array.from({ length: STEP }, (_, n) => `d${from + n}`),
      PAYLOAD,
    );
    driver.sleep();
    if (from % CHECKPOINT_EVERY === 0) driver.shard.makeRoom();
    if ((from + STEP) % (AGENTS / 5) === 0) options.progress(`${whole(from + STEP)} agents made`);
  }
  await driver.shard.stop();
}

async function started(what: string, dataDir: string): Promise<Round> {
  const subject = await startBridge(dataDir);
  const round = { what, rssBytes: await settled(subject) };
  await subject.stop();
  return round;
}

/** The same start, and memory after each time that agents woke and slept again. */
async function woken(what: string, dataDir: string, options: BenchOptions): Promise<Round[]> {
  const subject = await startBridge(dataDir);
  const rounds = [{ what: `${what} 0`, rssBytes: await settled(subject) }];
  for (let round = 1; round <= WAKE_ROUNDS; round++) {
    await publishOncePerAgent(subject.mqttPort, WOKEN, round * WOKEN);
    await statsHold(subject, ({ awake, unapplied }) => awake === 0 && unapplied === 0, ASLEEP_WITHIN_MS);
    rounds.push({ what: `${what} ${round}`, rssBytes: await settled(subject) });
    options.progress(`${what}: ${whole(round * WOKEN)} agents woke and sleep again`);
  }
  await subject.stop();
  return rounds;
}

/** The least memory of some seconds, in which the garbage of the start goes. */
async function settled(subject: Subject): Promise<number> {
  let least = Infinity;
  for (const endMs = Date.now() + SETTLE_MS; Date.now() < endMs; await sleep(200)) {
    least = Math.min(least, processRssBytes(subject.pid));
  }
  return least;
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (what: string): number =>
    median(rounds.filter((round) => round.what === what).map(({ rssBytes }) => rssBytes));
  const empty = of('empty');
  const perAgent = (of('asleep') - empty) / AGENTS;
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const wakes = Array.from({ length: WAKE_ROUNDS + 1 }, (_, n) => n);
  const left = (of(`woken ${WAKE_ROUNDS}`) - of('woken 1')) / (WOKEN * (WAKE_ROUNDS - 1));
  return {
    tables: [
      {
        title: `Resident memory, ${options.rounds} starts each`,
        columns: ['data directory', 'MiB', 'bytes an agent', '/ limit'],
        rows: [
          ['empty', mib(empty), '', ''],
          [
            `${whole(AGENTS)} sleeping agents`,
            mib(of('asleep')),
            perAgent.toFixed(0),
            (perAgent / TARGET_BYTES).toFixed(2),
          ],
        ],
      },
      {
        title: `After ${whole(WOKEN)} agents woke for a message and sleep again, others each time, MiB`,
        columns: ['data directory', ...wakes.map((n) => whole(n * WOKEN))],
        rows: [
          ['empty: these agents are new', ...wakes.map((n) => mib(of(`empty, woken ${n}`)))],
          [`${whole(AGENTS)} agents`, ...wakes.map((n) => mib(of(`woken ${n}`)))],
        ],
      },
    ],
    notes: [
      `target: <= ${TARGET_BYTES} bytes an agent, the cache of SQLite pages included`,
      'resident memory holds the garbage of agents that woke until V8 collects it, which it does when it needs room',
      `from the first to the last of the wakes: ${left.toFixed(0)} bytes for each agent that slept again`,
    ],
    settings: { agents: AGENTS, woken: WOKEN, wakeRounds: WAKE_ROUNDS, settleMs: SETTLE_MS },
    summary: {
      emptyBytes: empty,
      asleepBytes: of('asleep'),
      bytesPerAgent: perAgent,
      bytesLeftPerWake: left,
    },
    rounds,
  };
}
