/**
 * A consistent copy of everything, made while it works. Each shard copies its own; the first one does the rest.
 *
 *   each shard: agents' files -> shard.db; then what is shared -> journal.db -> checksums -> manifest, and the directory
 *   gets its name
 *
 * I1 Files are copied before shard.db, so in the copy each is as old as shard.db or older: what it lacks is in
 *    the journal, and its row says so (`file = 2`). A start on the copy replays it, as after a crash.
 *    Newer ones would lose the history between them and shard.db.
 * I2 An agent that becomes heavy meanwhile has the file it began with in the copy.
 * I3 The journal is not trimmed meanwhile and is copied last: everything acknowledged before is in it.
 * I4 Sessions are copied before the journal: a QoS 2 packet that they know is in it.
 * I5 A backup that fails, or whose process ends, leaves a directory `*.part` at most, which the next start removes.
 */
import Database from 'better-sqlite3';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { addressKey, type AgentAddress } from '../base/address.ts';
import type { BridgeError } from '../base/errors.ts';
import { asBridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentFile } from './agent-file.ts';
import { agentFilePath, writeNewFile, type AgentFiles } from './agent-files.ts';
import type { BackupJournal, BackupPart } from './backup-part.ts';
import {
  BACKUP_FORMAT,
  hashFile,
  MANIFEST,
  type BackupFile,
  type BackupManifest,
} from './backup-manifest.ts';
import { copyDatabase, fileError, syncFile } from './copy-database.ts';
import { copyShared } from './backup-shared.ts';
import { LAYOUT, shardFile, writeLayout } from './layout.ts';
import type { AgentRow } from './shard-store.ts';

/** How far it is. */
export interface BackupProgress {
  readonly phase: 'agents' | 'shard' | 'journal' | 'checksums';
  readonly files: number;
  readonly bytes: number;
  /** What it will be, as far as it is known. */
  readonly bytesTotal: number;
}

/** What a backup is made of. */
export interface BackupParts {
  /** Number of the shard. */
  readonly shard: number;
  readonly db: Database.Database;
  readonly directory: AgentDirectory;
  readonly files: AgentFiles;
  readonly dataDir: string;
}

/** Copied entries, with the keys of agents. */
interface Copied {
  readonly key: number;
  readonly path: string;
}

/** One backup, into an empty directory. */
export class BackupRun {
  readonly #parts: BackupParts;
  readonly #directory: string;
  readonly #onProgress: (progress: BackupProgress) => void;
  /** Agents' files in the copy. Of two agents of one address the later one is there. */
  readonly #copied = new Map<string, Copied>();
  readonly #unreadable: string[] = [];
  #failure: BridgeError | undefined;
  #phase: BackupProgress['phase'] = 'agents';
  #bytes = 0;
  #bytesTotal: number;

  constructor(parts: BackupParts, directory: string, onProgress: (progress: BackupProgress) => void) {
    this.#parts = parts;
    this.#directory = directory;
    this.#onProgress = onProgress;
    this.#bytesTotal = Number(parts.db.pragma('page_count', { simple: true })) * 4096;
  }

  async run(journal: BackupJournal, clock: { now(): number }): Promise<BackupManifest> {
    const startedAtMs = clock.now();
    const own = await this.part();
    const others: BackupPart[] = [];
    for (const copy of journal.others ?? []) {
      const part = await copy(this.#directory);
      others.push(part);
      this.#at(this.#bytes + part.bytes);
    }
    const parts = [own, ...others];
    const shared = await copyShared(this.#parts.dataDir, this.#directory);
    this.#begin('journal', journal.sizeBytes());
    const copy = await journal.copy(join(this.#directory, 'journal.db'), () => clock.now());
    this.#bytes += copy.bytes;
    if (parts.length > 1) writeLayout(this.#directory, parts.length);
    const layout = parts.length > 1 ? [LAYOUT] : [];
    const paths = parts.flatMap((part) => part.paths);
    const files = await this.#checksums([...paths, ...shared, 'journal.db', ...layout]);
    const sum = (count: (part: BackupPart) => number): number =>
      parts.reduce((all, part) => all + count(part), 0);
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      startedAtMs,
      throughMs: copy.throughMs,
      journalSequence: copy.lastSequence,
      agents: sum(({ agents }) => agents),
      heavyAgents: sum(({ heavyAgents }) => heavyAgents),
      unreadable: parts.flatMap(({ unreadable }) => unreadable),
      bytes: files.reduce((all, file) => all + file.bytes, 0),
      files,
    };
    await writeFile(join(this.#directory, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`, {
      flush: true,
    });
    await this.#syncDirectories(files);
    return manifest;
  }

  /** Copies what this shard has. */
  async part(): Promise<BackupPart> {
    this.#parts.files.onCreated = (row, cells) => this.#created(row, cells);
    await mkdir(join(this.#directory, 'agents'), { recursive: true });
    await this.#copyAgents();
    const agents = await this.#copyShard();
    const files = [...this.#copied.values()].map(({ path }) => this.#relative(path));
    return {
      agents,
      heavyAgents: files.length,
      unreadable: this.#unreadable,
      paths: [shardFile(this.#parts.shard), ...files],
      bytes: this.#bytes,
    };
  }

  async #copyAgents(): Promise<void> {
    const { directory } = this.#parts;
    const last = directory.maxKey();
    for (let from = 0; from < last; from += limits.backupKeysPerStep) {
      for (const agent of directory.heavyBetween(from, from + limits.backupKeysPerStep)) {
        await this.#copyAgent(agent);
      }
      await new Promise((resume) => setImmediate(resume));
    }
  }

  async #copyAgent({ key, ...address }: AgentAddress & { key: number }): Promise<void> {
    const { files } = this.#parts;
    const path = this.#pathOf(address);
    const own = `${path}.${key}`;
    const before = this.#bytes;
    const file = files.pin(address);
    try {
      if (!isReadable(file)) {
        this.#unreadable.push(addressKey(address));
        return;
      }
      await mkdir(dirname(path), { recursive: true });
      await copyDatabase(() => file.open(), own, { onBytes: (done) => this.#at(before + done) });
      const bytes = (await stat(own)).size;
      // It may have been forgotten, and another one of its address have got a file (`#created`).
      if (file.isGone || !this.#keep(addressKey(address), key, own, path)) await rm(own);
      this.#at(before + bytes);
    } catch (error) {
      this.#bytes = before;
      if (!file.isGone) throw error;
    } finally {
      files.unpin(file);
    }
  }

  /** False: another agent has the address by now, and its file is in the copy. */
  #keep(address: string, key: number, own: string, path: string): boolean {
    const other = this.#copied.get(address);
    if (other !== undefined && other.key > key) return false;
    renameSync(own, path);
    this.#copied.set(address, { key, path });
    return true;
  }

  /** An agent becomes heavy. Within its turn, which must not fail for the backup's sake. */
  #created(row: AgentRow, cells: ReadonlyMap<string, string>): void {
    try {
      const path = this.#pathOf(row);
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      writeNewFile(path, row, cells);
      this.#copied.set(addressKey(row), { key: row.key, path });
    } catch (error) {
      this.#failure ??= fileError(error, this.#directory);
    }
  }

  /** Answers how many agents there are. */
  async #copyShard(): Promise<number> {
    this.#begin('shard', Number(this.#parts.db.pragma('page_count', { simple: true })) * 4096);
    const path = join(this.#directory, shardFile(this.#parts.shard));
    const before = this.#bytes;
    const onTaken = (): void => void (this.#parts.files.onCreated = undefined);
    const onBytes = (done: number): void => this.#at(before + done);
    await copyDatabase(() => this.#parts.db, path, { onTaken, onBytes });
    if (this.#failure !== undefined) throw this.#failure;
    const copy = new Database(path, { fileMustExist: true });
    try {
      copy.pragma('synchronous=OFF');
      await this.#mark(copy);
      return Number(copy.prepare('SELECT count(*) FROM agents').pluck().get());
    } finally {
      copy.close();
      await syncFile(path);
    }
  }

  /** Every file may be older than its row; one without a row is nobody's. */
  async #mark(copy: Database.Database): Promise<void> {
    const mark = copy.prepare('UPDATE agents SET file = 2 WHERE key = ? AND file <> 0');
    const all = [...this.#copied];
    for (let start = 0; start < all.length; start += limits.retentionAgentsPerStep) {
      const strays: string[] = [];
      copy.transaction(() => {
        for (const [address, { key, path }] of all.slice(start, start + limits.retentionAgentsPerStep)) {
          if (mark.run(key).changes > 0) continue;
          this.#copied.delete(address);
          strays.push(path);
        }
      })();
      for (const path of strays) await rm(path, { force: true });
      await new Promise((resume) => setImmediate(resume));
    }
  }

  async #checksums(paths: readonly string[]): Promise<BackupFile[]> {
    this.#begin('checksums', 0);
    const files: BackupFile[] = [];
    for (const path of paths) {
      const full = join(this.#directory, path);
      const { size } = await stat(full);
      files.push({ path: path.replaceAll(sep, '/'), bytes: size, sha256: await hashFile(full) });
    }
    return files;
  }

  /** New entries of directories are on the disk too. */
  async #syncDirectories(files: readonly BackupFile[]): Promise<void> {
    const directories = new Set([this.#directory, join(this.#directory, 'agents')]);
    for (const { path } of files) {
      if (!path.startsWith('agents/')) continue;
      const fan = dirname(join(this.#directory, path));
      directories.add(fan).add(dirname(fan));
    }
    for (const directory of directories) await syncFile(directory);
  }

  #begin(phase: BackupProgress['phase'], bytes: number): void {
    this.#phase = phase;
    this.#bytesTotal = Math.max(this.#bytesTotal, this.#bytes + bytes);
    this.#at(this.#bytes);
  }

  #at(bytes: number): void {
    this.#bytes = bytes;
    const bytesTotal = Math.max(this.#bytesTotal, bytes);
    this.#onProgress({ phase: this.#phase, files: this.#copied.size, bytes, bytesTotal });
  }

  #pathOf(address: AgentAddress): string {
    return join(this.#directory, 'agents', agentFilePath(address));
  }

  #relative(path: string): string {
    return path.slice(this.#directory.length + 1);
  }
}

/** The file itself is at fault: its agent would begin anew when it wakes. The others are worth a backup. */
function isReadable(file: AgentFile): boolean {
  try {
    file.open().pragma('schema_version');
    return true;
  } catch (error) {
    if (asBridgeError(error).code === 'BRG_BUSY') throw error;
    return false;
  }
}
