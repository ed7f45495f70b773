/** The table of `ingest`. */
import type { Round, SubjectName } from './ingest.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome, type Table } from './report.ts';
import { median } from './statistics.ts';

/** Least ratios asked for at QoS 1, by peer and connections; at QoS 0 none is. */
const TARGETS: Partial<Record<SubjectName, Readonly<Record<number, number>>>> = {
  'bare aedes': { 64: 0.75, 1000: 0.75 },
  mosquitto: { 64: 1 },
  'mosquitto + SQLite': { 64: 1.3 },
};

/** Key of the ratio in the summary. */
const RATIO_KEYS: Partial<Record<SubjectName, string>> = {
  'bare aedes': 'ratio',
  mosquitto: 'ratioMosquitto',
  'mosquitto + SQLite': 'ratioMosquittoSqlite',
};

export function summarizeIngest(
  options: BenchOptions,
  rounds: readonly Round[],
  settings: Outcome['settings'],
): Outcome {
  const names = [...new Set(rounds.map(({ subject }) => subject))];
  const { qos } = options.shape;
  const summary: Record<string, number> = {};
  const rows = names.map((subject) => {
    const own = rounds.filter((round) => round.subject === subject);
    const rate = median(own.map(({ messagesPerSecond }) => messagesPerSecond));
    const { ratio, pairs } = ratios(rounds, subject);
    summary[`messagesPerSecond ${subject}`] = rate;
    const key = RATIO_KEYS[subject];
    if (key !== undefined) summary[key] = ratio;
    return [
      subject,
      whole(rate),
      spread(
        own.map(({ messagesPerSecond }) => messagesPerSecond),
        whole,
      ),
      ...(subject === 'bridge' ? ['', '', ''] : [ratio.toFixed(2), pairs, target(options, subject)]),
      ms(median(own.map(({ ackP50Ms }) => ackP50Ms))),
      ms(median(own.map(({ ackP99Ms }) => ackP99Ms))),
      `${median(own.map((round) => round.cpuMicrosecondsPerMessage ?? NaN)).toFixed(1)} us`,
      `${(median(own.map((round) => round.cpuMs / round.seconds)) / 10).toFixed(0)} %`,
      ...(qos === 0 ? [whole(own.reduce((total, { lost }) => total + lost, 0))] : []),
    ];
  });
  const table: Table = { title: title(settings), columns: columns(qos), rows };
  return { tables: [table], notes: notes(qos, names), settings, summary, rounds };
}

/** Of the bridge to a peer: of the medians, and the least and greatest of rounds side by side. */
function ratios(rounds: readonly Round[], peer: SubjectName): { ratio: number; pairs: string } {
  const of = (subject: SubjectName): number[] =>
    rounds.filter((round) => round.subject === subject).map(({ messagesPerSecond }) => messagesPerSecond);
  const [ours, theirs] = [of('bridge'), of(peer)];
  const pairs = ours.map((value, index) => value / theirs[index]!);
  return { ratio: median(ours) / median(theirs), pairs: spread(pairs, (value) => value.toFixed(2)) };
}

function target({ shape }: BenchOptions, peer: SubjectName): string {
  const least = shape.qos === 1 ? TARGETS[peer]?.[shape.connections] : undefined;
  return least === undefined ? '' : `>= ${least.toFixed(2)}`;
}

function title(settings: Outcome['settings']): string {
  const { connections, inFlight, qos, payloadBytes, rounds, seconds } = settings;
  const load = `QoS ${qos}, ${connections} connections x ${inFlight} ${qos === 1 ? 'in flight' : 'before a PINGREQ'}`;
  return `${load}, ${payloadBytes}-byte JSON, ${rounds} alternating rounds of ${seconds} s`;
}

function columns(qos: 0 | 1): string[] {
  const answer = qos === 1 ? 'PUBACK' : 'PINGRESP';
  return [
    'subject',
    'msg/s',
    'min - max',
    'bridge / it',
    'pairs',
    'asked',
    `${answer} p50`,
    'p99',
    'CPU / msg',
    'generator CPU',
    ...(qos === 0 ? ['lost'] : []),
  ];
}

function notes(qos: 0 | 1, names: readonly SubjectName[]): string[] {
  return [
    qos === 1
      ? 'bridge: PUBACK after the fsync of its journal; after each round messages applied = points in history = PUBACKs'
      : 'bridge: after each round messages applied = points in history; lost: sent and not applied',
    'bare aedes and mosquitto acknowledge from memory and keep nothing',
    names.includes('mosquitto')
      ? 'mosquitto + SQLite: what its subscriber has written, in transactions with fsync; what is acknowledged and not written yet is lost in a crash'
      : 'mosquitto is not installed on this machine',
  ];
}
