/** Databases of a data directory that are no shard's, and which others have open: who connects, and MQTT sessions. */
import Database from 'better-sqlite3';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { copyDatabase } from './copy-database.ts';
import { IDENTITY_FILE } from './identity-store.ts';
import { SESSIONS_FILE } from './session-database.ts';

/** In the order in which they are copied. */
export const SHARED_FILES: readonly string[] = [IDENTITY_FILE, SESSIONS_FILE];

/** Copies those there are; answers their names. @throws BridgeError BRG_DISK_FULL, BRG_STORE */
export async function copyShared(dataDir: string, directory: string): Promise<string[]> {
  const names = SHARED_FILES.filter((name) => existsSync(join(dataDir, name)));
  for (const name of names) {
    const db = new Database(join(dataDir, name), { readonly: true, fileMustExist: true });
    try {
      await copyDatabase(() => db, join(directory, name));
    } finally {
      db.close();
    }
    chmodSync(join(directory, name), statSync(join(dataDir, name)).mode); // secrets stay their owner's
  }
  return names;
}
