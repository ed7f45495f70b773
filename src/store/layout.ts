/** Which files a data directory has, and for how many shards it is. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import { syncPath } from './sync-path.ts';

/** Without this file a directory is for one shard. */
export const LAYOUT = 'layout.json';
const FORMAT = 1;

/** Rows of a shard, below the data directory. */
export function shardFile(shard: number): string {
  return shard === 0 ? 'shard.db' : `shard-${shard}.db`;
}

/** How its replays went. */
export function diaryFile(shard: number): string {
  return shard === 0 ? 'replay.json' : `replay-${shard}.json`;
}

/** For how many shards the directory is; undefined for one that has no agents yet. @throws BridgeError BRG_DATA_VERSION */
export function shardsOf(dataDir: string): number | undefined {
  const path = join(dataDir, LAYOUT);
  if (!existsSync(path)) return existsSync(join(dataDir, 'journal.db')) ? 1 : undefined;
  let layout: { format?: unknown; shards?: unknown } = {};
  try {
    layout = JSON.parse(readFileSync(path, 'utf8')) as typeof layout; // checked below
  } catch {
    // Said below.
  }
  const { format, shards } = layout;
  if (format === FORMAT && typeof shards === 'number' && Number.isInteger(shards) && shards >= 1)
    return shards;
  throw new BridgeError('BRG_DATA_VERSION', `${path} is not what this program writes: use a newer one`);
}

/** Says for how many shards the directory is from now on; it is on the disk then. */
export function writeLayout(dataDir: string, shards: number): void {
  const path = join(dataDir, LAYOUT);
  const descriptor = openSync(`${path}.part`, 'w');
  try {
    writeSync(descriptor, `${JSON.stringify({ format: FORMAT, shards })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.part`, path);
  syncPath(dataDir);
}
