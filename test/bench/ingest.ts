/**
 * Ingest of the bridge against brokers that do less: bare aedes and mosquitto, which acknowledge from memory and
 * keep nothing, and mosquitto with a subscriber that writes into SQLite. A round starts a fresh process (on an
 * empty directory), warms it up, measures, and stops it. Rounds alternate, so that all see the same machine.
 * After a round of the bridge every PUBACKed message must be applied and in history.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { verifyIngest } from './ingest-check.ts';
import { summarizeIngest } from './ingest-report.ts';
import type { LoadReport, LoadSettings } from './load-generator.ts';
import { processCpuMs } from './machine.ts';
import type { SubscriberReport } from './mosquitto-subscriber.ts';
import { findMosquitto, startMosquitto, startMosquittoSubscriber } from './mosquitto.ts';
import type { BenchOptions } from './options.ts';
import { whole, type Outcome } from './report.ts';
import { startAedes, startBridge, type Subject } from './subject.ts';

/** As many in flight as a thousand small devices have together, at least a few and at most 25 each. */
const IN_FLIGHT_TOTAL = 4000;
const IN_FLIGHT_MIN = 4;
const IN_FLIGHT_MAX = 25;
const PAYLOAD_BYTES = 64;
const WARM_UP_SECONDS = 2;
const PROCESSED_WITHIN_MS = 60_000;

export const subjects = {
  bridge: bridgeRound,
  'bare aedes': aedesRound,
  mosquitto: mosquittoRound,
  'mosquitto + SQLite': mosquittoSubscriberRound,
} as const;

export type SubjectName = keyof typeof subjects;

export interface Round extends LoadReport {
  readonly subject: SubjectName;
  /** Acknowledged; of the subscriber: written. */
  readonly messagesPerSecond: number;
  /** CPU time of the measured programs for one message, warm-up included; null where unknown. */
  readonly cpuMicrosecondsPerMessage: number | null;
  /** Publishes that never came through; QoS 0 only. */
  readonly lost: number;
}

/** Runs `rounds` rounds of each subject that this machine has. */
export async function benchIngest(options: BenchOptions): Promise<Outcome> {
  const isInstalled = findMosquitto() !== null;
  if (!isInstalled) options.progress('mosquitto is not installed: no ratio against it');
  const names = (Object.keys(subjects) as SubjectName[]).filter(
    (name) => isInstalled || !name.startsWith('mosquitto'),
  );
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    for (const name of names) rounds.push(await subjects[name](options));
    const rates = rounds.slice(-names.length).map((one) => `${one.subject} ${whole(one.messagesPerSecond)}`);
    options.progress(`round ${index + 1} of ${options.rounds}, msg/s: ${rates.join(', ')}`);
  }
  return summarizeIngest(options, rounds, {
    connections: options.shape.connections,
    qos: options.shape.qos,
    inFlight: inFlight(options),
    payloadBytes: PAYLOAD_BYTES,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: options.seconds,
    rounds: options.rounds,
  });
}

function inFlight({ shape }: BenchOptions): number {
  return Math.min(IN_FLIGHT_MAX, Math.max(IN_FLIGHT_MIN, Math.floor(IN_FLIGHT_TOTAL / shape.connections)));
}

async function aedesRound(options: BenchOptions): Promise<Round> {
  const subject = await startAedes();
  const round = await measure('bare aedes', [subject], options);
  await subject.stop();
  return round;
}

async function bridgeRound(options: BenchOptions): Promise<Round> {
  const dataDir = mkdtempSync(join(options.scratch, 'ingest-'));
  const subject = await startBridge(dataDir);
  const startedAtMs = Date.now();
  const round = await measure('bridge', [subject], options);
  const lost = await verifyIngest(subject, options.shape, round.ackedTotal, startedAtMs);
  await subject.stop();
  rmSync(dataDir, { recursive: true });
  return { ...round, lost };
}

async function mosquittoRound(options: BenchOptions): Promise<Round> {
  const directory = mkdtempSync(join(options.scratch, 'mosquitto-'));
  const subject = await startMosquitto(directory);
  const round = await measure('mosquitto', [subject], options);
  await subject.stop();
  return round;
}

async function mosquittoSubscriberRound(options: BenchOptions): Promise<Round> {
  const directory = mkdtempSync(join(options.scratch, 'mosquitto-'));
  const broker = await startMosquitto(directory);
  const subscriber = await startMosquittoSubscriber(broker, directory);
  const round = await measure('mosquitto + SQLite', [broker, subscriber], options);
  const { processed, lastCommitMs, samples } = await allProcessed(subscriber, round.ackedTotal);
  await subscriber.stop();
  await broker.stop();
  rmSync(directory, { recursive: true });
  // Acknowledgements come from the broker's memory, faster than the subscriber writes: what is written counts.
  const before = samples.findLast(([atMs]) => atMs <= round.measuredFromMs) ?? [round.measuredFromMs, 0];
  const seconds = (lastCommitMs - before[0]) / 1000;
  const lost = round.ackedTotal - processed;
  return { ...round, messagesPerSecond: (processed - before[1]) / seconds, lost };
}

/** Waits for the subscriber to have written `acked` messages, or nothing for a second: QoS 0 may get lost. */
async function allProcessed(subscriber: Subject, acked: number): Promise<SubscriberReport> {
  const giveUpMs = Date.now() + PROCESSED_WITHIN_MS;
  for (;;) {
    const response = await fetch(subscriber.httpUrl);
    const report = (await response.json()) as SubscriberReport; // answered by mosquitto-subscriber.ts
    if (report.processed >= acked || Date.now() - report.lastCommitMs > 1000) return report;
    if (Date.now() > giveUpMs) throw new Error(`the subscriber wrote ${report.processed} of ${acked}`);
    await sleep(100);
  }
}

/** Drives the first of the subjects; CPU is that of all. */
async function measure(
  subject: SubjectName,
  programs: readonly [Subject, ...Subject[]],
  options: BenchOptions,
): Promise<Round> {
  const settings: LoadSettings = {
    port: programs[0].mqttPort,
    ...options.shape,
    inFlight: inFlight(options),
    payloadBytes: PAYLOAD_BYTES,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: options.seconds,
    topicPrefix: 'devices/thermostat/',
  };
  const atStartMs = cpuMs(programs);
  const report = await generateLoad(settings);
  const usedMs = cpuMs(programs) - atStartMs;
  return {
    subject,
    ...report,
    messagesPerSecond: report.acked / report.seconds,
    cpuMicrosecondsPerMessage: Number.isNaN(usedMs) ? null : (usedMs * 1000) / report.ackedTotal,
    lost: 0,
  };
}

/** Runs the load generator as a process of its own. */
export async function generateLoad(settings: LoadSettings): Promise<LoadReport> {
  const script = join(import.meta.dirname, 'load-generator.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(settings)]);
  return JSON.parse(stdout) as LoadReport; // printed by load-generator.ts
}

/** NaN where it is unknown. */
function cpuMs(programs: readonly Subject[]): number {
  return programs.reduce((total, { pid }) => total + (processCpuMs(pid) ?? NaN), 0);
}
