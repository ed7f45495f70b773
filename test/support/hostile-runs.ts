/**
 * Runs hostile programs and says what was not contained. After each of them an honest program runs, and has to run well.
 *
 * Lag is what one turn of this process's loop took: it belongs to a program only if it comes again when that program
 * runs alone, since the machine and the programs beside it hold the loop up as well.
 */
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { RunResult } from '../../src/tools/codemode/run-result.ts';
import type { HostileProgram } from '../tools/corpus/hostile-program.ts';
import { SECRET, type ProgramRuns } from './program-runs.ts';

interface Attack {
  readonly result: RunResult;
  /** Longest turn of this process's loop. */
  readonly lagMs: number;
  /** Connections to the canary port while it ran. */
  readonly connections: number;
}

export interface AttackReport {
  readonly problems: readonly string[];
  /** How the runs ended, counted. */
  readonly ends: Readonly<Record<string, number>>;
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
}

const MEMORY_BYTES = 96 * 1024 * 1024;
/** Small budgets: what is stopped is stopped soon. */
const BUDGET = { wallMs: 1_000, cpuMs: 400, memoryBytes: MEMORY_BYTES, callMs: 300 };

/** Longest time a program may hold up the process that has it run. */
export const LAG_MAX_MS = 200;
/** Runs alone, before it is a program's own doing. */
const ALONE_MAX = 3;

/** @param atOnce programs that run beside each other */
export async function attackAll(
  runs: ProgramRuns,
  programs: readonly HostileProgram[],
  atOnce: number,
  onDone: () => void = () => undefined,
): Promise<AttackReport> {
  const problems: string[] = [];
  const ends: Record<string, number> = {};
  const lags = createHistogram();
  const suspects: HostileProgram[] = [];
  const waiting = programs[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const program of waiting) {
      const attacked = await attack(runs, program);
      const { end } = attacked.result;
      ends[end.kind] = (ends[end.kind] ?? 0) + 1;
      problems.push(...problemsOf(program, attacked), ...(await nextRun(runs, program)));
      lags.record(Math.max(1, Math.round(attacked.lagMs)));
      if (attacked.lagMs > LAG_MAX_MS) suspects.push(program);
      onDone();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  for (const program of suspects) problems.push(...(await laggingAlone(runs, program)));
  return { problems, ends, lagP99Ms: lags.percentile(99), lagMaxMs: lags.max };
}

async function attack(runs: ProgramRuns, { code }: HostileProgram): Promise<Attack> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const before = runs.connections;
  delay.enable();
  const result = await runs.run(code, { limits: BUDGET });
  delay.disable();
  return { result, lagMs: delay.max / 1e6, connections: runs.connections - before };
}

/** The bridge is alive and the sandbox of the next program is a fresh one. */
async function nextRun(runs: ProgramRuns, { name }: HostileProgram): Promise<string[]> {
  const { end } = await runs.run('return await env.t.echo({ fine: true })');
  const isFine = end.kind === 'done' && JSON.stringify(end.value) === '{"fine":true}';
  return isFine ? [] : [`${name}: the next run was not fine: ${JSON.stringify(end)}`];
}

async function laggingAlone(runs: ProgramRuns, program: HostileProgram): Promise<string[]> {
  const lags: number[] = [];
  for (let n = 0; n < ALONE_MAX; n++) {
    const { lagMs } = await attack(runs, program);
    if (lagMs <= LAG_MAX_MS) return [];
    lags.push(Math.round(lagMs));
  }
  return [`${program.name}: held the host up for ${lags.join(', ')} ms, alone`];
}

/** What got out, or was changed. */
function problemsOf({ name }: HostileProgram, { result, connections }: Attack): string[] {
  const text = JSON.stringify(result);
  const forms = [
    SECRET,
    [...SECRET].reverse().join(''),
    [...SECRET].join(' '),
    Buffer.from(SECRET).toString('base64'),
  ];
  const problems = forms.filter((form) => text.includes(form)).map(() => 'a secret came out');
  const value = result.end.kind === 'done' ? JSON.stringify(result.end.value) : '';
  if (/root:x:0|"PATH"|PATH=|uid=0/.test(value))
    problems.push(`something of the host came out: ${value.slice(0, 200)}`);
  if ('polluted' in {} || 'left' in []) problems.push('the prototypes of the host were changed');
  if (connections > 0) problems.push(`${connections} connections were made while it ran`);
  if ((result.used.memoryBytes ?? 0) > MEMORY_BYTES * 4)
    problems.push(`it took ${result.used.memoryBytes} bytes`);
  return problems.map((problem) => `${name}: ${problem}`);
}
