/** What a backup says of itself, and the directory that backups lie in. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

export const MANIFEST = 'manifest.json';
/** A backup that is being written, or was when the bridge ended, has a name that ends so. */
export const PARTIAL_SUFFIX = '.part';
export const BACKUP_FORMAT = 1;

export interface BackupFile {
  /** Below the backup's directory, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  readonly startedAtMs: number;
  /** Everything acknowledged before this is in it. */
  readonly throughMs: number;
  /** Sequence number of the last journaled message in it. */
  readonly journalSequence: number;
  readonly agents: number;
  /** Agents with a file of their own. */
  readonly heavyAgents: number;
  /** Addresses of agents whose files could not be read; they are not in it. */
  readonly unreadable: readonly string[];
  readonly bytes: number;
  readonly files: readonly BackupFile[];
}

/** One line of a list of backups. */
export interface BackupSummary extends Omit<BackupManifest, 'files' | 'format'> {
  readonly name: string;
  readonly files: number;
}

/** A name for a backup that begins now: ISO 8601, fit for file names of every system. */
export function backupName(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(':', '-');
}

/** Reads and checks the manifest of a backup. @throws BridgeError BRG_BACKUP */
export function readManifest(directory: string): BackupManifest {
  const path = join(directory, MANIFEST);
  if (!existsSync(path)) throw broken(`${directory} is no backup: it has no ${MANIFEST}`);
  let manifest: Partial<BackupManifest>;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as Partial<BackupManifest>; // checked below
  } catch (error) {
    throw broken(`${path} cannot be read: ${String(error)}`);
  }
  if (manifest.format !== BACKUP_FORMAT) {
    throw broken(`${path} has format ${String(manifest.format)}, this program knows ${BACKUP_FORMAT}`);
  }
  const { files } = manifest;
  const isWhole = Array.isArray(files) && files.every(isFile);
  if (!isWhole || typeof manifest.throughMs !== 'number' || typeof manifest.bytes !== 'number') {
    throw broken(`${path} is not what a backup writes`);
  }
  return manifest as BackupManifest; // its parts were just checked; the rest is for people
}

/** Compares every file with the manifest. @throws BridgeError BRG_BACKUP naming the first that differs */
export async function verifyBackup(
  directory: string,
  manifest: BackupManifest,
  onBytes: (done: number, total: number) => void = () => {},
): Promise<void> {
  let done = 0;
  for (const { path, bytes, sha256 } of manifest.files) {
    const full = join(directory, path);
    if (!existsSync(full)) throw broken(`${full} is missing`);
    const found = statSync(full).size;
    if (found !== bytes) throw broken(`${full} has ${found} bytes, the manifest says ${bytes}`);
    if ((await hashFile(full)) !== sha256)
      throw broken(`${full} is not what was backed up: its checksum differs`);
    done += bytes;
    onBytes(done, manifest.bytes);
  }
}

/** Compares a backup with what it says of itself. @throws BridgeError BRG_BACKUP */
export function verifyCopy(directory: string): Promise<void> {
  return verifyBackup(directory, readManifest(directory));
}

/**
 * SHA-256 of a file, hexadecimal. In a busy thread each chunk waits for its turn (64 KiB, as by default: 4 s for a
 * backup of 50 MB beside a full stream).
 */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: limits.copyHashBytes }))
    hash.update(chunk as Buffer); // no encoding was set
  return hash.digest('hex');
}

/** The complete backups in a directory, newest first. */
export function listBackups(directory: string): BackupSummary[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !name.endsWith(PARTIAL_SUFFIX) && existsSync(join(directory, name, MANIFEST)))
    .sort()
    .reverse()
    .flatMap((name) => summaryAt(directory, name));
}

/** None where the manifest cannot be read: that one is for people to look at. */
function summaryAt(directory: string, name: string): BackupSummary[] {
  try {
    return [summaryOf(name, readManifest(join(directory, name)))];
  } catch {
    return [];
  }
}

export function summaryOf(name: string, { format: _format, files, ...facts }: BackupManifest): BackupSummary {
  return { name, ...facts, files: files.length };
}

function isFile(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, sha256 } = value as Partial<BackupFile>; // each is checked
  return (
    typeof path === 'string' && isInside(path) && typeof bytes === 'number' && typeof sha256 === 'string'
  );
}

/** A manifest comes from anywhere: it must not lead out of its directory. */
function isInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && !normalize(path).split(sep).includes('..');
}

function broken(message: string): BridgeError {
  return new BridgeError('BRG_BACKUP', message);
}
