/** Runs hostile programs and says what got out. */
import type { RunResult } from '../../src/tools/codemode/run-result.ts';
import type { HostileProgram } from '../tools/corpus/hostile-program.ts';
import { SECRET, type ProgramRuns } from './program-runs.ts';

export interface Attack {
  readonly result: RunResult;
  readonly tookMs: number;
  /** Longest time this process did nothing else. */
  readonly lagMs: number;
}

const MEMORY_BYTES = 96 * 1024 * 1024;
const WALL_MS = 1_500;

/** Small budgets: what is stopped is stopped soon. */
export async function attack(runs: ProgramRuns, { code }: HostileProgram): Promise<Attack> {
  const limits = { wallMs: WALL_MS, cpuMs: 500, memoryBytes: MEMORY_BYTES, callMs: 500 };
  runs.resetLag();
  const startedMs = performance.now();
  const result = await runs.run(code, { limits });
  return { result, tookMs: performance.now() - startedMs, lagMs: runs.lagMaxMs };
}

/** A second of the host's own thread is far more than any frame costs, and less than what a program in it would take. */
const LAG_MAX_MS = 1_000;

/** What was not contained. */
export function problemsOf({ name }: HostileProgram, { result, lagMs }: Attack): string[] {
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
  if (lagMs > LAG_MAX_MS) problems.push(`the host stood still for ${Math.round(lagMs)} ms`);
  if ((result.used.memoryBytes ?? 0) > MEMORY_BYTES * 4)
    problems.push(`it took ${result.used.memoryBytes} bytes`);
  return problems.map((problem) => `${name}: ${problem}`);
}
