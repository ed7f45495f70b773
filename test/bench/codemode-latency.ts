/** Code Mode: latency of a program with 10 tool calls, in a sandbox that was ready and in one that was not; tokens of questions asked with and without programs. */
import { systemClock } from '../../src/base/clock.ts';
import { budgetOf } from '../../src/tools/codemode/budget.ts';
import { ProgramCompiler } from '../../src/tools/codemode/compile.ts';
import { openExecutor } from '../../src/tools/codemode/executor.ts';
import { createRedactor } from '../../src/tools/codemode/redact.ts';
import { ToolHost, type ToolBinding } from '../../src/tools/codemode/tool-host.ts';
import { measureTokens } from './codemode-tokens.ts';
import type { BenchOptions } from './options.ts';
import { ms, type Outcome } from './report.ts';
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

/** Latency of both engines, warm and cold, and tokens. */
export async function benchCodeMode(options: BenchOptions): Promise<Outcome> {
  const { rounds, progress } = options;
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
  const tokens = await measureTokens(options);
  return {
    tables: [
      ...tokens.tables,
      {
        title: `A program with ${CALLS} tool calls`,
        columns: ['sandbox', 'p50', 'p95', 'min', 'max'],
        rows: found.map(row),
      },
    ],
    notes: [
      ...tokens.notes,
      'From the text to the result: compiled, run in a fresh process, 10 sequential calls checked and answered by the host.',
      'warm: the process was started ahead and had run no program before; cold: started when asked.',
      'Every result is compared with the expected one.',
    ],
    settings: { calls: CALLS, runs: rounds * RUNS_PER_ROUND },
    summary: {
      ...tokens.summary,
      ...Object.fromEntries(
        found.map(({ engine, start, took }) => [`${engine}-${start}-p50-ms`, median(took)]),
      ),
    },
    rounds: [...found, ...tokens.rounds],
  };
}
