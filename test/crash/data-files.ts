/** Whether the files a bridge left are sound, as SQLite sees it. */
import Database from 'better-sqlite3';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What SQLite finds wrong with the databases of a data directory whose bridge has ended. */
export async function brokenFiles(dataDir: string): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true });
  return names.filter((name) => name.endsWith('.db')).flatMap((name) => brokenParts(join(dataDir, name)));
}

function brokenParts(path: string): string[] {
  const db = new Database(path);
  try {
    const found = db.pragma('integrity_check') as { integrity_check: string }[]; // SQLite documents it
    return found
      .filter((row) => row.integrity_check !== 'ok')
      .map((row) => `${path}: ${row.integrity_check}`);
  } finally {
    db.close();
  }
}
