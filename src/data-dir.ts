/** The data directory before a bridge runs on it. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { BridgeError } from './base/errors.ts';
import { isHalfMoved, isHalfRestored, shardsOf, syncPath, writeLayout } from './store/index.ts';

/** Like mkdir -p. Node's own `recursive` never ends where a parent cannot be made, below /proc for one. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  makeDirectories(dirname(path));
  mkdirSync(path);
  // Else a power loss takes it away again, with everything in it that was acknowledged.
  syncPath(dirname(path));
}

/** Makes it where it is missing. @throws BridgeError BRG_DATA_DIR when a bridge cannot run on it */
export function prepareDataDir(dataDir: string): void {
  try {
    makeDirectories(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    if (isHalfRestored(dataDir))
      throw new Error('a restore ended in its middle: restore again, with --force');
    if (isHalfMoved(dataDir)) throw new Error('`mooring reshard` ended in its middle: run it again');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BridgeError(
      'BRG_DATA_DIR',
      `the data directory ${dataDir} cannot be written (${reason}); change MOORING_DATA_DIR or its owner`,
      { cause: error },
    );
  }
}

/** How many shards there are: as many as the directory is for, or will be from now on. @throws BridgeError BRG_SHARDS */
export function placeShards(dataDir: string, wanted: number | null): number {
  const found = shardsOf(dataDir);
  const shards = wanted === null || wanted === 0 ? (found ?? 1) : wanted;
  if (found === undefined && shards > 1) writeLayout(dataDir, shards);
  if (found === undefined || found === shards) return shards;
  const message = `${dataDir} is for ${found} shards, not for ${shards}: leave MOORING_SHARDS away, or move the agents with \`mooring reshard ${shards}\``;
  throw new BridgeError('BRG_SHARDS', message);
}
