/** `npm run bench [-- name ...]`: measures, prints tables, writes results/<name>.json. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchAgentsSdk } from './agents-sdk.ts';
import { benchChats } from './chats.ts';
import { benchCodeModeCorpus } from './codemode-corpus.ts';
import { benchCodeMode } from './codemode-latency.ts';
import { benchDashboardSize } from './dashboard-size.ts';
import { benchIdleMemory } from './idle-memory.ts';
import { benchIngest } from './ingest.ts';
import { describeCommit, describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { formatResult, resultsDirectory, writeResult, type Outcome, type Result } from './report.ts';
import { benchSchedules } from './schedules.ts';
import { benchStartup } from './startup.ts';
import { benchWake } from './wake.ts';
import { benchWakeHeavy } from './wake-heavy.ts';

interface Bench {
  readonly meaning: string;
  run(options: BenchOptions): Promise<Outcome>;
}

const benches: Readonly<Record<string, Bench>> = {
  ingest: { meaning: 'QoS 1 messages per second, durable and applied, against bare aedes', run: benchIngest },
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
  'dashboard-size': { meaning: 'gzipped bytes of the dashboard against its limit', run: benchDashboardSize },
};

const HELP = `npm run bench [-- [options] [name ...]]    without a name: all

${Object.entries(benches)
  .map(([name, { meaning }]) => `  ${name.padEnd(16)} ${meaning}`)
  .join('\n')}

  --seconds N      measured time of a round of ingest (6)
  --rounds N       rounds of each subject (5)
  --json           results as JSON instead of tables
  --help           this text

Results are written to test/bench/results/<name>.json. Close other programs: the ratios are taken within
one run, but a busy machine changes them too.`;

/** Answers the exit code: 0 measured, 1 a benchmark failed, 2 usage. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(args);
  if (typeof parsed === 'string') {
    console.error(`bench: ${parsed}; npm run bench -- --help`);
    return 2;
  }
  if (parsed.isHelp) {
    console.log(HELP);
    return 0;
  }
  const results: Result[] = [];
  for (const name of parsed.names) {
    const result = await runBench(name, parsed.seconds, parsed.rounds);
    results.push(result);
    const path = writeResult(result);
    if (parsed.isJson) continue;
    console.log(`\n${formatResult(result)}`);
    console.error(`\nwritten to ${path}`);
  }
  if (parsed.isJson) console.log(JSON.stringify(results));
  return 0;
}

interface CommandLine {
  readonly names: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  readonly isJson: boolean;
  readonly isHelp: boolean;
}

/** Or what is wrong with it. */
function parseCommandLine(args: readonly string[]): CommandLine | string {
  const options = {
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const unknown = positionals.find((name) => benches[name] === undefined);
    if (unknown !== undefined) return `there is no benchmark ${unknown}`;
    const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
    if (!(seconds > 0 && seconds <= 3600)) return '--seconds takes a number up to 3600';
    if (!(Number.isInteger(rounds) && rounds > 0 && rounds <= 1000))
      return '--rounds takes a whole number up to 1000';
    const names = positionals.length > 0 ? positionals : Object.keys(benches);
    return { names, seconds, rounds, isJson: values.json, isHelp: values.help };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function runBench(name: string, seconds: number, rounds: number): Promise<Result> {
  const bench = benches[name];
  if (bench === undefined) throw new Error(`there is no benchmark ${name}`);
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
    return { name, ...place, ...(await bench.run({ seconds, rounds, scratch, progress })) };
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
