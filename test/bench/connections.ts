/**
 * Memory of a connection that does nothing, 10,000 of them, against bare aedes (MQTT) and `ws` alone: what they add
 * to the resident memory of a process that holds some thousand already. The first fill what a start leaves free in
 * the heap, more in a large program, and would look cheaper than they are. The garbage of connecting is collected by
 * a signal in the main thread of all subjects: how much of it V8 leaves lying depends on the size of the program, not
 * on its connections. The bridge's shard is a thread of its own and keeps its garbage; its agents are asleep by then.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { statsHold } from './ask.ts';
import type { HolderSettings } from './connection-holder.ts';
import { processRssBytes } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { COLLECT_ON_SIGNAL, startAedes, startBridge, startSubject, type Subject } from './subject.ts';

const HELD_BEFORE = 5000;
const SETTLE_MS = 5000;
const ASLEEP_WITHIN_MS = 60_000;
const TARGET_RATIO = 1.3;

type Kind = HolderSettings['kind'];

const KINDS: Readonly<Record<Kind, { readonly what: string; readonly peer: string }>> = {
  mqtt: { what: 'MQTT, connected', peer: 'bare aedes' },
  published: { what: 'MQTT, has published once', peer: 'bare aedes' },
  websocket: { what: 'WebSocket of an agent of its own', peer: 'ws' },
};

interface Round {
  readonly kind: Kind;
  readonly subject: string;
  readonly bytesPerConnection: number;
}

export async function benchConnections(options: BenchOptions): Promise<Outcome> {
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      rounds.push(await measured(kind, false, options), await measured(kind, true, options));
      const last = rounds.slice(-2).map((one) => `${one.subject} ${whole(one.bytesPerConnection)}`);
      options.progress(`round ${index + 1} of ${options.rounds}, ${kind}: ${last.join(', ')} bytes`);
    }
  }
  return summarize(options, rounds);
}

async function measured(kind: Kind, isBridge: boolean, options: BenchOptions): Promise<Round> {
  const { connections } = options.shape;
  const subject = await (isBridge
    ? startBridge(mkdtempSync(join(options.scratch, 'idle-')), [], COLLECT_ON_SIGNAL)
    : startPeer(kind));
  const port = kind === 'websocket' ? Number(new URL(subject.httpUrl).port) : subject.mqttPort;
  const asleep = async (): Promise<void> =>
    isBridge ? statsHold(subject, ({ awake }) => awake === 0, ASLEEP_WITHIN_MS) : undefined;
  const releaseFirst = await hold({ kind, port, first: 0, count: HELD_BEFORE });
  await asleep();
  const before = await settled(subject);
  const release = await hold({ kind, port, first: HELD_BEFORE, count: connections });
  await asleep();
  const after = await settled(subject);
  await Promise.all([release(), releaseFirst()]);
  await subject.stop();
  const name = isBridge ? 'bridge' : KINDS[kind].peer;
  return { kind, subject: name, bytesPerConnection: (after - before) / connections };
}

function startPeer(kind: Kind): Promise<Subject> {
  if (kind !== 'websocket') return startAedes(undefined, COLLECT_ON_SIGNAL);
  return startSubject(join(import.meta.dirname, 'ws-process.ts'), ['0', 'text'], COLLECT_ON_SIGNAL);
}

/** Opens the connections from a process of their own; the answer closes them. */
async function hold(settings: HolderSettings): Promise<() => Promise<void>> {
  const script = join(import.meta.dirname, 'connection-holder.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    if (line !== 'holding') continue;
    return async () => {
      child.kill();
      await exited;
      process.off('exit', kill);
    };
  }
  throw new Error(`the connections of ${settings.kind} were not held`);
}

async function settled(subject: Subject): Promise<number> {
  let least = Infinity;
  for (const endMs = Date.now() + SETTLE_MS; Date.now() < endMs; await sleep(500)) {
    if (subject.pid !== undefined) process.kill(subject.pid, 'SIGUSR2');
    least = Math.min(least, processRssBytes(subject.pid));
  }
  return least;
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const bytesOf = (kind: Kind, isBridge: boolean): number[] =>
    rounds
      .filter((round) => round.kind === kind && (round.subject === 'bridge') === isBridge)
      .map(({ bytesPerConnection }) => bytesPerConnection);
  const kinds = Object.keys(KINDS) as Kind[];
  const ratioOf = (kind: Kind): number => median(bytesOf(kind, true)) / median(bytesOf(kind, false));
  const kib = (bytes: number): string => (bytes / 1024).toFixed(1);
  const row = (kind: Kind, isBridge: boolean): string[] => {
    const bytes = bytesOf(kind, isBridge);
    const name = `${KINDS[kind].what}: ${isBridge ? 'bridge' : KINDS[kind].peer}`;
    return [name, kib(median(bytes)), spread(bytes, kib), isBridge ? ratioOf(kind).toFixed(2) : '1.00'];
  };
  const { connections } = options.shape;
  return {
    tables: [
      {
        title: `Resident memory of a connection, ${whole(connections)} beside ${whole(HELD_BEFORE)} others, ${options.rounds} starts each`,
        columns: ['', 'KiB', 'min - max', 'ratio'],
        rows: kinds.flatMap((kind) => [row(kind, false), row(kind, true)]),
      },
    ],
    notes: [`target: an idle MQTT connection <= ${TARGET_RATIO} of one of bare aedes`],
    settings: { connections, heldBefore: HELD_BEFORE, settleMs: SETTLE_MS, rounds: options.rounds },
    summary: {
      ratio: ratioOf('mqtt'),
      ratioPublished: ratioOf('published'),
      ratioWebSocket: ratioOf('websocket'),
      bytesPerMqttConnection: median(bytesOf('mqtt', true)),
      bytesPerWebSocket: median(bytesOf('websocket', true)),
    },
    rounds,
  };
}
