/**
 * QoS 1 ingest of the bridge against bare aedes. A round starts a fresh process (the bridge: on an empty
 * data directory), warms it up, measures, and stops it. Rounds alternate, so that both see the same
 * machine. After a round of the bridge every PUBACKed message must be applied and in history.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadReport, LoadSettings } from './load-generator.ts';
import { processCpuMs } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startAedes, startBridge, type Subject } from './subject.ts';

const CONNECTIONS = 64;
const IN_FLIGHT = 25;
const PAYLOAD_BYTES = 64;
const WARM_UP_SECONDS = 2;
const VERIFY_TIMEOUT_MS = 30_000;
const TARGET_RATIO = 0.5;

type SubjectName = 'bare aedes' | 'bridge';

interface Round extends LoadReport {
  readonly subject: SubjectName;
  readonly messagesPerSecond: number;
  /** CPU time of the measured program for one message, warm-up included; null where unknown. */
  readonly cpuMicrosecondsPerMessage: number | null;
}

/** Runs `rounds` pairs. */
export async function benchIngest(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(await aedesRound(options));
    rounds.push(await bridgeRound(options));
    const pair = rounds.slice(-2).map(({ messagesPerSecond }) => messagesPerSecond);
    options.progress(
      `round ${index + 1} of ${options.rounds}: aedes ${whole(pair[0]!)}, bridge ${whole(pair[1]!)} msg/s`,
    );
  }
  return summarize(options, rounds);
}

async function aedesRound(options: BenchOptions): Promise<Round> {
  const subject = await startAedes();
  const round = await measure('bare aedes', subject, options);
  await subject.stop();
  return round;
}

async function bridgeRound(options: BenchOptions): Promise<Round> {
  const dataDir = mkdtempSync(join(options.scratch, 'ingest-'));
  const subject = await startBridge(dataDir);
  const startedAtMs = Date.now();
  const round = await measure('bridge', subject, options);
  await verify(subject, round.ackedTotal, startedAtMs);
  await subject.stop();
  rmSync(dataDir, { recursive: true });
  return round;
}

async function measure(name: SubjectName, subject: Subject, options: BenchOptions): Promise<Round> {
  const settings: LoadSettings = {
    port: subject.mqttPort,
    connections: CONNECTIONS,
    inFlight: IN_FLIGHT,
    payloadBytes: PAYLOAD_BYTES,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: options.seconds,
    topicPrefix: 'devices/thermostat/',
  };
  const cpuAtStartMs = processCpuMs(subject.pid);
  const script = join(import.meta.dirname, 'load-generator.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(settings)]);
  const cpuAtEndMs = processCpuMs(subject.pid);
  const report = JSON.parse(stdout) as LoadReport; // printed by load-generator.ts
  return {
    subject: name,
    ...report,
    messagesPerSecond: report.acked / report.seconds,
    cpuMicrosecondsPerMessage:
      cpuAtStartMs === null || cpuAtEndMs === null
        ? null
        : ((cpuAtEndMs - cpuAtStartMs) * 1000) / report.ackedTotal,
  };
}

/** Throws unless exactly the acknowledged messages were applied, and each is one point of history. */
async function verify(subject: Subject, acked: number, startedAtMs: number): Promise<void> {
  const giveUpMs = Date.now() + VERIFY_TIMEOUT_MS;
  // PUBACK says journaled; the turns follow within a commit or two.
  for (;;) {
    const applied = await sum(subject, 'telemetry/count', ({ applied }) => Number(applied));
    if (applied === acked) break;
    if (applied > acked || Date.now() > giveUpMs)
      throw new Error(`${acked} PUBACKs, but ${applied} messages applied`);
  }
  const range = `from=${startedAtMs - 60_000}&to=${Date.now() + 60_000}`;
  const stored = await sum(subject, `telemetry?metric=temperature&points=1&${range}`, (answer) =>
    // GET telemetry answers {series: [{points: [{count}]}]} (docs/design/requests.md).
    (answer['series'] as { points: { count: number }[] }[])
      .flatMap(({ points }) => points)
      .reduce((total, { count }) => total + count, 0),
  );
  if (stored !== acked) throw new Error(`${acked} PUBACKs, but ${stored} points in history`);
}

async function sum(
  subject: Subject,
  route: string,
  numberIn: (answer: Record<string, unknown>) => number,
): Promise<number> {
  let total = 0;
  for (let index = 0; index < CONNECTIONS; index++) {
    const url = `${subject.httpUrl}/api/agents/thermostat/${index}/${route}`;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    total += numberIn((await response.json()) as Record<string, unknown>); // the API answers objects
  }
  return total;
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (subject: SubjectName, field: (round: Round) => number): number[] =>
    rounds.filter((round) => round.subject === subject).map(field);
  const rate = ({ messagesPerSecond }: Round): number => messagesPerSecond;
  const aedes = of('bare aedes', rate);
  const bridge = of('bridge', rate);
  const pairs = bridge.map((value, index) => value / aedes[index]!);
  const ratio = median(bridge) / median(aedes);
  const row = (subject: SubjectName, ratios: readonly [string, string]): string[] => [
    subject,
    whole(median(of(subject, rate))),
    spread(of(subject, rate), whole),
    ...ratios,
    ms(median(of(subject, ({ pubackP50Ms }) => pubackP50Ms))),
    ms(median(of(subject, ({ pubackP99Ms }) => pubackP99Ms))),
    `${median(of(subject, (round) => round.cpuMicrosecondsPerMessage ?? NaN)).toFixed(1)} us`,
    `${((100 * median(of(subject, (round) => round.cpuMs / round.seconds))) / 1000).toFixed(0)} %`,
  ];
  return {
    tables: [
      {
        title: `QoS 1, ${CONNECTIONS} connections x ${IN_FLIGHT} in flight, ${PAYLOAD_BYTES}-byte JSON, ${options.rounds} alternating rounds of ${options.seconds} s`,
        columns: [
          'subject',
          'msg/s',
          'min - max',
          'ratio',
          'pairs',
          'PUBACK p50',
          'p99',
          'CPU / msg',
          'generator CPU',
        ],
        rows: [
          row('bare aedes', ['1.00', '']),
          row('bridge', [ratio.toFixed(2), spread(pairs, (value) => value.toFixed(2))]),
        ],
      },
    ],
    notes: [
      `target: ratio >= ${TARGET_RATIO.toFixed(2)}; bare aedes acknowledges from memory, the bridge after its journal's fsync`,
      'after each round of the bridge: messages applied = points in history = PUBACKs',
    ],
    settings: {
      connections: CONNECTIONS,
      inFlight: IN_FLIGHT,
      payloadBytes: PAYLOAD_BYTES,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: options.seconds,
      rounds: options.rounds,
    },
    summary: { aedesMessagesPerSecond: median(aedes), bridgeMessagesPerSecond: median(bridge), ratio },
    rounds,
  };
}
