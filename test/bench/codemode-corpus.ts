/** Code Mode against every hostile program of the corpus, on both engines. */
import { attackAll, LAG_MAX_MS } from '../support/hostile-runs.ts';
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
        columns: ['engine', 'contained', 'connections', 'lag of the host, p99', 'longest', 'took'],
        rows: found.map(({ engine, connections, lagP99Ms, lagMaxMs, tookMs }) => [
          engine,
          `${corpus.length}/${corpus.length}`,
          whole(connections),
          ms(lagP99Ms),
          ms(lagMaxMs),
          `${(tookMs / 1000).toFixed(0)} s`,
        ]),
      },
    ],
    notes: [
      `Contained: no secret out, nothing of the host out, no connection to the canary port, memory bounded, an honest program runs well after each, and none holds the host up for more than ${LAG_MAX_MS} ms again when it runs alone.`,
      'The lag is the longest turn of the event loop of the process that has them run, one value a program; two programs run at once.',
    ],
    settings: { programs: corpus.length },
    summary: Object.fromEntries(found.map(({ engine, lagMaxMs }) => [`${engine}-lag-max-ms`, lagMaxMs])),
    rounds: found,
  };
}

async function runCorpus(engine: (typeof ENGINES)[number], progress: (text: string) => void) {
  const runs = await ProgramRuns.open(engine);
  const startedMs = performance.now();
  let done = 0;
  try {
    const report = await attackAll(runs, corpus, 2, () => {
      if (++done % 10 === 0) progress(`${engine}: ${done} of ${corpus.length}`);
    });
    const { connections } = runs;
    return { engine, ...report, connections, tookMs: performance.now() - startedMs };
  } finally {
    await runs.close();
  }
}
