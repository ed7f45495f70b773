/** What a first visit of the dashboard downloads, against its limit. Builds it with the project's own script. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { projectRoot } from './machine.ts';
import type { BenchOptions } from './options.ts';
import type { Outcome } from './report.ts';

const LIMIT_BYTES = 150_000;

interface FileSize {
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** One build; the sizes are the same every time. */
export function benchDashboardSize(options: BenchOptions): Promise<Outcome> {
  const directory = join(options.scratch, 'dashboard');
  // The script fails when the limit is passed; here the table shall say so.
  execFileSync(process.execPath, ['scripts/build-dashboard.ts', '--out', directory], {
    cwd: projectRoot,
    stdio: 'ignore',
  });
  const files: FileSize[] = readdirSync(directory).map((name) => {
    const content = readFileSync(join(directory, name));
    return { name, bytes: content.length, gzipBytes: gzipSync(content, { level: 9 }).length };
  });
  const total = files.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
  const kB = (bytes: number): string => (bytes / 1000).toFixed(1);
  const rows = files.map(({ name, bytes, gzipBytes }) => [
    name,
    kB(bytes),
    kB(gzipBytes),
    (gzipBytes / LIMIT_BYTES).toFixed(2),
  ]);
  return Promise.resolve({
    tables: [
      {
        title: 'The built dashboard',
        columns: ['file', 'kB', 'kB gzip', '/ limit'],
        rows: [...rows, ['all', '', kB(total), (total / LIMIT_BYTES).toFixed(2)]],
      },
    ],
    notes: [`limit: ${kB(LIMIT_BYTES)} kB gzip`],
    settings: { limitBytes: LIMIT_BYTES },
    summary: { gzipBytes: total, ratio: total / LIMIT_BYTES },
    rounds: [files],
  });
}
