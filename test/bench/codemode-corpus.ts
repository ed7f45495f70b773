/** Code Mode against every hostile program of the corpus, on both engines. */
import { attack, problemsOf } from '../support/hostile-runs.ts';
import { ProgramRuns } from '../support/program-runs.ts';
import { corpus } from '../tools/corpus/index.ts';
import type { BenchOptions } from './options.ts';
import { ms, whole, type Outcome } from './report.ts';

const ENGINES = ['workerd', 'quickjs'] as const;

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
