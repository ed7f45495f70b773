/**
 * A bridge that strangers knock at: 5,000 connections that say nothing, 100 that send a CONNECT a byte a second, and 50
 * that declare a packet of 256 MB and stream. What they add to its resident memory, and how long its devices wait for a
 * PUBACK meanwhile, against the seconds before. Each round starts a fresh process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { processRssBytes } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { PACED_DEVICES, runPaced } from './paced.ts';
import type { PacedWindow } from './paced-load.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startBridge, type Subject } from './subject.ts';

const RATE = 1000;
const WARM_UP_SECONDS = 3;
const SAMPLE_MS = 50;
const TARGET_MB = 64;
const CALM_WINDOWS = 2;
const FLOOD_WINDOWS = 4;

interface Round {
  readonly addedMb: number;
  readonly calm: PacedWindow;
  readonly flooded: PacedWindow;
  /** Messages of devices that were sent and not acknowledged at the end. */
  readonly unacknowledged: number;
}

export async function benchFlood(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    const round = await measured(options);
    rounds.push(round);
    const { addedMb, calm, flooded } = round;
    options.progress(
      `round ${index + 1} of ${options.rounds}: ${addedMb.toFixed(1)} MB, PUBACK p99 ${ms(calm.ackP99Ms)} -> ${ms(flooded.ackP99Ms)}`,
    );
  }
  return summarize(options, rounds);
}

async function measured({ seconds, scratch }: BenchOptions): Promise<Round> {
  const subject = await startBridge(mkdtempSync(join(scratch, 'flood-')), ['--devices', PACED_DEVICES]);
  const windowSeconds = seconds / 2;
  const windows: PacedWindow[] = [];
  let flood: Flood | undefined;
  const run = {
    mqttPort: subject.mqttPort,
    webSocketPort: null,
    watched: 0,
    rate: RATE,
    warmUpSeconds: WARM_UP_SECONDS,
    windowSeconds,
    windows: CALM_WINDOWS + FLOOD_WINDOWS,
  };
  await runPaced(run, (window, index) => {
    windows.push(window);
    if (index === CALM_WINDOWS - 1) flood = new Flood(subject);
  });
  const addedMb = (await flood?.stop()) ?? NaN;
  await subject.stop();
  return {
    addedMb,
    calm: worst(windows.slice(0, CALM_WINDOWS)),
    flooded: worst(windows.slice(CALM_WINDOWS)),
    unacknowledged: windows.at(-1)?.unacknowledged ?? NaN,
  };
}

/** Those who knock, and the memory of who is knocked at. */
class Flood {
  readonly #child;
  readonly #beforeBytes: number;
  #mostBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(subject: Subject) {
    const path = join(import.meta.dirname, 'flood-clients.ts');
    this.#beforeBytes = processRssBytes(subject.pid);
    this.#child = spawn(process.execPath, [path, String(subject.mqttPort)], { stdio: 'inherit' });
    this.#timer = setInterval(() => {
      this.#mostBytes = Math.max(this.#mostBytes, processRssBytes(subject.pid));
    }, SAMPLE_MS);
  }

  /** @returns MB of memory more than before, at its most */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
    return (this.#mostBytes - this.#beforeBytes) / 1e6;
  }
}

function worst(windows: readonly PacedWindow[]): PacedWindow {
  return windows.reduce((one, other) => (other.ackP99Ms > one.ackP99Ms ? other : one));
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const added = rounds.map(({ addedMb }) => addedMb);
  const row = (title: string, windows: readonly PacedWindow[], memory: readonly string[]): string[] => [
    title,
    ...memory,
    ms(median(windows.map(({ ackP50Ms }) => ackP50Ms))),
    ms(median(windows.map(({ ackP99Ms }) => ackP99Ms))),
    whole(median(windows.map(({ acked, seconds }) => acked / seconds))),
  ];
  const flooded = rounds.map((round) => round.flooded);
  const megabytes = (value: number): string => `${value.toFixed(1)} MB`;
  return {
    tables: [
      {
        title: `64 devices, ${whole(RATE)} messages a second, and 5,150 strangers; ${options.rounds} rounds`,
        columns: ['', 'memory more', 'of the rounds', 'PUBACK p50', 'p99', 'acknowledged/s'],
        rows: [
          row(
            'before',
            rounds.map(({ calm }) => calm),
            ['', ''],
          ),
          row('with 5,150 strangers', flooded, [megabytes(median(added)), spread(added, megabytes)]),
        ],
      },
    ],
    notes: [
      `target: at most ${TARGET_MB} MB more resident memory at any moment, and no device notices`,
      '5,000 connections say nothing, 100 send a CONNECT a byte a second, 50 declare 256 MB and stream; closed ones come again',
      'each line: the worst of its windows in a round, then the median of the rounds',
    ],
    settings: { rate: RATE, seconds: options.seconds, rounds: options.rounds },
    summary: { addedMb: median(added), ackP99Ms: median(flooded.map(({ ackP99Ms }) => ackP99Ms)) },
    rounds,
  };
}
