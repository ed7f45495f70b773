/** Copies of what a shard keeps, made while it works: of one agent, and of all. */
import type Database from 'better-sqlite3';
import { dirname, join } from 'node:path';
import type { AgentAddress } from '../base/address.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { AgentExporter } from './agent-export.ts';
import { AgentImporter } from './agent-import.ts';
import { BackupStore } from './backup-store.ts';
import type { HeavyAgents } from './heavy-agents.ts';
import type { HistoryStore } from './history.ts';
import type { AgentRow } from './shard-store.ts';
import { syncPath } from './sync-path.ts';
import { transfersIn } from './transfers.ts';

interface StoreParts {
  readonly directory: AgentDirectory;
  readonly heavy: HeavyAgents;
  readonly history: HistoryStore;
  cells(key: number): ReadonlyMap<string, string>;
  newRow(model: string, id: string, nowMs: number): AgentRow;
}

export class Copies {
  readonly exporter: AgentExporter;
  readonly importer: AgentImporter;
  readonly backups: BackupStore;
  /** Where files of exports and imports lie for a while. */
  readonly transfers: string;

  /** @param path of shard.db; finishes what imports a crash has left half done */
  constructor(db: Database.Database, path: string, store: StoreParts, shard = 0) {
    const { directory, history } = store;
    const { files } = store.heavy;
    const parts = { db, directory, files, history, shard, dataDir: dirname(path) };
    this.transfers = transfersIn(dirname(path));
    this.exporter = new AgentExporter({ ...parts, cells: (key) => store.cells(key) });
    const newRow = ({ model, id }: AgentAddress): AgentRow => store.newRow(model, id, 0);
    this.importer = new AgentImporter(
      { ...parts, newRow, sync: () => syncPath(`${path}-wal`) },
      this.transfers,
      shard,
    );
    this.backups = new BackupStore(parts, join(dirname(path), 'backups'));
  }
}
