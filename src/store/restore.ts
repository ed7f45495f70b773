/**
 * Puts a backup into a data directory on which no bridge runs.
 *
 * I1 Nothing of the directory is touched before all of the backup was verified and lies beside it, on the disk.
 * I2 What was there is moved into a directory of its own, never deleted.
 * I3 Who may connect stays as it is when the backup does not say: nobody gets in because of a restore.
 * I4 While things are moved `restore.ready` exists, and a bridge does not start (`isHalfRestored`).
 */
import Database from 'better-sqlite3';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import { backupName, readManifest, verifyBackup, type BackupManifest } from './backup-manifest.ts';
import { fileError } from './copy-database.ts';
import { errorCode } from './database.ts';
import { IDENTITY_FILE } from './identity-store.ts';
import { makeDirectory, syncPath } from './sync-path.ts';

const STAGE = 'restore.part';
const READY = 'restore.ready';
/** Backups stay where they are. */
const NO_DATA: readonly string[] = ['backups', STAGE, 'transfers'];
const ASIDE_PREFIX = 'before-restore-';

export interface Restored {
  readonly manifest: BackupManifest;
  /** Where what was there is now; null when there was nothing. */
  readonly aside: string | null;
}

interface RestoreOptions {
  /** What is in the directory may be moved aside. */
  readonly force: boolean;
  readonly nowMs: number;
  readonly onBytes?: (done: number, total: number) => void;
}

/** Whether a restore ended in its middle. */
export function isHalfRestored(dataDir: string): boolean {
  return existsSync(join(dataDir, READY));
}

/** @throws BridgeError BRG_BACKUP, BRG_DATA_DIR, BRG_DISK_FULL, BRG_STORE */
export async function restoreBackup(
  backup: string,
  dataDir: string,
  options: RestoreOptions,
): Promise<Restored> {
  const manifest = readManifest(backup);
  const hasIdentities = manifest.files.some(({ path }) => path === IDENTITY_FILE);
  const present = dataIn(dataDir).filter((name) => hasIdentities || !name.startsWith(IDENTITY_FILE));
  if (present.length > 0 && !options.force) {
    const message = `${dataDir} is not empty (${present.slice(0, 3).join(', ')}): --force moves what is there aside`;
    throw new BridgeError('BRG_DATA_DIR', message);
  }
  const lock = lockJournal(dataDir);
  try {
    await verifyBackup(backup, manifest, options.onBytes);
    const stage = join(dataDir, STAGE);
    copyInto(stage, backup, manifest);
    const ready = join(dataDir, READY);
    const aside = present.length > 0 ? join(dataDir, ASIDE_PREFIX + backupName(options.nowMs)) : null;
    renameSync(stage, ready);
    syncPath(dataDir);
    if (aside !== null) moveAll(dataDir, aside, present);
    moveAll(ready, dataDir, readdirSync(ready));
    rmdirSync(ready);
    syncPath(dataDir);
    return { manifest, aside };
  } catch (error) {
    throw fileError(error, resolve(dataDir));
  } finally {
    lock?.close();
  }
}

function dataIn(dataDir: string): string[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir).filter((name) => !NO_DATA.includes(name) && !name.startsWith(ASIDE_PREFIX));
}

/** Held until all was moved: a bridge that starts meanwhile says that the directory is in use. */
function lockJournal(dataDir: string): Database.Database | undefined {
  const path = join(dataDir, 'journal.db');
  if (!existsSync(path)) return undefined;
  const db = new Database(path, { timeout: 100 });
  try {
    db.pragma('locking_mode=EXCLUSIVE');
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return db;
  } catch (error) {
    db.close();
    if (errorCode(error) !== 'SQLITE_BUSY') return undefined; // it cannot be read: nothing runs on it
    const message = `${dataDir} is in use: stop the bridge that runs on this data directory first`;
    throw new BridgeError('BRG_DATA_DIR', message, { cause: error });
  }
}

function copyInto(stage: string, backup: string, manifest: BackupManifest): void {
  rmSync(stage, { recursive: true, force: true });
  makeDirectory(join(stage, 'agents'));
  for (const { path } of manifest.files) {
    const to = join(stage, path);
    if (!existsSync(dirname(to))) makeDirectory(dirname(to));
    copyFileSync(join(backup, path), to);
    syncPath(to);
  }
  for (const directory of new Set(manifest.files.map(({ path }) => dirname(join(stage, path)))))
    syncPath(directory);
}

function moveAll(from: string, to: string, names: readonly string[]): void {
  if (!existsSync(to)) mkdirSync(to);
  for (const name of names) renameSync(join(from, name), join(to, name));
  syncPath(to);
  syncPath(from);
}
