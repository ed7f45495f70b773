/** What those that make a backup together say to each other. */
/** The journal, as a backup needs it. */
export interface BackupJournal {
  /** Keeps everything that is in it until the returned function is called. */
  hold(): (() => void) | Promise<() => void>;
  sizeBytes(): number;
  copy(path: string, now: () => number): Promise<JournalCopy>;
  /** Has each of the other shards that share it copy its own into a directory. */
  readonly others?: readonly ((directory: string) => Promise<BackupPart>)[];
}

/** A copy of the journal: everything acknowledged before `throughMs` is in it. */
export interface JournalCopy {
  readonly bytes: number;
  readonly lastSequence: number;
  readonly throughMs: number;
}

/** What one shard has copied. */
export interface BackupPart {
  readonly agents: number;
  /** Agents with a file of their own. */
  readonly heavyAgents: number;
  readonly unreadable: readonly string[];
  /** Below the backup's directory. */
  readonly paths: readonly string[];
  readonly bytes: number;
}
