/** Pins the token table of docs/performance.md: what it says is what happens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TokenRuns } from '../../bench/codemode-token-runs.ts';
import { measureTasks } from '../../bench/codemode-tokens.ts';

/** Total tokens: one by one, parallel, program, program beside the tools. */
const TOTALS: Readonly<Record<string, readonly number[]>> = {
  'ten devices, 96 points each': [237_049, 44_543, 3_592, 3_678],
  'ten files, searched': [236_576, 44_435, 3_612, 3_722],
  'ten devices, 96 points each; the first program fails': [237_049, 44_543, 5_749, 5_878],
  'two small histories': [5_035, 3_369, 3_373, 3_459],
  'one reading': [3_139, 3_139, 3_253, 3_339],
};

test('programs save the tokens that the documentation says, and cost more where there is nothing to save', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mooring-tokens-'));
  try {
    await using runs = await TokenRuns.open(scratch);
    const measured = await measureTasks(runs);
    const drift = measured.flatMap(({ task, ways }) =>
      Object.values(ways).map(({ total }, i) => [task, total / (TOTALS[task]?.[i] ?? NaN) - 1] as const),
    );
    expect(drift.filter(([, by]) => !(Math.abs(by) < 0.01))).toEqual([]);
    const saved = new Map(measured.map((each) => [each.task, each.saved]));
    expect(saved.get('ten devices, 96 points each')?.oneByOne).toBeGreaterThan(0.95);
    expect(saved.get('ten devices, 96 points each')?.parallel).toBeGreaterThan(0.8);
    expect(saved.get('ten files, searched')?.parallel).toBeGreaterThan(0.875);
    expect(saved.get('one reading')?.parallel).toBeLessThan(0);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}, 60_000);
