/** Rows: the journal that makes inputs durable, and the shard's agents, documents and history. */
export { Journal } from './journal.ts';
export type { LogEntry } from './partition-log.ts';
export { ReplayDiary } from './replay-diary.ts';
export type { ApprovalPlace, DueAgent } from './agent-directory.ts';
export { ShardStore, type AgentChange, type AgentRow, type Presence } from './shard-store.ts';
export { HistoryBuffer, type HistorySeries } from './history.ts';
export { isDiskFull } from './database.ts';
export { AUDIT_KINDS, type AuditEntry, type AuditKind } from './audit.ts';
export type { AgentFile } from './agent-file.ts';
export type { AgentSort } from './agent-export.ts';
export type { PreparedImport } from './agent-import.ts';
export type { BackupJournal, BackupPart } from './backup-part.ts';
export type { BackupProgress } from './backup.ts';
export { diaryFile, shardFile, shardsOf, writeLayout } from './layout.ts';
export type { BackupSummary } from './backup-manifest.ts';
export { checkData, type JournalReport, type SharedReport, type ShardReport } from './data-check.ts';
export { repairJournal } from './journal-repair.ts';
export { verifyCopy } from './backup-manifest.ts';
export { describeExport } from './import-check.ts';
export { isHalfMoved, reshard } from './reshard.ts';
export { isHalfRestored, restoreBackup } from './restore.ts';
export { clearTransfers, transfersIn } from './transfers.ts';
export { syncPath } from './sync-path.ts';
export type { KvListOptions } from './agent-kv.ts';
export type { SqlBinding, SqlRow, SqlValue } from './agent-sql.ts';
export type { FoundAgent, ListQuery } from './agent-directory.ts';
export type { LoadedAgent } from './heavy-agents.ts';
export { SqlCursor } from './sql-cursor.ts';
export { SqlError } from './sql-statements.ts';
export {
  hasIdentityFile,
  IdentityStore,
  type GrantRow,
  type IdentityRow,
  type Role,
} from './identity-store.ts';
export type { HttpTokenRow, HttpUserRow } from './http-access.ts';
export { loadSessions, SessionDatabase } from './session-database.ts';
