/** Tokens of Code Mode against the same questions with single calls, one by one and in parallel. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TokenRuns, type Asked, type TokenCount } from './codemode-token-runs.ts';
import {
  oneReading,
  tenDevices,
  tenFiles,
  twoReadings,
  withMistake,
  type Task,
  type Way,
} from './codemode-token-tasks.ts';
import type { BenchOptions } from './options.ts';
import { whole, type Outcome, type Table } from './report.ts';

const WAYS: readonly Way[] = ['one by one', 'parallel', 'program'];
const TASKS = [tenDevices(96), tenFiles, withMistake(tenDevices(96)), twoReadings, oneReading];
const SWEEP_POINTS = [4, 24, 96];
/** Tools of other systems beside those of the device; beyond 40 tools a program looks for them first. */
const SWEEP_OTHERS = [0, 24, 90];

type WayName = Way | 'program beside the tools';

/** One question, asked every way. */
interface TaskTokens {
  readonly task: string;
  readonly ways: Readonly<Record<WayName, TokenCount>>;
  /** Share of the total that a program saves. */
  readonly saved: { readonly oneByOne: number; readonly parallel: number };
}

/** Asks it every way. @param known single calls of the same question, which need not be asked again. @throws Error when the answers differ */
async function measureTask(
  runs: TokenRuns,
  task: Task,
  known = new Map<string, Asked>(),
): Promise<TaskTokens> {
  const asked: Record<string, Asked> = {};
  for (const way of WAYS) {
    const key = `${way}: ${task.question}`;
    asked[way] = (way === 'program' ? undefined : known.get(key)) ?? (await runs.ask(task, way));
    known.set(key, asked[way]);
  }
  asked['program beside the tools'] = await runs.ask(task, 'program', 'both');
  const answers = new Set(Object.values(asked).map(({ answer }) => answer));
  if (answers.size !== 1) throw new Error(`${task.name}: different answers: ${[...answers].join(' / ')}`);
  const ways = Object.fromEntries(
    Object.entries(asked).map(([way, { count }]) => [way, count]),
  ) as TaskTokens['ways']; // all of them
  const { total } = ways.program;
  const saved = { oneByOne: 1 - total / ways['one by one'].total, parallel: 1 - total / ways.parallel.total };
  return { task: task.name, ways, saved };
}

/** The questions of the table, in its order. */
export async function measureTasks(runs: TokenRuns): Promise<TaskTokens[]> {
  const measured = [];
  const known = new Map<string, Asked>();
  for (const task of TASKS) measured.push(await measureTask(runs, task, known));
  return measured;
}

/** Tokens of every question and way, and of the ten-device question with more data and more tools. */
export async function measureTokens({
  scratch,
  progress,
}: BenchOptions): Promise<Pick<Outcome, 'tables' | 'notes' | 'summary' | 'rounds'>> {
  const directory = join(scratch, 'tokens');
  mkdirSync(directory);
  await using runs = await TokenRuns.open(directory);
  progress('tokens');
  const tasks = await measureTasks(runs);
  const swept: { readonly points: number; readonly others: number; readonly tokens: TaskTokens }[] = [];
  for (const others of SWEEP_OTHERS) {
    for (const points of SWEEP_POINTS) {
      progress(`tokens with ${points} points, ${others} more tools`);
      swept.push({ points, others, tokens: await measureTask(runs, tenDevices(points, others)) });
    }
  }
  const [devices, files] = tasks;
  return {
    tables: [tableOf(tasks), sweepTable(swept)],
    notes: [
      'Tokens: gpt-tokenizer 4.0.0, o200k_base, of what arrived at the model; every way gave the same answer. The model is a script that makes no needless turn and no mistake but the one named: real models need more.',
      '"cached": the total if what an earlier request began with cost nothing.',
    ],
    summary: {
      'ten-devices-saved-one-by-one': devices?.saved.oneByOne ?? NaN,
      'ten-devices-saved-parallel': devices?.saved.parallel ?? NaN,
      'ten-files-saved-parallel': files?.saved.parallel ?? NaN,
    },
    rounds: [{ tasks, swept }],
  };
}

function tableOf(tasks: readonly TaskTokens[]): Table {
  const rows = tasks.flatMap(({ task, ways }) =>
    Object.entries(ways).map(([way, count]) => [
      task,
      way,
      ...[
        count.turns,
        count.system,
        count.tools,
        count.question,
        count.calls,
        count.results,
        count.output,
      ].map(whole),
      ...[count.total, count.cached].map(whole),
      way.startsWith('program') ? `${share(count, ways['one by one'])} / ${share(count, ways.parallel)}` : '',
    ]),
  );
  const columns = [
    'question',
    'way',
    'turns',
    'system',
    'tools',
    'question',
    'calls',
    'results',
    'output',
    'total',
    'cached',
    'saved against one by one / parallel',
  ];
  return { title: 'Tokens of Code Mode', columns, rows };
}

function sweepTable(
  swept: readonly { readonly points: number; readonly others: number; readonly tokens: TaskTokens }[],
): Table {
  const rows = swept.map(({ points, others, tokens: { ways } }) => [
    whole(points),
    whole(others),
    ...WAYS.map((way) => whole(ways[way].total)),
    share(ways.program, ways['one by one']),
    share(ways.program, ways.parallel),
  ]);
  const columns = ['points a device', 'more tools', ...WAYS, 'saved against one by one', 'against parallel'];
  return { title: 'The ten-device question with more data and more tools, total tokens', columns, rows };
}

function share(count: TokenCount, baseline: TokenCount): string {
  return `${((1 - count.total / baseline.total) * 100).toFixed(1)} %`;
}
