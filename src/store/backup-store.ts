/** The backups of a data directory: makes them one at a time, lists and deletes them. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BridgeError } from '../base/errors.ts';
import type { BackupJournal, BackupPart } from './backup-part.ts';
import { BackupRun, type BackupParts, type BackupProgress } from './backup.ts';
import { backupName, listBackups, PARTIAL_SUFFIX, summaryOf, type BackupSummary } from './backup-manifest.ts';
import { fileError, syncFile } from './copy-database.ts';

export class BackupStore {
  readonly #parts: BackupParts;
  readonly #directory: string;
  #isRunning = false;

  /** @param directory where backups are kept */
  constructor(parts: BackupParts, directory: string) {
    this.#parts = parts;
    this.#directory = directory;
    // That of another shard's backup may be under way.
    if (parts.shard === 0) this.#removePartial();
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get directory(): string {
    return this.#directory;
  }

  /** Complete ones, newest first. */
  list(): BackupSummary[] {
    return listBackups(this.#directory);
  }

  /** Deletes all but the newest; answers their names. @throws BridgeError BRG_STORE */
  async prune(kept: number): Promise<string[]> {
    const names = this.list()
      .slice(kept)
      .map(({ name }) => name);
    for (const name of names) {
      const path = join(this.#directory, name);
      // One that is half deleted must not be taken for a backup.
      await rename(path, path + PARTIAL_SUFFIX).then(
        () => rm(path + PARTIAL_SUFFIX, { recursive: true, force: true }),
        (error: unknown) => Promise.reject(fileError(error, path)),
      );
    }
    return names;
  }

  /**
   * Makes one. @throws BridgeError BRG_BACKUP_RUNNING, BRG_DISK_FULL, BRG_STORE; nothing of it is left then
   */
  async run(
    journal: BackupJournal,
    clock: { now(): number },
    onProgress: (progress: BackupProgress) => void,
  ): Promise<BackupSummary> {
    if (this.#isRunning)
      throw new BridgeError('BRG_BACKUP_RUNNING', 'one backup at a time: wait until it has ended');
    this.#isRunning = true;
    const release = await journal.hold();
    const name = backupName(clock.now());
    const path = join(this.#directory, name);
    const partial = path + PARTIAL_SUFFIX;
    try {
      mkdirSync(partial, { recursive: true });
      const manifest = await new BackupRun(this.#parts, partial, onProgress).run(journal, clock);
      await rename(partial, path);
      await syncFile(this.#directory);
      return summaryOf(name, manifest);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw fileError(error, partial);
    } finally {
      this.#parts.files.onCreated = undefined;
      release();
      this.#isRunning = false;
    }
  }

  /** Copies this shard's part of a backup that another one makes; `partEnded` is called when all of it is done. */
  async part(directory: string): Promise<BackupPart> {
    this.#isRunning = true;
    try {
      return await new BackupRun(this.#parts, directory, () => {}).part();
    } catch (error) {
      throw fileError(error, directory);
    } finally {
      this.#parts.files.onCreated = undefined;
    }
  }

  partEnded(): void {
    this.#isRunning = false;
  }

  #removePartial(): void {
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith(PARTIAL_SUFFIX)) continue;
      // It may take its time. What fails is tried again by the next start.
      void rm(join(this.#directory, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
