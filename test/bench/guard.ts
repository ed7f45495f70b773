/**
 * What the guard in front of the MQTT parser costs: ingest with it, with it in front of every packet (no PUBLISH goes
 * around the parser), and without it. Rounds alternate; each starts a fresh process.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadReport, LoadSettings } from './load-generator.ts';
import { processCpuMs } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { spread, whole, type Outcome } from './report.ts';
import { runScript } from './script.ts';
import { median } from './statistics.ts';
import { startSubject } from './subject.ts';

const CONNECTIONS = 64;
const IN_FLIGHT = 25;
const WARM_UP_SECONDS = 2;
const TARGET = 0.1;

/** See guard-process.ts. */
export const GUARD_VARIANTS = ['as it is', 'in front of the parser', 'none'] as const;
type Variant = (typeof GUARD_VARIANTS)[number];

interface Round {
  readonly variant: Variant;
  readonly messagesPerSecond: number;
  readonly cpuMicroseconds: number;
}

export async function benchGuard(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    const order = index % 2 === 0 ? GUARD_VARIANTS : GUARD_VARIANTS.toReversed();
    for (const variant of order) rounds.push(await measured(variant, options));
    const last = rounds
      .slice(-order.length)
      .map((one) => `${one.variant} ${one.cpuMicroseconds.toFixed(2)} us`);
    options.progress(`round ${index + 1} of ${options.rounds}: ${last.join(', ')}`);
  }
  return summarize(options, rounds);
}

async function measured(variant: Variant, { seconds, scratch }: BenchOptions): Promise<Round> {
  const dataDir = mkdtempSync(join(scratch, 'guard-'));
  const flags = ['--mqtt-port', '0', '--http-port', '0', '--log-level', 'warn', '--data-dir', dataDir];
  const script = join(import.meta.dirname, 'guard-process.ts');
  const subject = await startSubject(script, [variant, 'serve', ...flags]);
  const load: LoadSettings = {
    port: subject.mqttPort,
    connections: CONNECTIONS,
    qos: 1,
    inFlight: IN_FLIGHT,
    payloadBytes: 64,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
    topicPrefix: 'devices/thermostat/',
  };
  const beforeMs = processCpuMs(subject.pid) ?? NaN;
  const report = (await runScript('load-generator.ts', load)) as LoadReport; // printed by it
  const usedMs = (processCpuMs(subject.pid) ?? NaN) - beforeMs;
  await subject.stop();
  return {
    variant,
    messagesPerSecond: report.acked / report.seconds,
    cpuMicroseconds: (usedMs * 1000) / report.ackedTotal,
  };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (variant: Variant): Round[] => rounds.filter((one) => one.variant === variant);
  const cost = (variant: Variant): number[] =>
    of(variant).map((one, n) => one.cpuMicroseconds / (of('none')[n]?.cpuMicroseconds ?? NaN) - 1);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return {
    tables: [
      {
        title: `ingest at QoS 1 with ${CONNECTIONS} connections; ${options.rounds} alternating rounds of ${options.seconds} s`,
        columns: ['guard', 'messages/s', 'CPU / message', 'costs', 'pairs'],
        rows: GUARD_VARIANTS.map((variant) => [
          variant,
          whole(median(of(variant).map(({ messagesPerSecond }) => messagesPerSecond))),
          `${median(of(variant).map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(2)} us`,
          variant === 'none' ? '' : percent(median(cost(variant))),
          variant === 'none' ? '' : spread(cost(variant), percent),
        ]),
      },
    ],
    notes: [
      `target: it costs at most ${TARGET * 100} % of ingest; CPU of all threads of the bridge, median of the pairs`,
      'as it is, the guard reads what it lets through, so that most packets need no parser: it costs less than nothing',
    ],
    settings: {
      connections: CONNECTIONS,
      inFlight: IN_FLIGHT,
      seconds: options.seconds,
      rounds: options.rounds,
    },
    summary: { costs: median(cost('as it is')), costsInFront: median(cost('in front of the parser')) },
    rounds,
  };
}
