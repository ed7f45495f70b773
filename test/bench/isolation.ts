/**
 * One subscriber to `#` that never reads, and 8 publishers at full speed: how long a message on a topic of somebody else
 * takes from publisher to subscriber, against the same load without the frozen one. Rounds alternate; each starts a
 * fresh process. The frozen one connects again when it is closed, so that there always is one.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { ProbeReport, ProbeSettings } from './isolation-probe.ts';
import type { LoadReport, LoadSettings } from './load-generator.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { runScript } from './script.ts';
import { median } from './statistics.ts';
import { startBridge } from './subject.ts';

const PUBLISHERS = 8;
const IN_FLIGHT = 25;
const PROBES_PER_SECOND = 200;
const WARM_UP_SECONDS = 2;
const TARGET_RATIO = 2;

interface Round extends ProbeReport {
  readonly hasFrozen: boolean;
  readonly publishesPerSecond: number;
}

export async function benchIsolation(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    // Whoever goes first finds the machine as the one before left it: they take turns.
    for (const hasFrozen of index % 2 === 0 ? [false, true] : [true, false])
      rounds.push(await measured(hasFrozen, options));
    const last = rounds.slice(-2).map((one) => `${name(one)} p99 ${ms(one.p99Ms)}`);
    options.progress(`round ${index + 1} of ${options.rounds}: ${last.join(', ')}`);
  }
  return summarize(options, rounds);
}

async function measured(hasFrozen: boolean, { seconds, scratch }: BenchOptions): Promise<Round> {
  const subject = await startBridge(mkdtempSync(join(scratch, 'isolation-')));
  const load: LoadSettings = {
    port: subject.mqttPort,
    connections: PUBLISHERS,
    qos: 1,
    inFlight: IN_FLIGHT,
    payloadBytes: 64,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
    topicPrefix: 't/',
  };
  const probe: ProbeSettings = {
    port: subject.mqttPort,
    hasFrozen,
    perSecond: PROBES_PER_SECOND,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  };
  const [loaded, probed] = await Promise.all([
    runScript('load-generator.ts', load),
    runScript('isolation-probe.ts', probe),
  ]);
  await subject.stop();
  const { acked, seconds: taken } = loaded as LoadReport; // printed by load-generator.ts
  return { hasFrozen, publishesPerSecond: acked / taken, ...(probed as ProbeReport) };
}

function name({ hasFrozen }: Round): string {
  return hasFrozen ? 'with a frozen subscriber' : 'without';
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const [frozen, alone] = [true, false].map((has) => rounds.filter((one) => one.hasFrozen === has));
  const p99 = (of: readonly Round[] = []): number[] => of.map(({ p99Ms }) => p99Ms);
  const pairs = p99(frozen).map((value, n) => value / (alone?.[n]?.p99Ms ?? NaN));
  const ratio = median(pairs);
  const row = (title: string, of: readonly Round[] = [], cells: readonly string[]): string[] => [
    title,
    ms(median(of.map(({ p50Ms }) => p50Ms))),
    ms(median(p99(of))),
    ...cells,
    ms(Math.max(...of.map(({ maxMs }) => maxMs))),
    whole(median(of.map(({ publishesPerSecond }) => publishesPerSecond))),
    String(of.reduce((total, { lost }) => total + lost, 0)),
    String(median(of.map(({ closed }) => closed))),
  ];
  return {
    tables: [
      {
        title: `a message on a topic of its own, beside ${PUBLISHERS} publishers at full speed; ${options.rounds} alternating rounds of ${options.seconds} s`,
        columns: ['', 'p50', 'p99', 'ratio', 'pairs', 'max', 'publishes/s', 'lost', 'times closed'],
        rows: [
          row('without', alone, ['1.00', '']),
          row('a frozen subscriber to #', frozen, [ratio.toFixed(2), spread(pairs, (one) => one.toFixed(2))]),
        ],
      },
    ],
    notes: [
      `target: p99 within ${TARGET_RATIO}x of the run without it; ratio: median of the pairs`,
      'the publishers send at QoS 1, 25 each not acknowledged; nobody but the frozen one subscribes to their topics',
    ],
    settings: {
      publishers: PUBLISHERS,
      inFlight: IN_FLIGHT,
      probesPerSecond: PROBES_PER_SECOND,
      seconds: options.seconds,
      rounds: options.rounds,
    },
    summary: { ratioP99: ratio, p99Ms: median(p99(frozen)) },
    rounds,
  };
}
