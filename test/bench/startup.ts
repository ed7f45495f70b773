/**
 * From the spawn of `mooring serve` to its ready line, beside the start of an empty Node program, which
 * is the floor. Data directories: empty; with 100,000 agents after an orderly stop; the same after kill -9;
 * the same after a power loss that took everything the last checkpoint did not cover, so that the journal
 * must be replayed. Every start gets a copy of its own.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchOptions } from './options.ts';
import { publishOncePerAgent } from './populate.ts';
import { spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';
import { startBridge, type Subject } from './subject.ts';

const AGENTS = 100_000;
const EMPTY_LIMIT_MS = 1000;
const AGENTS_LIMIT_MS = 3000;

interface Variant {
  readonly name: string;
  /** Data to start on; null: an empty directory. */
  readonly dataDir: string | null;
  /** Null: it depends on how much there is to replay. */
  readonly limitMs: number | null;
  /** What `messages` of all agents must add up to after the start. */
  readonly messages: number;
}

interface Round {
  readonly name: string;
  readonly readyMs: number;
}

const NODE = 'node -e 0';

/** Runs `rounds` starts of each variant. */
export async function benchStartup(options: BenchOptions): Promise<Outcome> {
  const variants = await prepare(options);
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push({ name: NODE, readyMs: startNode() });
    for (const variant of variants)
      rounds.push({ name: variant.name, readyMs: await start(variant, options) });
    options.progress(`round ${index + 1} of ${options.rounds}`);
  }
  return summarize(options, variants, rounds);
}

async function prepare(options: BenchOptions): Promise<Variant[]> {
  options.progress(`making ${whole(AGENTS)} agents`);
  const stopped = join(options.scratch, 'stopped');
  const killed = join(options.scratch, 'killed');
  const lost = join(options.scratch, 'lost');
  const first = await startBridge(stopped);
  await publishOncePerAgent(first.mqttPort, AGENTS);
  await first.stop();
  cpSync(stopped, killed, { recursive: true });
  const second = await startBridge(killed);
  await publishOncePerAgent(second.mqttPort, AGENTS);
  await second.stop('SIGKILL');
  // The journal is synced before a PUBACK, shard.db only by its checkpoints (synchronous=NORMAL).
  mkdirSync(lost);
  copyFileSync(join(stopped, 'shard.db'), join(lost, 'shard.db'));
  for (const file of ['journal.db', 'journal.db-wal']) copyFileSync(join(killed, file), join(lost, file));
  const agents = `${whole(AGENTS)} agents`;
  return [
    { name: 'empty data directory', dataDir: null, limitMs: EMPTY_LIMIT_MS, messages: 0 },
    { name: `${agents}, stopped`, dataDir: stopped, limitMs: AGENTS_LIMIT_MS, messages: AGENTS },
    { name: `${agents}, kill -9`, dataDir: killed, limitMs: AGENTS_LIMIT_MS, messages: 2 * AGENTS },
    {
      name: `${agents}, power loss, ${whole(AGENTS)} to replay`,
      dataDir: lost,
      limitMs: null,
      messages: 2 * AGENTS,
    },
  ];
}

function startNode(): number {
  const startMs = performance.now();
  const { status } = spawnSync(process.execPath, ['-e', '0']);
  if (status !== 0) throw new Error(`node -e 0 ended with ${status}`);
  return performance.now() - startMs;
}

async function start(variant: Variant, options: BenchOptions): Promise<number> {
  const dataDir = mkdtempSync(join(options.scratch, 'startup-'));
  if (variant.dataDir !== null) cpSync(variant.dataDir, dataDir, { recursive: true });
  const subject = await startBridge(dataDir);
  const messages = await countMessages(subject);
  await subject.stop();
  rmSync(dataDir, { recursive: true });
  if (messages !== variant.messages) {
    throw new Error(
      `${variant.name}: ${messages} messages after the start, ${variant.messages} were acknowledged`,
    );
  }
  return subject.readyMs;
}

/** Messages of all agents, over every page of the list. */
async function countMessages(subject: Subject): Promise<number> {
  let messages = 0;
  let cursor: string | null = null;
  do {
    const page: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${subject.httpUrl}/api/agents?limit=1000${page}`);
    if (!response.ok)
      throw new Error(`the list of agents answered ${response.status}: ${await response.text()}`);
    // GET /api/agents answers {agents, cursor} (docs/design/requests.md).
    const answer = (await response.json()) as { agents: { messages: number }[]; cursor: string | null };
    for (const agent of answer.agents) messages += agent.messages;
    cursor = answer.cursor;
  } while (cursor !== null);
  return messages;
}

function summarize(options: BenchOptions, variants: readonly Variant[], rounds: readonly Round[]): Outcome {
  const times = (name: string): number[] =>
    rounds.filter((round) => round.name === name).map(({ readyMs }) => readyMs);
  const floorMs = median(times(NODE));
  const rows = variants.map(({ name, limitMs }) => {
    const readyMs = median(times(name));
    const limit = limitMs === null ? ['', ''] : [whole(limitMs), (readyMs / limitMs).toFixed(2)];
    return [name, whole(readyMs), spread(times(name), whole), (readyMs / floorMs).toFixed(1), ...limit];
  });
  return {
    tables: [
      {
        title: `Start to ready line, ${options.rounds} rounds, files in the page cache`,
        columns: ['data directory', 'ms', 'min - max', `/ ${NODE}`, 'limit ms', '/ limit'],
        rows: [[NODE, whole(floorMs), spread(times(NODE), whole), '1.0', '', ''], ...rows],
      },
    ],
    notes: ['after each start: the messages of all agents add up to those acknowledged before'],
    settings: { agents: AGENTS, rounds: options.rounds },
    summary: {
      nodeMs: floorMs,
      ...Object.fromEntries(variants.map(({ name }) => [`${name}, ms`, median(times(name))])),
    },
    rounds,
  };
}
