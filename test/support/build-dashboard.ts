/** Once before all tests: the dashboard as it is now. Tests that each build it would take the files of one another away. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

export function setup(): void {
  const root = resolve(import.meta.dirname, '../..');
  execFileSync(process.execPath, ['scripts/build-dashboard.ts'], { cwd: root, stdio: 'pipe' });
}
