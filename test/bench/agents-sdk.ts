/**
 * Messages through WebSockets against the Agents SDK on workerd: 20 agents, 8 messages in flight on each; each
 * message is parsed by the agent, stored with SQL, put into the state, broadcast, and acknowledged after the
 * commit. Rounds alternate; each starts a fresh process on an empty data directory, and the same generator
 * drives it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPeer, startPeer } from './agents-sdk-peer.ts';
import type { BenchOptions } from './options.ts';
import { ms, spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startBridge } from './subject.ts';
import type { WsReport, WsSettings } from './ws-load.ts';

const AGENTS = 20;
const IN_FLIGHT = 8;
const WARM_UP_SECONDS = 2;
const TARGET_RATIO = 10;
const PEER = 'Agents SDK 0.5.0, workerd';
const OURS = 'mooring';

interface Round extends WsReport {
  readonly subject: string;
  readonly messagesPerSecond: number;
}

/** Runs `rounds` pairs; without the peer, when it cannot be installed, only our side. */
export async function benchAgentsSdk(options: BenchOptions): Promise<Outcome> {
  options.progress('installing the peer from the registry');
  const peer = await installPeer().catch((error: unknown) => {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 3).join(' ');
    options.progress(`the peer cannot be installed, so there is no ratio: ${reason}`);
    return undefined;
  });
  const rounds: Round[] = [];
  try {
    for (let index = 0; index < options.rounds; index++) {
      if (peer !== undefined) rounds.push(await peerRound(peer.directory, options));
      rounds.push(await ourRound(options));
      const rates = rounds.slice(-2).map((one) => `${one.subject} ${whole(one.messagesPerSecond)} msg/s`);
      options.progress(`round ${index + 1} of ${options.rounds}: ${rates.join(', ')}`);
    }
  } finally {
    peer?.remove();
  }
  return summarize(options, rounds);
}

async function peerRound(directory: string, options: BenchOptions): Promise<Round> {
  const peer = await startPeer(directory, mkdtempSync(join(options.scratch, 'peer-')));
  try {
    return await measure(PEER, peer.url, options);
  } finally {
    await peer.stop();
  }
}

async function ourRound(options: BenchOptions): Promise<Round> {
  const flags = ['--devices', join(import.meta.dirname, 'models/device.ts')];
  const subject = await startBridge(mkdtempSync(join(options.scratch, 'ours-')), flags);
  try {
    return await measure(OURS, `${subject.httpUrl.replace('http', 'ws')}/agents/device/d%`, options);
  } finally {
    await subject.stop();
  }
}

async function measure(subject: string, url: string, options: BenchOptions): Promise<Round> {
  const { seconds } = options;
  const settings: WsSettings = {
    url,
    agents: AGENTS,
    inFlight: IN_FLIGHT,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  };
  const script = join(import.meta.dirname, 'ws-load.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(settings)]);
  const report = JSON.parse(stdout) as WsReport; // printed by ws-load.ts
  return { subject, ...report, messagesPerSecond: report.acked / report.seconds };
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (subject: string, field: (round: Round) => number): number[] =>
    rounds.filter((round) => round.subject === subject).map(field);
  const rate = ({ messagesPerSecond }: Round): number => messagesPerSecond;
  const ratio = median(of(OURS, rate)) / median(of(PEER, rate));
  const pairs = of(PEER, rate).map((peer, n) => (of(OURS, rate)[n] ?? NaN) / peer);
  const row = (subject: string, ratios: readonly string[]): string[] => [
    subject,
    whole(median(of(subject, rate))),
    spread(of(subject, rate), whole),
    ...ratios,
    ms(median(of(subject, ({ p50Ms }) => p50Ms))),
    ms(median(of(subject, ({ p99Ms }) => p99Ms))),
  ];
  const isAlone = pairs.length === 0;
  return {
    tables: [
      {
        title: `${AGENTS} agents x ${IN_FLIGHT} in flight over WebSockets, ${options.rounds} alternating rounds of ${options.seconds} s`,
        columns: ['subject', 'msg/s', 'min - max', 'ratio', 'pairs', 'ack p50', 'p99'],
        rows: isAlone
          ? [row(OURS, ['', ''])]
          : [row(PEER, ['1.00', '']), row(OURS, [ratio.toFixed(1), spread(pairs, (one) => one.toFixed(1))])],
      },
    ],
    notes: [
      isAlone
        ? 'the Agents SDK could not be installed from the registry: no ratio'
        : `target: ratio >= ${TARGET_RATIO}; each message parsed, stored with SQL, set as state, broadcast, acknowledged`,
    ],
    settings: {
      agents: AGENTS,
      inFlight: IN_FLIGHT,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: options.seconds,
    },
    summary: { messagesPerSecond: median(of(OURS, rate)), ...(isAlone ? {} : { ratio }) },
    rounds,
  };
}
