/** The directory in which files of exports and imports lie for a while. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that a transaction of shard.db may name begin so: a start of the store deals with them. */
export const INSTALL_PREFIX = 'install-';

/** On the same file system as the agents' own files. */
export function transfersIn(dataDir: string): string {
  return join(dataDir, 'transfers');
}

/** Deletes what an earlier run left there: older than `beforeMs`, in ms since epoch. */
export function clearTransfers(dataDir: string, beforeMs: number): void {
  const directory = transfersIn(dataDir);
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (name.startsWith(INSTALL_PREFIX)) continue;
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (changedMs < beforeMs) rmSync(path, { force: true });
  }
}
