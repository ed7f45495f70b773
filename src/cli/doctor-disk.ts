/** Whether the data directory can hold a journal: writable, on a fit file system, with room, and how fast. */
import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdtempSync, openSync } from 'node:fs';
import { rmSync, statSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Check } from './doctor.ts';

const FSYNCS = 50;
/** Bytes of one write: a page of the journal with a small batch. */
const WRITE_BYTES = 16_384;
/** The journal and its WAL alone may take some hundred MB before they are trimmed. */
const SPACE_FAIL_BYTES = 100 * 2 ** 20;
const SPACE_WARN_BYTES = 2 * 2 ** 30;
const FSYNC_WARN_MS = 20;

/** Numbers of `statfs(2)`: SQLite's WAL needs shared memory and locks that these do not have. */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x517b: 'SMB',
};
const VOLATILE_FILE_SYSTEMS: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' };

export async function checkDataDir(dataDir: string): Promise<Check[]> {
  const place = existingPlace(dataDir);
  const writable = checkWritable(dataDir, place);
  if (writable.status === 'fail') return [writable];
  return [writable, await checkSpace(place), await checkFileSystem(place), checkFsync(place)];
}

/** The directory, or the nearest one above it that exists: that is where it will be made. */
function existingPlace(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingPlace(dirname(path));
}

function checkWritable(dataDir: string, place: string): Check {
  const name = 'data directory';
  try {
    if (!statSync(place).isDirectory()) throw new Error(`${place} is a file`);
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
    rmSync(mkdtempSync(join(place, '.mooring-doctor-')), { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const fix = 'set MOORING_DATA_DIR to a directory this user may write, or change its owner (chown)';
    return { name, status: 'fail', text: `${dataDir} cannot be written: ${reason}`, fix };
  }
  return {
    name,
    status: 'ok',
    text: place === dataDir ? `${dataDir} is writable` : `${dataDir} can be made`,
  };
}

async function checkSpace(place: string): Promise<Check> {
  const { bavail, bsize } = await statfs(place);
  const bytes = bavail * bsize;
  const text = `${(bytes / 2 ** 30).toFixed(1)} GiB free`;
  const fix = 'free some space, or set MOORING_DATA_DIR to a larger disk: a full one stops acknowledgements';
  if (bytes < SPACE_FAIL_BYTES) return { name: 'disk space', status: 'fail', text, fix };
  if (bytes < SPACE_WARN_BYTES) return { name: 'disk space', status: 'warn', text, fix };
  return { name: 'disk space', status: 'ok', text };
}

async function checkFileSystem(place: string): Promise<Check> {
  const name = 'file system';
  const { type } = await statfs(place);
  const network = NETWORK_FILE_SYSTEMS[type];
  if (network !== undefined) {
    const fix = 'set MOORING_DATA_DIR to a local disk';
    return { name, status: 'fail', text: `${network}: SQLite in WAL mode does not work over a network`, fix };
  }
  const volatile = VOLATILE_FILE_SYSTEMS[type];
  if (volatile !== undefined) {
    const fix = 'set MOORING_DATA_DIR to a directory on a disk, unless this is a test';
    return { name, status: 'warn', text: `${volatile}: everything is lost when the machine stops`, fix };
  }
  return { name, status: 'ok', text: 'local' };
}

function checkFsync(place: string): Check {
  const name = 'fsync';
  const directory = mkdtempSync(join(place, '.mooring-doctor-'));
  try {
    const timesMs = measureFsync(join(directory, 'fsync')).sort((a, b) => a - b);
    const p50 = timesMs[Math.floor(timesMs.length * 0.5)] ?? 0;
    const p99 = timesMs[Math.floor(timesMs.length * 0.99)] ?? 0;
    const text =
      `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms: a QoS 1 message waits one to two of them for its PUBACK; ` +
      'messages that come meanwhile share one';
    const fix =
      'use an SSD, or a disk nobody else writes to; devices then need not wait that long for a PUBACK';
    return p50 > FSYNC_WARN_MS ? { name, status: 'warn', text, fix } : { name, status: 'ok', text };
  } catch (error) {
    const fix = 'set MOORING_DATA_DIR to another disk: on this one nothing can be acknowledged';
    return { name, status: 'fail', text: error instanceof Error ? error.message : String(error), fix };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Times of appending fsyncs in ms: what a commit of the journal costs here. */
function measureFsync(path: string): number[] {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(WRITE_BYTES, 1);
  try {
    return Array.from({ length: FSYNCS }, () => {
      writeSync(file, block);
      const startMs = performance.now();
      fsyncSync(file);
      return performance.now() - startMs;
    });
  } finally {
    closeSync(file);
  }
}
