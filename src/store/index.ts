/** Rows: the journal that makes inputs durable, and the shard's agents, documents and history. */
export { Journal } from './journal.ts';
export type { LogEntry } from './partition-log.ts';
export { ReplayDiary } from './replay-diary.ts';
export type { DueAgent } from './agent-directory.ts';
export { ShardStore, type AgentChange, type AgentRow, type Presence } from './shard-store.ts';
export { HistoryBuffer, type HistorySeries } from './history.ts';
export { isDiskFull } from './database.ts';
export { AUDIT_KINDS, type AuditEntry, type AuditKind } from './audit.ts';
export type { AgentFile } from './agent-file.ts';
export type { KvListOptions } from './agent-kv.ts';
export type { SqlBinding, SqlRow, SqlValue } from './agent-sql.ts';
export type { LoadedAgent } from './heavy-agents.ts';
export { SqlCursor } from './sql-cursor.ts';
export { SqlError } from './sql-statements.ts';
