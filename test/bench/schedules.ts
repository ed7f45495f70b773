/**
 * Schedules of many agents that are all due at one moment, and some a little later, which must not wait for
 * more than the rest. Each notes how late it ran. The bridge is a process of its own; its agents are
 * asleep when the moment comes.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, statsHold } from './ask.ts';
import { processRssBytes } from './machine.ts';
import type { TickReport } from './models/ticker.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { median, quantile } from './statistics.ts';
import { startBridge, type Subject } from './subject.ts';

const SCHEDULES = 100_000;
const AGENTS = 10_000;
const PER_AGENT = SCHEDULES / AGENTS;
/** Due `LATER_MS` after the others. */
const LATER = 100;
const LATER_MS = 500;
const JOBS = SCHEDULES + LATER;
const PLANNERS = 64;
/** From the first plan to the moment: time to write them all, and to sleep. */
const LEAD_MS = 75_000;
const DRAIN_MAX_MS = 120_000;

interface Round {
  readonly fired: number;
  readonly repeated: number;
  /** From the moment to the last run. */
  readonly drainMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly laterMaxMs: number;
  readonly rssBeforeBytes: number;
  readonly rssPeakBytes: number;
  readonly rssAfterBytes: number;
}

/** `rounds` drains, each by a fresh bridge. */
export async function benchSchedules(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    const flags = ['--devices', join(import.meta.dirname, 'models/ticker.ts')];
    const subject = await startBridge(join(options.scratch, `schedules-${index}`), flags);
    const round = await drain(subject);
    rounds.push(round);
    await subject.stop();
    options.progress(`round ${index + 1} of ${options.rounds}: all ran within ${ms(round.drainMs)}`);
  }
  return summarize(options, rounds);
}

async function drain(subject: Subject): Promise<Round> {
  const clock = 'ticker/clock';
  await call(subject, clock, 'reset', JOBS);
  const atMs = Date.now() + LEAD_MS;
  await planAll(subject, atMs);
  await statsHold(subject, ({ awake }) => awake === 0, atMs - Date.now());
  const before = processRssBytes(subject.pid);
  let peak = before;
  let fired = 0;
  while (fired < JOBS) {
    await sleep(50);
    peak = Math.max(peak, processRssBytes(subject.pid));
    if (Date.now() < atMs) continue;
    fired = Number(await call(subject, clock, 'fired'));
    if (Date.now() > atMs + DRAIN_MAX_MS) throw new Error(`only ${fired} of ${JOBS} schedules ran`);
  }
  // Whatever would run twice has its chance until all are asleep again.
  await statsHold(subject, ({ awake = 0 }) => awake <= 1, DRAIN_MAX_MS);
  await sleep(3000);
  const report = (await call(subject, clock, 'report')) as TickReport; // models/ticker.ts
  if (report.repeated > 0) throw new Error(`${report.repeated} schedules ran twice`);
  const main = report.lateMs.slice(0, SCHEDULES);
  return {
    fired: report.fired,
    repeated: report.repeated,
    drainMs: Math.max(...main.map((late) => late)),
    p50Ms: quantile(main, 0.5),
    p99Ms: quantile(main, 0.99),
    laterMaxMs: Math.max(...report.lateMs.slice(SCHEDULES)),
    rssBeforeBytes: before,
    rssPeakBytes: peak,
    rssAfterBytes: processRssBytes(subject.pid),
  };
}

async function planAll(subject: Subject, atMs: number): Promise<void> {
  let next = 0;
  const planner = async (): Promise<void> => {
    for (let n = next++; n < AGENTS + LATER; n = next++) {
      if (n < AGENTS) await call(subject, `ticker/t${n}`, 'plan', n * PER_AGENT, PER_AGENT, atMs);
      else await call(subject, `ticker/late${n}`, 'plan', SCHEDULES + n - AGENTS, 1, atMs + LATER_MS);
    }
  };
  await Promise.all(Array.from({ length: PLANNERS }, planner));
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (field: keyof Round): number => median(rounds.map((round) => round[field]));
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const perSecond = (JOBS / of('drainMs')) * 1000;
  const drains = rounds.map(({ drainMs }) => drainMs);
  return {
    tables: [
      {
        title: `${whole(SCHEDULES)} schedules of ${whole(AGENTS)} sleeping agents due at one moment, ${options.rounds} rounds`,
        columns: [
          'ran once',
          'drain',
          'min - max',
          'late p50',
          'p99',
          'schedules/s',
          'RSS MiB before',
          'peak',
          'after',
        ],
        rows: [
          [
            whole(of('fired')),
            ms(of('drainMs')),
            spread(drains, ms),
            ms(of('p50Ms')),
            ms(of('p99Ms')),
            whole(perSecond),
            mib(of('rssBeforeBytes')),
            mib(of('rssPeakBytes')),
            mib(of('rssAfterBytes')),
          ],
        ],
      },
    ],
    notes: [
      'each ran exactly once; lateness is counted from the one moment, so the latest is the drain time',
      `${LATER} schedules of other agents, due ${LATER_MS} ms later, ran at most ${ms(of('laterMaxMs'))} late`,
    ],
    settings: { schedules: SCHEDULES, agents: AGENTS, later: LATER, laterMs: LATER_MS },
    summary: { drainMs: of('drainMs'), schedulesPerSecond: perSecond, laterMaxMs: of('laterMaxMs') },
    rounds,
  };
}
