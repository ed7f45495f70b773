/**
 * Copies an open database into a new file while it goes on being used by this thread.
 *
 * I1 The copy holds what was committed at one moment: when `onTaken` is called, before anything else runs.
 *    Pages that a commit changes meanwhile are carried into the copy (sqlite.org/backup.html), so a large
 *    one never begins again; a transaction under way is waited for.
 * I2 The thread is held up by one step at a time (limits.copyStepPages), never by an fsync of all of it.
 */
import type Database from 'better-sqlite3';
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { storeError } from './database.ts';

interface CopyOptions {
  /** The copy has its contents; it is not on the disk yet. */
  readonly onTaken?: () => void;
  /** Bytes copied by now. May throw to give up. */
  readonly onBytes?: (done: number) => void;
}

const LOOK_MS = 5;

/**
 * Resolves to the bytes of the copy when it is on the disk. A transaction of the caller's may be open; it is
 * waited for.
 * @throws BridgeError BRG_DISK_FULL, BRG_BUSY (a transaction does not end), BRG_STORE; no file is left then
 */
export async function copyDatabase(
  source: () => Database.Database,
  path: string,
  options: CopyOptions = {},
): Promise<number> {
  try {
    const giveUpMs = performance.now() + limits.copyWaitMs;
    for (;;) {
      const db = source();
      const bytes = db.inTransaction ? 0 : sizeOf(db);
      const isSmall = bytes <= limits.copyAtOnceBytesMax;
      if (bytes > 0 && isSmall) return await copyAtOnce(db, path, options);
      if (bytes > 0 && (await copyInSteps(db, path, options))) return bytes;
      if (performance.now() > giveUpMs)
        throw new BridgeError('BRG_BUSY', 'a write of the agent does not end');
      await new Promise((resume) => setTimeout(resume, LOOK_MS));
    }
  } catch (error) {
    await rm(path, { force: true });
    throw fileError(error, path);
  }
}

/** `error` of a call of node:fs or of SQLite. */
export function fileError(error: unknown, path: string): BridgeError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new BridgeError('BRG_DISK_FULL', `${path}: ${String(error)}`, { cause: error });
  }
  return storeError(error, path);
}

/** Makes a file, or the entries of a directory, safe on the disk without holding up the thread. */
export async function syncFile(path: string): Promise<void> {
  // Windows has no fsync of directories, and keeps them safe without.
  if (process.platform === 'win32' && (await stat(path)).isDirectory()) return;
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function sizeOf(db: Database.Database): number {
  return Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
}

async function copyAtOnce(db: Database.Database, path: string, options: CopyOptions): Promise<number> {
  const image = db.serialize();
  options.onTaken?.();
  await writeFile(path, image, { flush: true });
  options.onBytes?.(image.length);
  return image.length;
}

/** False: a transaction was open when it began; nothing was copied. */
async function copyInSteps(db: Database.Database, path: string, options: CopyOptions): Promise<boolean> {
  await rm(path, { force: true });
  const pageBytes = Number(db.pragma('page_size', { simple: true }));
  let synced = 0;
  let isSyncing = false;
  let failure: unknown;
  const { totalPages } = await db.backup(path, {
    progress: ({ totalPages: total, remainingPages }) => {
      if (failure !== undefined) throw failure;
      const done = (total - remainingPages) * pageBytes;
      options.onBytes?.(done);
      if (isSyncing) return 0; // its last step ends with an fsync in this thread: little may be left for it
      if (done - synced < limits.copySyncBytes) return limits.copyStepPages;
      synced = done;
      isSyncing = true;
      // A failure is thrown by the next step.
      void syncFile(path)
        .catch((error: unknown) => (failure = error))
        .finally(() => (isSyncing = false));
      return 0;
    },
  });
  // better-sqlite3 takes a source that was locked at the first step for one without pages.
  if (totalPages === 0) return false;
  options.onTaken?.();
  options.onBytes?.(totalPages * pageBytes);
  return true;
}
