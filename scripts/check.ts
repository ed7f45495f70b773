/**
 * All checks one after the other, all of them also after a failure: `npm run check`.
 *
 *   --static   without the tests
 *
 * Exit code 0 when every check passed, else 1.
 */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Check {
  readonly name: string;
  /** Path below node_modules, and arguments. */
  readonly command: readonly [string, ...string[]];
}

const STATIC: readonly Check[] = [
  { name: 'types', command: ['typescript/bin/tsc', '--noEmit'] },
  {
    name: 'types of the dashboard',
    command: ['typescript/bin/tsc', '--noEmit', '-p', 'src/dashboard/tsconfig.json'],
  },
  { name: 'lint', command: ['eslint/bin/eslint.js', '.', '--max-warnings', '0'] },
  { name: 'format', command: ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'] },
];
const TESTS: Check = { name: 'tests', command: ['vitest/vitest.mjs', 'run'] };

const root = resolve(import.meta.dirname, '..');

function runCheck({ name, command: [script, ...rest] }: Check): boolean {
  process.stdout.write(`\n--- ${name}\n`);
  const startedMs = Date.now();
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...rest], {
    cwd: root,
    stdio: 'inherit',
  });
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok' : 'FAILED'}: ${name} (${seconds} s)\n`);
  return status === 0;
}

function main(): void {
  const { values } = parseArgs({ options: { static: { type: 'boolean', default: false } } });
  const checks = values.static ? STATIC : [...STATIC, TESTS];
  const failed = checks.filter((check) => !runCheck(check)).map(({ name }) => name);
  process.stdout.write(failed.length === 0 ? '\nall checks passed\n' : `\nfailed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

main();
