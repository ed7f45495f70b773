/** The tables of shard.db, and the steps from each version of them to the next. */
import type Database from 'better-sqlite3';
import { BridgeError } from '../base/errors.ts';
import { migrateAudit } from './audit.ts';
import { migrateHistory } from './history.ts';
import { IS_APPROVAL } from './listed-cells.ts';

const FIRST = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE agents(
  key INTEGER PRIMARY KEY, model TEXT NOT NULL, id TEXT NOT NULL, presence TEXT NOT NULL, last_seen REAL,
  messages INTEGER NOT NULL, rejected INTEGER NOT NULL, applied INTEGER NOT NULL, alarm_at REAL, created_at REAL NOT NULL);
CREATE UNIQUE INDEX agents_address ON agents(model, id);
CREATE INDEX agents_presence ON agents(presence);
CREATE INDEX agents_alarm ON agents(alarm_at) WHERE alarm_at IS NOT NULL;
CREATE TABLE cells(agent INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(agent, name)) WITHOUT ROWID;
`;

/** `file`: 0 light; 1 has a file of its own; 2 the same, written since the last checkpoint. */
const AGENT_FILES = `
ALTER TABLE agents ADD COLUMN file INTEGER NOT NULL DEFAULT 0;
CREATE INDEX agents_file_written ON agents(key) WHERE file = 2;
`;

/** For the list of approvals of all agents; agents have few, and most have none. */
const APPROVALS = `
CREATE INDEX cells_approvals ON cells(json_extract(value, '$.status'), json_extract(value, '$.createdAtMs'))
WHERE ${IS_APPROVAL};
`;

/** Step n leads from version n to n + 1. Never change one that was released: add another. */
const STEPS: readonly ((db: Database.Database) => void)[] = [
  (db) => {
    db.exec(FIRST);
    migrateHistory(db);
  },
  (db) => db.exec(AGENT_FILES),
  migrateAudit,
  (db) => db.exec(APPROVALS),
];

/**
 * Brings shard.db to the newest version, in one transaction.
 * @throws BridgeError BRG_DATA_VERSION when a newer program wrote it
 */
export function migrateShard(db: Database.Database, path: string): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > STEPS.length) {
    const message = `${path} has schema ${version}, this program knows ${STEPS.length}: use a newer program`;
    throw new BridgeError('BRG_DATA_VERSION', message);
  }
  if (version === STEPS.length) return;
  db.transaction(() => {
    for (const step of STEPS.slice(version)) step(db);
    db.pragma(`user_version=${STEPS.length}`);
  })();
}
