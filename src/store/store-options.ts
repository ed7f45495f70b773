import type Database from 'better-sqlite3';

export interface StoreOptions {
  /** Number of the shard, of so many in the process. */
  readonly shard?: number;
  readonly shards?: number;
  /** Bound of the file, for disks with a quota. */
  readonly pagesMax?: number;
  /** Bound of an agent's own file, and of how many are open. */
  readonly agentBytesMax?: number;
  readonly agentFilesOpenMax?: number;
  /** Opened by the caller; default: the one at the path. */
  readonly database?: Database.Database;
}
