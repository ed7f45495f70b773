/**
 * The files of heavy agents: `agents/<model>/<xx>/<id>.db`. Keeps a bounded number of them open, makes and
 * deletes them, and knows which were written since the last checkpoint.
 *
 * I1 A new file is complete and on the disk before anybody relies on it.
 * I2 One AgentFile per path; an earlier one of the path is gone for good.
 */
import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { AGENT_FILE_SCHEMA, AgentFile } from './agent-file.ts';
import { storeError } from './database.ts';
import type { AgentRow } from './shard-store.ts';
import { makeDirectory, syncPath } from './sync-path.ts';

export class AgentFiles {
  /** Bytes an author may fill in one file. */
  readonly bytesMax: number;
  readonly #directory: string;
  readonly #openMax: number;
  /** By path: files of agents awake, and all that are open. */
  readonly #known = new Map<string, AgentFile>();
  /** Open ones, the least recently used first. */
  readonly #open = new Set<AgentFile>();
  #lastUsed: AgentFile | undefined;
  readonly #held = new Set<AgentFile>();
  readonly #writing = new Set<AgentFile>();
  /** Files being copied, and how often: they stay open. */
  readonly #pins = new Map<AgentFile, number>();
  /** Told of each new file while a backup is made. */
  onCreated: ((row: AgentRow, cells: ReadonlyMap<string, string>) => void) | undefined;

  /** @param directory `agents` in the data directory; it comes into being with the first file */
  constructor(directory: string, bytesMax: number, openMax = filesOpenMax(1)) {
    this.#directory = directory;
    this.bytesMax = bytesMax;
    this.#openMax = openMax;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Whether so many transactions are under way that they should be committed before more begin. */
  get isCrowded(): boolean {
    return this.#writing.size >= this.#openMax / 2;
  }

  /** The file of an agent that has one; it stays known until `release`. */
  hold(address: AgentAddress): AgentFile {
    const path = this.path(address);
    let file = this.#known.get(path);
    if (file === undefined) this.#known.set(path, (file = new AgentFile(address, path, this)));
    this.#held.add(file);
    return file;
  }

  /** Its agent has left memory; it may stay open for the next time. */
  release(file: AgentFile): void {
    this.#held.delete(file);
    if (!file.isOpen && !this.#pins.has(file)) this.#forget(file);
  }

  /** The file of an agent that has one, which stays open until `unpin`. */
  pin(address: AgentAddress): AgentFile {
    const path = this.path(address);
    let file = this.#known.get(path);
    if (file === undefined) this.#known.set(path, (file = new AgentFile(address, path, this)));
    this.#pins.set(file, (this.#pins.get(file) ?? 0) + 1);
    return file;
  }

  unpin(file: AgentFile): void {
    const left = (this.#pins.get(file) ?? 1) - 1;
    if (left > 0) this.#pins.set(file, left);
    else this.#pins.delete(file);
    if (left === 0 && !file.isOpen && !this.#held.has(file)) this.#forget(file);
  }

  /** Makes the file of a light agent from what is committed of it. What lay there is replaced. */
  create(row: AgentRow, cells: ReadonlyMap<string, string>): AgentFile {
    const path = this.path(row);
    this.#leave(this.#known.get(path));
    try {
      makeDirectory(dirname(path));
      removeDatabase(path);
      writeNewFile(path, row, cells);
    } catch (error) {
      throw storeError(error, path);
    }
    this.onCreated?.(row, cells);
    return this.hold({ model: row.model, id: row.id });
  }

  /** Moves a complete file to where that of the agent belongs. What lay there is gone. */
  install(address: AgentAddress, from: string): void {
    const path = this.path(address);
    this.#leave(this.#known.get(path));
    makeDirectory(dirname(path));
    removeDatabase(path);
    renameSync(from, path);
    syncPath(dirname(path));
  }

  /** Deletes what lies where the file of an agent would: it has none. */
  clear(address: AgentAddress): void {
    const path = this.path(address);
    this.#leave(this.#known.get(path));
    removeDatabase(path);
  }

  /** Deletes the agent's file, unless another agent has its path by now. */
  remove(file: AgentFile): void {
    if (file.isGone) return;
    this.#leave(file);
    removeDatabase(file.path);
  }

  /** Puts a file aside that cannot be read, for people to look at. Returns its new path. */
  quarantine(file: AgentFile, nowMs: number): string {
    this.#leave(file);
    const aside = `${file.path}.damaged-${nowMs}`;
    if (existsSync(file.path)) renameSync(file.path, aside);
    removeDatabase(file.path);
    return aside;
  }

  /** A transaction of `file` has begun, or ended. */
  writes(file: AgentFile, isWriting: boolean): void {
    if (isWriting) this.#writing.add(file);
    else this.#writing.delete(file);
  }

  /** `file` was used. */
  used(file: AgentFile): void {
    // Each statement comes here, and most belong to the file of the one before.
    if (file === this.#lastUsed && this.#open.has(file)) return;
    this.#lastUsed = file;
    this.#open.delete(file);
    this.#open.add(file);
  }

  /** Closes the least recently used file when as many are open as may be. @throws BridgeError BRG_BUSY */
  makeRoom(): void {
    if (this.#open.size < this.#openMax) return;
    for (const file of this.#open) {
      if (file.isWriting || this.#pins.has(file)) continue;
      this.#close(file);
      return;
    }
    // Turns that wait for something hold their transactions open.
    if (this.#open.size < 2 * this.#openMax) return;
    throw new BridgeError('BRG_BUSY', `${this.#open.size} agents are in the middle of a write`);
  }

  closeAll(): void {
    for (const file of this.#open) this.#close(file);
  }

  /** `agents/<model>/<xx>/<id>.db` below the data directory. */
  path(address: AgentAddress): string {
    return join(this.#directory, agentFilePath(address));
  }

  #close(file: AgentFile): void {
    file.close();
    this.#open.delete(file);
    if (!this.#held.has(file) && !this.#pins.has(file)) this.#forget(file);
  }

  #leave(file: AgentFile | undefined): void {
    if (file === undefined) return;
    file.leavePath();
    this.#open.delete(file);
    this.#held.delete(file);
    this.#forget(file);
  }

  #forget(file: AgentFile): void {
    if (this.#known.get(file.path) === file) this.#known.delete(file.path);
  }
}

/** `<model>/<xx>/<id>.db` */
export function agentFilePath({ model, id }: AgentAddress): string {
  const fan = createHash('sha1').update(id).digest('hex').slice(0, 2);
  return join(model, fan, `${fileName(id)}.db`);
}

/** Letters that differ only in case, and names Windows keeps for itself, must not meet in one file. */
function fileName(id: string): string {
  const safe = id.replace(/[^a-z0-9._~-]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(safe))
    return `%${safe.charCodeAt(0).toString(16)}${safe.slice(1)}`;
  if (safe.length <= 200) return safe;
  return `%%${createHash('sha256').update(id).digest('hex')}`;
}

/** Files that each of so many shards may have open: `limits.agentFilesOpenMax`, or an eighth of what the process may open. */
export function filesOpenMax(shards: number): number {
  let descriptors = Infinity;
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    if (line?.[1] !== undefined) descriptors = Number(line[1]);
  } catch {
    // Not Linux: there the limit is high or unknown.
  }
  // Two descriptors a file; the rest is for connections.
  return Math.max(4, Math.min(limits.agentFilesOpenMax, Math.floor(descriptors / 16 / shards)));
}

/** Writes the file of an agent with these documents; it is on the disk then. @throws SqliteError */
export function writeNewFile(path: string, row: AgentRow, cells: ReadonlyMap<string, string>): void {
  const db = new Database(path);
  try {
    // Nobody relies on it before the fsync below, so that SQLite need not make one for each step.
    db.pragma('synchronous=OFF');
    db.pragma('journal_mode=WAL');
    db.transaction(() => {
      db.exec(AGENT_FILE_SCHEMA);
      const { model, id, presence, lastSeenMs, messages, rejected, appliedSequence, alarmAtMs, createdAtMs } =
        row;
      db.prepare('INSERT INTO mooring_agent VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
        model,
        id,
        presence,
        lastSeenMs,
        messages,
        rejected,
        appliedSequence,
        alarmAtMs,
        createdAtMs,
      );
      const insert = db.prepare('INSERT INTO mooring_cells(name, value) VALUES(?, ?)');
      for (const [name, value] of cells) insert.run(name, value);
    })();
  } finally {
    db.close();
  }
  syncPath(path);
  syncPath(dirname(path));
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}
