/** Looks at a data directory on which no bridge runs, and changes nothing: what a start would find, and what is lost. */
import Database from 'better-sqlite3';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { agentFilePath } from './agent-files.ts';
import { SHARED_FILES } from './backup-shared.ts';
import { errorCode } from './database.ts';
import { diaryFile, shardFile, shardsOf } from './layout.ts';
import { checkWal, type WalTail } from './wal-tail.ts';

/** Messages of the journal that cannot be read. */
export interface DamagedEntry {
  readonly first: number;
  readonly count: number;
}

export interface JournalReport {
  readonly bytes: number;
  readonly wal: WalTail;
  readonly damaged: readonly DamagedEntry[];
  /** Not even its rows can be listed: why. */
  readonly unreadable: string | null;
  /** Messages that the next start applies. */
  readonly toReplay: number;
}

export interface ShardReport {
  readonly file: string;
  readonly agents: number;
  /** What SQLite finds wrong with it, some of it; empty when all is well. */
  readonly problems: readonly string[];
  /** Agents whose own files are not there: they begin anew. */
  readonly missing: readonly string[];
  /** Starts that ended in their replay. */
  readonly hasDiary: boolean;
}

/** A database that is no shard's. */
export interface SharedReport {
  readonly file: string;
  readonly problems: readonly string[];
}

export type DataReport =
  | { readonly kind: 'empty' }
  | { readonly kind: 'in-use' }
  | {
      readonly kind: 'checked';
      readonly journal: JournalReport;
      readonly shards: readonly ShardReport[];
      readonly shared: readonly SharedReport[];
    };

const PROBLEMS_MAX = 5;

/** @throws BridgeError BRG_DATA_VERSION */
export function checkData(dataDir: string): DataReport {
  const shards = shardsOf(dataDir);
  if (shards === undefined) return { kind: 'empty' };
  const journalPath = join(dataDir, 'journal.db');
  // Before anything opens it: SQLite drops what it cannot read.
  const wal = checkWal(`${journalPath}-wal`);
  if (isInUse(journalPath)) return { kind: 'in-use' };
  const watermarks: number[] = [];
  const reports = Array.from({ length: shards }, (_, shard) => {
    const { report, watermark } = checkShard(dataDir, shard);
    watermarks.push(watermark);
    return report;
  });
  const shared = SHARED_FILES.filter((file) => existsSync(join(dataDir, file))).map((file) => ({
    file,
    problems: checkFile(join(dataDir, file)),
  }));
  return { kind: 'checked', journal: checkJournal(journalPath, wal, watermarks), shards: reports, shared };
}

function checkFile(path: string): string[] {
  try {
    return reading(path, problemsOf);
  } catch (error) {
    return [messageOf(error)];
  }
}

/** What SQLite finds wrong with it, some of it. */
function problemsOf(db: Database.Database): string[] {
  const found = db.pragma(`quick_check(${PROBLEMS_MAX})`) as { quick_check: string }[]; // its column
  return found.map((row) => row.quick_check).filter((text) => text !== 'ok');
}

function isInUse(path: string): boolean {
  try {
    reading(path, (db) => db.pragma('schema_version'));
    return false;
  } catch (error) {
    return errorCode(error) === 'SQLITE_BUSY';
  }
}

function reading<T>(path: string, read: (db: Database.Database) => T): T {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 100 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

function checkJournal(path: string, wal: WalTail, watermarks: readonly number[]): JournalReport {
  const bytes = statSync(path).size;
  try {
    return reading(path, (db) => {
      const { damaged, whole } = readEntries(db);
      const toReplay = whole.reduce((sum, { first, count, shard }) => {
        const left = first + count - 1 - (watermarks[shard] ?? 0);
        return sum + Math.max(0, Math.min(count, left));
      }, 0);
      return { bytes, wal, damaged, unreadable: null, toReplay };
    });
  } catch (error) {
    return { bytes, wal, damaged: [], unreadable: messageOf(error), toReplay: 0 };
  }
}

interface Entry extends DamagedEntry {
  readonly shard: number;
}

/** All entries, sorted by whether they are what was written. @throws SqliteError when they cannot be listed */
export function readEntries(db: Database.Database): { damaged: readonly Entry[]; whole: readonly Entry[] } {
  const hasSums = (db.pragma('table_info(journal)') as { name: string }[]).some(({ name }) => name === 'crc'); // its columns
  const columns = hasSums ? 'first, count, shard' : 'first, count, 0 AS shard';
  const entries = db.prepare(`SELECT ${columns} FROM journal ORDER BY first`).all() as Entry[];
  const read = db.prepare(`SELECT batch, ${hasSums ? 'crc' : 'NULL AS crc'} FROM journal WHERE first = ?`);
  const isWhole = ({ first }: Entry): boolean => {
    try {
      const { batch, crc } = read.get(first) as { batch: Buffer; crc: number | null }; // just listed
      return crc === null || crc32(batch) === crc;
    } catch {
      return false;
    }
  };
  const whole = entries.filter(isWhole);
  return { whole, damaged: entries.filter((entry) => !whole.includes(entry)) };
}

function checkShard(dataDir: string, shard: number): { report: ShardReport; watermark: number } {
  const file = shardFile(shard);
  const hasDiary = existsSync(join(dataDir, diaryFile(shard)));
  const nothing = { file, agents: 0, missing: [], hasDiary };
  try {
    return reading(join(dataDir, file), (db) => {
      const problems = problemsOf(db);
      if (problems.length > 0) return { report: { ...nothing, problems }, watermark: 0 };
      const agents = db.prepare('SELECT count(*) FROM agents').pluck().get() as number;
      const heavy = db.prepare('SELECT model, id FROM agents WHERE file <> 0').all() as {
        model: string;
        id: string;
      }[];
      const missing = heavy
        .filter((address) => !existsSync(join(dataDir, 'agents', agentFilePath(address))))
        .map(({ model, id }) => `${model}/${id}`);
      const watermark = Number(
        db.prepare("SELECT value FROM meta WHERE name = 'watermark'").pluck().get() ?? 0,
      );
      return { report: { file, agents, problems, missing, hasDiary }, watermark };
    });
  } catch (error) {
    // A first start that ended early has not made it yet.
    const problems = existsSync(join(dataDir, file)) ? [messageOf(error)] : [];
    return { report: { ...nothing, problems }, watermark: 0 };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
