/** Latency of Code Mode: a program with 10 tool calls, in a sandbox that was ready and in one that was not; and the whole corpus. */
import { systemClock } from '../../src/base/clock.ts';
import { budgetOf } from '../../src/tools/codemode/budget.ts';
import { ProgramCompiler } from '../../src/tools/codemode/compile.ts';
import { openExecutor } from '../../src/tools/codemode/executor.ts';
import { createRedactor } from '../../src/tools/codemode/redact.ts';
import { ToolHost, type ToolBinding } from '../../src/tools/codemode/tool-host.ts';
import { attack, problemsOf } from '../support/hostile-runs.ts';
import { ProgramRuns } from '../support/program-runs.ts';
import { corpus } from '../tools/corpus/index.ts';
import type { BenchOptions } from './options.ts';
import { ms, whole, type Outcome } from './report.ts';
import { median, quantile } from './statistics.ts';

const ENGINES = ['workerd', 'quickjs'] as const;
const CALLS = 10;
const RUNS_PER_ROUND = 10;
const PROGRAM = `let sum = 0;
for (let pump: number = 0; pump < ${CALLS}; pump++) {
  const { points } = await env.device.history({ id: \`pump-\${pump}\`, hours: 24 });
  sum += points.reduce((a: number, b: number) => a + b, 0);
}
return { sum };`;
const POINTS = Array.from({ length: 100 }, (_, i) => i);
const EXPECTED = JSON.stringify({ kind: 'done', value: { sum: (CALLS * 99 * 100) / 2 } });

const history: ToolBinding = {
  namespace: 'device',
  name: 'history',
  description: 'Points of a metric',
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, hours: { type: 'integer' } },
    required: ['id'],
  },
  call: () => ({ kind: 'value', value: { points: POINTS } }),
};

/** Milliseconds from asking to the result, compilation included. */
async function latencies(engine: (typeof ENGINES)[number], isWarm: boolean, runs: number): Promise<number[]> {
  const executor = await openExecutor({ engine, clock: systemClock, idleMax: isWarm ? 2 : 0 });
  const compiler = new ProgramCompiler(systemClock);
  await compiler.warm();
  const took: number[] = [];
  try {
    for (let i = 0; i < runs; i++) {
      await executor.warm();
      const startedMs = performance.now();
      const compiled = await compiler.compile(PROGRAM);
      if (!compiled.ok) throw new Error(compiled.error.message);
      const { end, timings } = await executor.execute({
        program: compiled.program,
        tools: new ToolHost([history]),
        budget: budgetOf(),
        seed: i,
        nowMs: Date.now(),
        redactor: createRedactor(['a-secret-of-the-bridge']),
      });
      took.push(performance.now() - startedMs);
      if (JSON.stringify(end) !== EXPECTED) throw new Error(`wrong result: ${JSON.stringify(end)}`);
      if (timings.isWarm !== isWarm) throw new Error('the pool did not do what was measured');
    }
  } finally {
    await Promise.all([executor.close(), compiler.close()]);
  }
  return took;
}

/** Latency of both engines, warm and cold. */
export async function benchCodeMode({ rounds, progress }: BenchOptions): Promise<Outcome> {
  const found: { engine: string; start: string; took: number[] }[] = [];
  for (const engine of ENGINES) {
    for (const isWarm of [true, false]) {
      const start = isWarm ? 'warm' : 'cold';
      progress(`${engine}, ${start}`);
      found.push({ engine, start, took: await latencies(engine, isWarm, rounds * RUNS_PER_ROUND) });
    }
  }
  const row = ({ engine, start, took }: (typeof found)[number]): string[] => [
    `${engine}, ${start}`,
    ...[median(took), quantile(took, 0.95), Math.min(...took), Math.max(...took)].map(ms),
  ];
  return {
    tables: [
      {
        title: `A program with ${CALLS} tool calls`,
        columns: ['sandbox', 'p50', 'p95', 'min', 'max'],
        rows: found.map(row),
      },
    ],
    notes: [
      'From the text to the result: compiled, run in a fresh process, 10 sequential calls checked and answered by the host.',
      'warm: the process was started ahead and had run no program before; cold: started when asked.',
      'Every result is compared with the expected one.',
    ],
    settings: { calls: CALLS, runs: rounds * RUNS_PER_ROUND },
    summary: Object.fromEntries(
      found.map(({ engine, start, took }) => [`${engine}-${start}-p50-ms`, median(took)]),
    ),
    rounds: found,
  };
}

/** All hostile programs on both engines. Fails when one is not contained. */
export async function benchCodeModeCorpus({ progress }: BenchOptions): Promise<Outcome> {
  const found = [];
  for (const engine of ENGINES) found.push(await runCorpus(engine, progress));
  const problems = found.flatMap((each) => each.problems);
  if (problems.length > 0) throw new Error(`not contained: ${problems.join('; ')}`);
  return {
    tables: [
      {
        title: `${corpus.length} hostile programs`,
        columns: ['engine', 'contained', 'connections', 'longest lag of the host', 'took'],
        rows: found.map(({ engine, connections, lagMaxMs, tookMs }) => [
          engine,
          `${corpus.length}/${corpus.length}`,
          whole(connections),
          ms(lagMaxMs),
          `${(tookMs / 1000).toFixed(0)} s`,
        ]),
      },
    ],
    notes: [
      'Contained: no secret out, nothing of the host out, no connection to the canary port, memory bounded, and an honest program runs well after every tenth.',
    ],
    settings: { programs: corpus.length },
    summary: Object.fromEntries(found.map(({ engine, lagMaxMs }) => [`${engine}-lag-max-ms`, lagMaxMs])),
    rounds: found,
  };
}

async function runCorpus(engine: (typeof ENGINES)[number], progress: (text: string) => void) {
  const runs = await ProgramRuns.open(engine);
  const problems: string[] = [];
  const ends: Record<string, number> = {};
  const startedMs = performance.now();
  let lagMaxMs = 0;
  try {
    for (const [i, program] of corpus.entries()) {
      const attacked = await attack(runs, program);
      const { end } = attacked.result;
      ends[end.kind] = (ends[end.kind] ?? 0) + 1;
      lagMaxMs = Math.max(lagMaxMs, attacked.lagMs);
      problems.push(...problemsOf(program, attacked));
      if (i % 10 > 0) continue;
      progress(`${engine}: ${i} of ${corpus.length}`);
      const fine = await runs.run('return await env.t.echo({ fine: true })');
      if (fine.end.kind !== 'done')
        problems.push(`${program.name}: the next run was not fine: ${JSON.stringify(fine.end)}`);
    }
    if (runs.connections > 0) problems.push(`${runs.connections} connections to the canary port`);
    return {
      engine,
      problems,
      ends,
      lagMaxMs,
      connections: runs.connections,
      tookMs: performance.now() - startedMs,
    };
  } finally {
    await runs.close();
  }
}
