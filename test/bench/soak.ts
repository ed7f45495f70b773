/**
 * Ten minutes at 70 % of the peak: memory, PUBACK p99 and bytes on disk must not grow, but for the history that was
 * asked to be kept. The time is cut into ten parts; the last is held against the second.
 */
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { statsHold } from './ask.ts';
import { processRssBytes } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { PACED_DEVICES, runPaced } from './paced.ts';
import type { PacedWindow } from './paced-load.ts';
import { ms, whole, type Outcome } from './report.ts';
import { startBridge, type Subject } from './subject.ts';

const WINDOWS = 10;
const SHARE = 0.7;
const PEAK_SECONDS = 5;
const WARM_UP_SECONDS = 3;
const APPLIED_WITHIN_MS = 30_000;

interface Round extends PacedWindow {
  readonly rssBytes: number;
  /** Of journal.db with its WAL: bounded. */
  readonly journalBytes: number;
  /** Of shard.db with its WAL: grows with the history. */
  readonly shardBytes: number;
}

export async function benchSoak(options: BenchOptions): Promise<Outcome> {
  const peak = await peakRate(options);
  options.progress(`peak ${whole(peak)} msg/s`);
  const dataDir = mkdtempSync(join(options.scratch, 'soak-'));
  const subject = await startBridge(dataDir, ['--devices', PACED_DEVICES]);
  const rounds: Round[] = [];
  await runPaced(
    {
      mqttPort: subject.mqttPort,
      webSocketPort: null,
      watched: 0,
      rate: peak * SHARE,
      warmUpSeconds: WARM_UP_SECONDS,
      windowSeconds: options.seconds / WINDOWS,
      windows: WINDOWS,
    },
    (window, index) => {
      rounds.push({ ...window, ...sizes(subject, dataDir) });
      options.progress(`part ${index + 1} of ${WINDOWS}: p99 ${ms(window.ackP99Ms)}`);
    },
  );
  await statsHold(subject, ({ unapplied }) => unapplied === 0, APPLIED_WITHIN_MS);
  await subject.stop();
  return summarize(options, peak, rounds);
}

/** What the bridge takes at most, in seconds of the same run. */
async function peakRate(options: BenchOptions): Promise<number> {
  const subject = await startBridge(mkdtempSync(join(options.scratch, 'peak-')), [
    '--devices',
    PACED_DEVICES,
  ]);
  const [window] = await runPaced({
    mqttPort: subject.mqttPort,
    webSocketPort: null,
    watched: 0,
    rate: null,
    warmUpSeconds: WARM_UP_SECONDS,
    windowSeconds: PEAK_SECONDS,
    windows: 1,
  });
  await subject.stop();
  if (window === undefined) throw new Error('the load measured nothing');
  return window.acked / window.seconds;
}

function sizes(subject: Subject, dataDir: string): Omit<Round, keyof PacedWindow> {
  const bytesOf = (prefix: string): number =>
    readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.split('/').at(-1)?.startsWith(prefix))
      .reduce((total, path) => total + statSync(join(dataDir, path)).size, 0);
  return {
    rssBytes: processRssBytes(subject.pid),
    journalBytes: bytesOf('journal'),
    shardBytes: bytesOf('shard'),
  };
}

function summarize(options: BenchOptions, peak: number, rounds: readonly Round[]): Outcome {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const [second, last] = [rounds[1], rounds.at(-1)];
  if (second === undefined || last === undefined) throw new Error('the load measured nothing');
  const rows = rounds.map((round, n) => [
    `${Math.round(((n + 1) * options.seconds) / WINDOWS)} s`,
    whole(round.acked / round.seconds),
    ms(round.ackP50Ms),
    ms(round.ackP99Ms),
    whole(round.unacknowledged),
    mib(round.rssBytes),
    mib(round.journalBytes),
    mib(round.shardBytes),
  ]);
  const messages = rounds.slice(1).reduce((total, { acked }) => total + acked, 0);
  const bytesPerMessage = (last.shardBytes - (rounds[0]?.shardBytes ?? 0)) / messages;
  return {
    tables: [
      {
        title: `${whole(peak * SHARE)} msg/s, 70 % of a peak of ${whole(peak)}, for ${options.seconds} s`,
        columns: [
          'until',
          'msg/s',
          'PUBACK p50',
          'p99',
          'unacknowledged',
          'RSS MiB',
          'journal MiB',
          'shard MiB',
        ],
        rows,
      },
    ],
    notes: [
      'target: memory, p99 and the journal flat from the second part to the last',
      `shard.db holds the history: ${bytesPerMessage.toFixed(1)} bytes a message, kept raw for 7 days by default`,
    ],
    settings: { share: SHARE, seconds: options.seconds, windows: WINDOWS },
    summary: {
      peakMessagesPerSecond: peak,
      memoryRatio: last.rssBytes / second.rssBytes,
      p99Ratio: last.ackP99Ms / second.ackP99Ms,
      journalBytes: last.journalBytes,
      historyBytesPerMessage: bytesPerMessage,
    },
    rounds,
  };
}
