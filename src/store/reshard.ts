/**
 * Moves the rows of a data directory on which no bridge runs to another number of shards.
 *
 *   checked -> rows written into `reshard.part/` -> renamed `reshard.ready/` -> old files aside, new ones in place
 *
 * I1 The journal is applied: what a record in it meant for its agent would have to be found in another shard.
 * I2 Nothing of the directory is touched before all new files are complete and on the disk. From then on the move
 *    is finished, however often the machine ends in its middle; a bridge does not start before (`isHalfMoved`).
 * I3 The old files are moved into a directory of their own, never deleted. Agents' own files stay where they are.
 */
import Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import { backupName } from './backup-manifest.ts';
import { fileError } from './copy-database.ts';
import { Journal } from './journal.ts';
import { diaryFile, LAYOUT, shardFile, shardsOf, writeLayout } from './layout.ts';
import { migrateShard } from './shard-schema.ts';
import { makeDirectory, syncPath } from './sync-path.ts';

const STAGE = 'reshard.part';
const READY = 'reshard.ready';
const PLAN = 'plan.json';

interface Plan {
  /** Where the old files go. */
  readonly aside: string;
  readonly old: readonly string[];
}

export interface Resharded {
  readonly from: number;
  readonly to: number;
  readonly agents: number;
  /** Where the old rows are now; null: nothing had to be done. */
  readonly aside: string | null;
}

export interface ReshardOptions {
  /** The shard of an address, of so many. */
  readonly shardOf: (key: string, shards: number) => number;
  readonly nowMs: number;
  /** Told how many files of how many are read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Whether a move ended in its middle. */
export function isHalfMoved(dataDir: string): boolean {
  return existsSync(join(dataDir, READY));
}

/** @throws BridgeError BRG_SHARDS, BRG_DATA_DIR, BRG_DISK_FULL, BRG_STORE */
export function reshard(dataDir: string, shards: number, options: ReshardOptions): Resharded {
  if (!existsSync(join(dataDir, 'journal.db')))
    throw new BridgeError(
      'BRG_DATA_DIR',
      `${dataDir} has no agents: a bridge makes what it needs at its start`,
    );
  // Held until the end: a bridge that starts meanwhile says that the directory is in use.
  const journal = new Journal(join(dataDir, 'journal.db'));
  try {
    if (isHalfMoved(dataDir)) finish(dataDir);
    const from = shardsOf(dataDir) ?? 1;
    if (from === shards) return { from, to: shards, agents: 0, aside: null };
    for (let shard = 0; shard < from; shard++) checkApplied(dataDir, shard, journal);
    const agents = stage(dataDir, { from, to: shards, last: journal.nextSequence - 1 }, options);
    const aside = `before-reshard-${backupName(options.nowMs)}`;
    const names = Array.from({ length: from }, (_, shard) => [shardFile(shard), diaryFile(shard)]).flat();
    const old = [...names, LAYOUT].filter((name) => existsSync(join(dataDir, name)));
    writeFileSync(join(dataDir, STAGE, PLAN), JSON.stringify({ aside, old } satisfies Plan), { flush: true });
    syncPath(join(dataDir, STAGE));
    renameSync(join(dataDir, STAGE), join(dataDir, READY));
    syncPath(dataDir);
    finish(dataDir);
    // Not before: what is left of it is said to be of the first shard, whose old rows know nothing of it.
    journal.keepLast();
    return { from, to: shards, agents, aside: join(dataDir, aside) };
  } catch (error) {
    throw fileError(error, dataDir);
  } finally {
    journal.close();
  }
}

/** Each step may have been done before. */
function finish(dataDir: string): void {
  const ready = join(dataDir, READY);
  const plan = JSON.parse(readFileSync(join(ready, PLAN), 'utf8')) as Plan; // written by `reshard`
  const aside = join(dataDir, plan.aside);
  makeDirectory(aside);
  for (const name of plan.old) {
    // A new file of this name is moved only when the old one is there.
    if (!existsSync(join(aside, name))) renameSync(join(dataDir, name), join(aside, name));
  }
  syncPath(aside);
  syncPath(dataDir);
  for (const name of readdirSync(ready)) {
    if (name !== PLAN) renameSync(join(ready, name), join(dataDir, name));
  }
  syncPath(dataDir);
  rmSync(ready, { recursive: true });
  syncPath(dataDir);
}

/** @throws BridgeError BRG_SHARDS when the shard has something to do yet that a start does */
function checkApplied(dataDir: string, shard: number, journal: Journal): void {
  const path = join(dataDir, shardFile(shard));
  const db = new Database(path, { fileMustExist: true });
  try {
    migrateShard(db, path);
    const watermark = Number(
      db.prepare("SELECT value FROM meta WHERE name = 'watermark'").pluck().get() ?? 0,
    );
    const left = journal.countAfter(watermark, shard);
    const unsynced = db.prepare('SELECT count(*) FROM agents WHERE file = 2').pluck().get() as number;
    const notes = db.prepare("SELECT count(*) FROM meta WHERE name GLOB 'install:*'").pluck().get() as number;
    if (left + unsynced + notes === 0) return;
  } finally {
    // The last one to close brings the WAL into the file.
    db.close();
  }
  const message = `${dataDir} was not left by a stop: start a bridge on it once, without MOORING_SHARDS, and end it with SIGTERM or Ctrl-C`;
  throw new BridgeError('BRG_SHARDS', message);
}

interface Move {
  readonly from: number;
  readonly to: number;
  /** Sequence number of the last message of the journal. */
  readonly last: number;
}

/** Writes the new files; answers how many agents there are. */
function stage(dataDir: string, move: Move, { shardOf, onProgress }: ReshardOptions): number {
  const directory = join(dataDir, STAGE);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  let agents = 0;
  for (let to = 0; to < move.to; to++) {
    const path = join(directory, shardFile(to));
    const db = new Database(path);
    try {
      // Nobody relies on it before the fsync below.
      db.pragma('synchronous=OFF');
      db.pragma('page_size=4096');
      db.function('is_here', { deterministic: true }, (key) =>
        shardOf(String(key), move.to) === to ? 1 : 0,
      );
      migrateShard(db, path);
      for (let from = 0; from < move.from; from++) {
        copyRows(db, join(dataDir, shardFile(from)));
        onProgress?.(to * move.from + from + 1, move.to * move.from);
      }
      db.prepare("INSERT INTO meta(name, value) VALUES('watermark', ?)").run(move.last);
      agents += db.prepare('SELECT count(*) FROM agents').pluck().get() as number;
    } finally {
      db.close();
    }
    syncPath(path);
  }
  writeLayout(directory, move.to);
  return agents;
}

/** Keys of agents are those of their shard: in the new one each gets a higher one than those before. */
function copyRows(db: Database.Database, old: string): void {
  db.prepare('ATTACH ? AS old').run(old);
  const shift = db.prepare('SELECT coalesce(max(key), 0) FROM agents').pluck().get() as number;
  const columns = 'model, id, presence, last_seen, messages, rejected, applied, alarm_at, created_at, file';
  const here = "SELECT key FROM old.agents WHERE is_here(model || '/' || id)";
  db.transaction(() => {
    db.exec(`CREATE TEMP TABLE here AS ${here}`);
    db.exec('CREATE UNIQUE INDEX temp.here_key ON here(key)');
    const agents = `INSERT INTO main.agents(key, ${columns}) SELECT a.key + ?, ${columns} FROM old.agents AS a JOIN here USING(key)`;
    db.prepare(agents).run(shift);
    const cells = `INSERT INTO main.cells(agent, name, value) SELECT agent + ?, name, value FROM old.cells JOIN here ON key = agent`;
    db.prepare(cells).run(shift);
    const block = 'width_ms, first_ms, history.id, last_ms, points, metrics, block';
    const history = `INSERT INTO main.history(agent, ${block.replace('history.', '')}) SELECT agent + ?, ${block} FROM old.history AS history JOIN here ON key = agent`;
    db.prepare(history).run(shift);
    // What upkeep has moved into blocks is in them.
    const recent = `INSERT INTO main.history_recent(agent, metrics, block) SELECT r.agent + ?, metrics, block FROM old.history_recent AS r
      JOIN here ON key = r.agent LEFT JOIN old.history_moved AS m ON m.agent = r.agent
      WHERE m.agent IS NULL OR r.id > m.through ORDER BY r.id`;
    db.prepare(recent).run(shift);
    db.exec('INSERT INTO main.audit SELECT * FROM old.audit WHERE is_here(address)');
    db.exec('DROP TABLE here');
  })();
  db.exec('DETACH old');
}
