/**
 * How long a message takes from its device to a WebSocket client, at 10, 50 and 90 % of the most that 64 devices get
 * through with 8 of them watched, against bare aedes forwarding to MQTT subscribers at the same absolute rates. The
 * bridge's is on disk and in state and history before the client has it; aedes' never is.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchOptions } from './options.ts';
import { PACED_DEVICES, runPaced, type PacedRun } from './paced.ts';
import type { PacedWindow } from './paced-load.ts';
import { ms, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startAedes, startBridge, type Subject } from './subject.ts';

const WATCHED = 8;
const WARM_UP_SECONDS = 2;
const SHARES = [0.1, 0.5, 0.9] as const;

type SubjectName = 'bridge' | 'bare aedes';

interface Round extends PacedWindow {
  readonly subject: SubjectName;
  /** Of the peak; null: the peak itself. */
  readonly share: number | null;
  readonly rate: number;
}

export async function benchLatency(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    const peak = await measured('bridge', null, null, options);
    rounds.push(peak);
    options.progress(`round ${index + 1} of ${options.rounds}: peak ${whole(peak.rate)} msg/s`);
    for (const share of SHARES) {
      for (const subject of ['bridge', 'bare aedes'] as const) {
        const round = await measured(subject, share, peak.rate * share, options);
        rounds.push(round);
        options.progress(
          `${share * 100} %, ${subject}: p50 ${ms(round.seenP50Ms)}, p99 ${ms(round.seenP99Ms)}`,
        );
      }
    }
  }
  return summarize(options, rounds);
}

async function measured(
  name: SubjectName,
  share: number | null,
  rate: number | null,
  options: BenchOptions,
): Promise<Round> {
  const flags = ['--devices', PACED_DEVICES];
  const subject: Subject =
    name === 'bridge'
      ? await startBridge(mkdtempSync(join(options.scratch, 'latency-')), flags)
      : await startAedes(0);
  const run: PacedRun = {
    mqttPort: subject.mqttPort,
    webSocketPort: name === 'bridge' ? Number(new URL(subject.httpUrl).port) : null,
    watched: WATCHED,
    rate,
    warmUpSeconds: WARM_UP_SECONDS,
    windowSeconds: options.seconds,
    windows: 1,
  };
  const [window] = await runPaced(run);
  await subject.stop();
  if (window === undefined) throw new Error('the load measured nothing');
  return { subject: name, share, rate: window.acked / window.seconds, ...window };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (subject: SubjectName, share: number | null, pick: (round: Round) => number): number =>
    median(rounds.filter((one) => one.subject === subject && one.share === share).map(pick));
  const row = (subject: SubjectName, share: number): string[] => {
    const p99 = of(subject, share, ({ seenP99Ms }) => seenP99Ms);
    const base = of('bare aedes', share, ({ seenP99Ms }) => seenP99Ms);
    return [
      `${share * 100} %, ${subject}`,
      whole(of(subject, share, ({ rate }) => rate)),
      ms(of(subject, share, ({ seenP50Ms }) => seenP50Ms)),
      ms(p99),
      (p99 / base).toFixed(2),
      ms(of(subject, share, ({ ackP50Ms }) => ackP50Ms)),
      ms(of(subject, share, ({ ackP99Ms }) => ackP99Ms)),
    ];
  };
  const peak = of('bridge', null, ({ rate }) => rate);
  return {
    tables: [
      {
        title: `64 devices, ${WATCHED} watched, peak ${whole(peak)} msg/s, ${options.rounds} rounds of ${options.seconds} s`,
        columns: ['of the peak', 'msg/s', 'to client p50', 'p99', 'p99 ratio', 'PUBACK p50', 'p99'],
        rows: SHARES.flatMap((share) => [row('bare aedes', share), row('bridge', share)]),
      },
    ],
    notes: [
      'timed from when a message was due, by one clock; devices and clients share the two cores with the subject',
      'bare aedes: the same rates, forwarded to MQTT subscribers, acknowledged from memory',
    ],
    settings: {
      watched: WATCHED,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: options.seconds,
      rounds: options.rounds,
    },
    summary: {
      peakMessagesPerSecond: peak,
      ...Object.fromEntries(
        SHARES.flatMap((share) =>
          (['bridge', 'bare aedes'] as const).flatMap((subject) => [
            [`p50Ms ${subject} ${share}`, of(subject, share, ({ seenP50Ms }) => seenP50Ms)],
            [`p99Ms ${subject} ${share}`, of(subject, share, ({ seenP99Ms }) => seenP99Ms)],
          ]),
        ),
      ),
    },
    rounds,
  };
}
