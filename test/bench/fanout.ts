/**
 * One agent and a thousand WebSocket clients: CPU time of the bridge for each frame that reaches a client, against
 * `ws` alone sending them one prepared buffer of the same length. Rounds alternate, in JSON and in CBOR; each
 * starts a fresh process, and the same clients drive it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FanoutReport, FanoutSettings } from './fanout-listeners.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startBridge, startSubject, type Subject } from './subject.ts';

const CLIENTS = 1000;
const WARM_UP_SECONDS = 2;
const TARGET_RATIO = 1.15;
const CODECS = ['json', 'cbor'] as const;

type CodecName = (typeof CODECS)[number];

interface Round extends FanoutReport {
  readonly subject: 'ws' | 'bridge';
  readonly codec: CodecName;
}

export async function benchFanout(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    for (const codec of CODECS) {
      const ours = await bridgeRound(codec, options);
      const theirs = await wsRound(codec, ours.frameBytes, options);
      rounds.push(ours, theirs);
      const costs = [ours, theirs].map((one) => `${one.subject} ${cost(one).toFixed(2)} us a frame`);
      options.progress(`round ${index + 1} of ${options.rounds}, ${codec}: ${costs.join(', ')}`);
    }
  }
  return summarize(options, rounds);
}

async function bridgeRound(codec: CodecName, options: BenchOptions): Promise<Round> {
  const flags = ['--devices', join(import.meta.dirname, 'models/fanout.ts')];
  const subject = await startBridge(mkdtempSync(join(options.scratch, 'fanout-')), flags);
  return measure('bridge', subject, codec, options);
}

async function wsRound(codec: CodecName, frameBytes: number, options: BenchOptions): Promise<Round> {
  const args = [String(frameBytes), codec === 'json' ? 'text' : 'binary'];
  const subject = await startSubject(join(import.meta.dirname, 'ws-process.ts'), args);
  return measure('ws', subject, codec, options);
}

async function measure(
  name: Round['subject'],
  subject: Subject,
  codec: CodecName,
  { seconds }: BenchOptions,
): Promise<Round> {
  const settings: FanoutSettings = {
    pid: subject.pid ?? NaN,
    webSocketPort: Number(new URL(subject.httpUrl).port),
    path: '/agents/speaker/s1',
    subprotocol: `mooring.v1.${codec}`,
    triggerPort: subject.mqttPort,
    topic: 'devices/speaker/s1/telemetry',
    clients: CLIENTS,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  };
  const script = join(import.meta.dirname, 'fanout-listeners.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(settings)]);
  await subject.stop();
  const report = JSON.parse(stdout) as FanoutReport; // printed by fanout-listeners.ts
  return { subject: name, codec, ...report };
}

/** us of CPU time. */
function cost({ cpuMs, frames }: Round): number {
  return (cpuMs * 1000) / frames;
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (subject: Round['subject'], codec: CodecName): Round[] =>
    rounds.filter((round) => round.subject === subject && round.codec === codec);
  const ratios = CODECS.map((codec) => {
    const [ours, theirs] = [of('bridge', codec).map(cost), of('ws', codec).map(cost)];
    return { ratio: median(ours) / median(theirs), pairs: ours.map((value, n) => value / theirs[n]!) };
  });
  const row = (subject: Round['subject'], codec: CodecName, ratio: readonly [string, string]): string[] => {
    const own = of(subject, codec);
    return [
      `${subject}, ${codec}`,
      String(own[0]?.frameBytes ?? ''),
      `${median(own.map(cost)).toFixed(2)} us`,
      ...ratio,
      whole(median(own.map(({ frames, seconds }) => frames / seconds))),
      ms(median(own.map(({ p50Ms }) => p50Ms))),
      ms(median(own.map(({ p99Ms }) => p99Ms))),
      `${(median(own.map(({ clientCpuMs, seconds }) => clientCpuMs / seconds)) / 10).toFixed(0)} %`,
    ];
  };
  return {
    tables: [
      {
        title: `1 agent, ${whole(CLIENTS)} WebSocket clients, ${options.rounds} alternating rounds of ${options.seconds} s`,
        columns: [
          '',
          'bytes',
          'CPU / frame',
          'ratio',
          'pairs',
          'frames/s',
          'last client p50',
          'p99',
          'clients CPU',
        ],
        rows: CODECS.flatMap((codec, n) => {
          const { ratio, pairs } = ratios[n]!;
          const ours = [ratio.toFixed(2), spread(pairs, (one) => one.toFixed(2))] as const;
          return [row('ws', codec, ['1.00', '']), row('bridge', codec, ours)];
        }),
      },
    ],
    notes: [
      `target: ratio of CPU time a frame <= ${TARGET_RATIO}; the bridge's includes the message itself: journal, turn, history, encoding`,
      'ws: one prepared buffer of the same length, sent to each client; the next message leaves when all clients have the one before',
    ],
    settings: {
      clients: CLIENTS,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: options.seconds,
      rounds: options.rounds,
    },
    summary: {
      ratioJson: ratios[0]?.ratio ?? NaN,
      ratioCbor: ratios[1]?.ratio ?? NaN,
      cpuMicrosecondsPerFrame: median(of('bridge', 'json').map(cost)),
    },
    rounds,
  };
}
