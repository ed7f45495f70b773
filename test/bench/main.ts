/** `npm run bench [-- name ...]`: measures, prints tables, writes results/<name>.json. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { benchAgentsSdk } from './agents-sdk.ts';
import { benchChats } from './chats.ts';
import { benchCodeModeCorpus } from './codemode-corpus.ts';
import { benchCodeMode } from './codemode-latency.ts';
import { parseCommandLine, type CommandLine } from './command-line.ts';
import { benchConnections } from './connections.ts';
import { benchDashboardSize } from './dashboard-size.ts';
import { benchFanout } from './fanout.ts';
import { benchFlood } from './flood.ts';
import { benchGuard } from './guard.ts';
import { benchHistory } from './history.ts';
import { benchIdleMemory } from './idle-memory.ts';
import { benchInferenceLoad } from './inference-load.ts';
import { benchInference } from './inference.ts';
import { benchIngest } from './ingest.ts';
import { benchIsolation } from './isolation.ts';
import { benchLatency } from './latency.ts';
import { describeCommit, describeMachine } from './machine.ts';
import type { BenchOptions, LoadShape } from './options.ts';
import { writePerformanceDoc } from './performance-doc.ts';
import { formatResult, resultsDirectory, writeResult, type Outcome, type Result } from './report.ts';
import { benchRulesModel } from './rules-model.ts';
import { benchSchedules } from './schedules.ts';
import { benchSoak } from './soak.ts';
import { benchStartup } from './startup.ts';
import { benchWake } from './wake.ts';
import { benchWakeHeavy } from './wake-heavy.ts';

interface Bench {
  readonly meaning: string;
  /** Measured time of a round, when it is not `SECONDS`. */
  readonly seconds?: number;
  /** Rounds of each subject, when they are not `ROUNDS`. */
  readonly rounds?: number;
  /** Loads it measures, each into a result of its own; the first is named like the benchmark. */
  readonly shapes?: readonly LoadShape[];
  run(options: BenchOptions): Promise<Outcome>;
}

const SECONDS = 6;
const ROUNDS = 5;
const SHAPE: LoadShape = { connections: 64, qos: 1 };

const benches: Readonly<Record<string, Bench>> = {
  ingest: {
    meaning: 'messages per second, durable and applied, against aedes, mosquitto, mosquitto + SQLite',
    shapes: [
      SHAPE,
      ...[4, 1000].map((connections) => ({ connections, qos: 1 as const })),
      { connections: 64, qos: 0 },
    ],
    run: benchIngest,
  },
  fanout: {
    meaning: 'CPU a frame from 1 agent to 1,000 WebSocket clients, against ws sending one buffer',
    run: benchFanout,
  },
  connections: {
    meaning: 'memory of 10,000 idle MQTT and WebSocket connections, against bare aedes and ws',
    rounds: 2,
    shapes: [{ connections: 10_000, qos: 1 }],
    run: benchConnections,
  },
  latency: {
    meaning: 'device to WebSocket client at 10, 50 and 90 % of the peak, against bare aedes',
    rounds: 1,
    run: benchLatency,
  },
  history: {
    meaning: '10 million readings: writing and downsampled queries, against a SQLite table',
    run: benchHistory,
  },
  soak: {
    meaning: '10 minutes at 70 % of the peak: memory, PUBACK p99, bytes on disk',
    seconds: 600,
    rounds: 1,
    run: benchSoak,
  },
  startup: { meaning: 'start to ready, empty and with 100,000 agents, against node -e 0', run: benchStartup },
  wake: { meaning: 'waking a sleeping agent against one SQLite point read', run: benchWake },
  'wake-heavy': {
    meaning: 'waking an agent with a file of its own against opening a SQLite file',
    run: benchWakeHeavy,
  },
  'idle-memory': {
    meaning: 'memory of a million sleeping agents, a process on an empty directory beside it',
    run: benchIdleMemory,
  },
  schedules: {
    meaning: '100,000 schedules due at one moment: once each, lateness, memory',
    run: benchSchedules,
  },
  'agents-sdk': {
    meaning: 'messages over WebSockets into SQL and state, against the Agents SDK on workerd',
    run: benchAgentsSdk,
  },
  chats: {
    meaning: 'event-loop delay and PUBACK latency while 50 chats stream, against none',
    run: benchChats,
  },
  codemode: {
    meaning:
      'Code Mode: tokens of questions with and without programs; a program with 10 tool calls, warm and cold',
    run: benchCodeMode,
  },
  'codemode-corpus': {
    meaning: 'Code Mode: every hostile program on both engines',
    run: benchCodeModeCorpus,
  },
  isolation: {
    meaning:
      'delivery beside 8 publishers at full speed, with a subscriber to # that never reads, against without',
    run: benchIsolation,
  },
  flood: {
    meaning: 'memory and PUBACK latency while 5,150 strangers knock, against before',
    rounds: 3,
    run: benchFlood,
  },
  guard: { meaning: 'CPU a message of ingest with the guard of MQTT, against without', run: benchGuard },
  'inference-load': {
    meaning: 'the embedded engine: delay of the loop that asks, and 10,000 requests of 1,000 sleeping agents',
    run: benchInferenceLoad,
  },
  inference: {
    meaning:
      'CPU a token of the embedded engine, 1 agent and 32, against llama.cpp where MOORING_LLAMA_CPP has it',
    run: benchInference,
  },
  'rules-model': {
    meaning: 'sentences the grammar and the shipped model understand, of sets that training never saw',
    run: benchRulesModel,
  },
  'dashboard-size': { meaning: 'gzipped bytes of the dashboard against its limit', run: benchDashboardSize },
};

const HELP = `npm run bench [-- [options] [name ...]]    without a name: all

${Object.entries(benches)
  .map(([name, { meaning }]) => `  ${name.padEnd(16)} ${meaning}`)
  .join('\n')}

  --seconds N      measured time of a round
  --rounds N       rounds of each subject (5)
  --connections N  publishers of ingest (64, 4 and 1000), idle ones of connections (10000)
  --qos N          0 or 1 of ingest (1, and 0 with 64 publishers)
  --json           results as JSON instead of tables
  --write-docs     writes docs/performance.md of the results; measures nothing
  --help           this text

Results are written to test/bench/results/<name>.json. Close other programs: the ratios are taken within
one run, but a busy machine changes them too.`;

/** Answers the exit code: 0 measured, 1 a benchmark failed, 2 usage. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(args, Object.keys(benches));
  if (typeof parsed === 'string') {
    console.error(`bench: ${parsed}; npm run bench -- --help`);
    return 2;
  }
  if (parsed.isHelp) {
    console.log(HELP);
    return 0;
  }
  if (parsed.isWritingDocs) {
    console.log((await writePerformanceDoc()).join('\n'));
    return 0;
  }
  const results: Result[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (parsed.names.length > 0 && !parsed.names.includes(name)) continue;
    for (const shape of shapesOf(bench, parsed)) {
      const result = await runBench(resultName(name, bench, shape), bench, shape, parsed);
      results.push(result);
      const path = writeResult(result);
      if (parsed.isJson) continue;
      console.log(`\n${formatResult(result)}`);
      console.error(`\nwritten to ${path}`);
    }
  }
  if (parsed.isJson) console.log(JSON.stringify(results));
  return 0;
}

/** Every load of a benchmark that has several, or the one that was asked for. */
function shapesOf(bench: Bench, { connections, qos }: CommandLine): readonly LoadShape[] {
  if (bench.shapes === undefined || (connections === undefined && qos === undefined))
    return bench.shapes ?? [SHAPE];
  const usual = usualShape(bench);
  return [{ connections: connections ?? usual.connections, qos: qos ?? usual.qos }];
}

function usualShape(bench: Bench): LoadShape {
  return bench.shapes?.[0] ?? SHAPE;
}

/** The usual load has the name of its benchmark; others have it in theirs. */
function resultName(name: string, bench: Bench, { connections, qos }: LoadShape): string {
  const usual = usualShape(bench);
  if (connections === usual.connections && qos === usual.qos) return name;
  return `${name}-${connections}${qos === usual.qos ? '' : `-qos${qos}`}`;
}

async function runBench(name: string, bench: Bench, shape: LoadShape, asked: CommandLine): Promise<Result> {
  // Beside the project, because /tmp may be memory and its fsync would cost nothing.
  mkdirSync(resultsDirectory, { recursive: true });
  const scratch = mkdtempSync(join(resultsDirectory, 'data-'));
  const remove = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const place = {
      date: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(scratch),
    };
    const progress = (text: string): void => console.error(`${name}: ${text}`);
    const seconds = asked.seconds ?? bench.seconds ?? SECONDS;
    const rounds = asked.rounds ?? bench.rounds ?? ROUNDS;
    const outcome = await bench.run({ seconds, rounds, shape, scratch, progress });
    return { name, ...place, ...outcome };
  } finally {
    remove();
    process.off('exit', remove);
  }
}

// Ctrl-C runs the exit handlers, which end the subjects and remove their data.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1); // a subject may still run
}
