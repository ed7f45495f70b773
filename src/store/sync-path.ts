import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { storeError } from './database.ts';

/**
 * Makes a file, or the entries of a directory, safe on the disk.
 * @throws BridgeError BRG_STORE, which ends the process: after a failed fsync nobody knows what is on the disk
 */
export function syncPath(path: string): void {
  // Windows has no fsync of directories, and keeps them safe without.
  if (process.platform === 'win32' && statSync(path).isDirectory()) return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes what was committed to a database in WAL mode safe, without a checkpoint. */
export function syncWal(path: string): void {
  // SQLite's locks are on the database file: closing a descriptor of the WAL drops none of them.
  syncPath(`${path}-wal`);
}

/** Makes a directory with those above it, so that a power loss does not take them away again. */
export function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  // A new directory is an entry of the one above it.
  for (let made = path; made.length >= first.length; made = dirname(made)) syncPath(dirname(made));
}
