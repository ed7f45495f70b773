import Database from 'better-sqlite3';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** A lock is held for a process's life: waiting for one only keeps its owner from hearing of it. */
const LOCK_TIMEOUT_MS = 100;

/**
 * Opens (or creates) a WAL database.
 * @throws BridgeError BRG_DATA_DIR when it cannot be opened, BRG_DISK_FULL when there is no room.
 */
export function openDatabase(
  path: string,
  options: { synchronous: 'FULL' | 'NORMAL'; pageBytes: number; cacheKiB: number },
): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: LOCK_TIMEOUT_MS });
    db.pragma(`page_size=${options.pageBytes}`);
    db.pragma('journal_mode=WAL');
    db.pragma(`synchronous=${options.synchronous}`);
    db.pragma(`cache_size=-${options.cacheKiB}`);
    db.pragma('temp_store=MEMORY');
    // One process owns a data directory; the lock is held for its life and needs no shared memory file.
    db.pragma('locking_mode=EXCLUSIVE');
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    if (errorCode(error) === 'SQLITE_BUSY') {
      throw new BridgeError('BRG_DATA_DIR', `${path} is in use: another bridge runs on this data directory`, {
        cause: error,
      });
    }
    throw storeError(error, path);
  }
}

/** Of agents' files: SQLite's default. */
export const PAGE_BYTES = 4096;

/**
 * Opens an agent's file, which must exist.
 * @throws BridgeError BRG_DATA_DIR, BRG_STORE
 */
export function openAgentDatabase(path: string, bytesMax: number): Database.Database {
  try {
    const db = new Database(path, { timeout: LOCK_TIMEOUT_MS, fileMustExist: true });
    // Before anything is read: so the WAL needs no shared memory file, and the handle two descriptors.
    db.pragma('locking_mode=EXCLUSIVE');
    db.pragma('synchronous=NORMAL');
    db.pragma(`cache_size=-${limits.agentCacheKiB}`);
    // A transaction stays in memory until its commit, so that a full disk shows there and nowhere else.
    db.pragma('cache_spill=OFF');
    db.pragma('temp_store=MEMORY');
    db.pragma(`max_page_count=${Math.floor(bytesMax / PAGE_BYTES)}`);
    return db;
  } catch (error) {
    throw storeError(error, path);
  }
}

/** The SQLite result code of an error, e.g. `SQLITE_FULL`; undefined for other errors. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** Whether there is no room for a write; it may succeed later, and nothing of it was kept. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof BridgeError) return error.code === 'BRG_DISK_FULL';
  return errorCode(error) === 'SQLITE_FULL';
}

/** A BridgeError for a failed database call on `path`. */
export function storeError(error: unknown, path: string): BridgeError {
  if (error instanceof BridgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  if (code?.startsWith('SQLITE_BUSY') === true) {
    const told = `${path} is locked by another process: close it there, and try again`;
    return new BridgeError('BRG_BUSY', told, { cause: error });
  }
  if (code === 'SQLITE_FULL')
    return new BridgeError('BRG_DISK_FULL', `${path}: ${message}`, { cause: error });
  if (
    code?.startsWith('SQLITE_CANTOPEN') ||
    code?.startsWith('SQLITE_READONLY') ||
    code === 'SQLITE_NOTADB'
  ) {
    return new BridgeError('BRG_DATA_DIR', `${path}: ${message}`, { cause: error });
  }
  return new BridgeError('BRG_STORE', `${path}: ${message}`, { cause: error });
}
