/** Rows: the journal that makes inputs durable, and the shard's agents, documents and history. */
export { Journal } from './journal.ts';
export { ShardStore, type AgentChange, type AgentRow, type Presence } from './shard-store.ts';
export { HistoryBuffer, type HistorySeries } from './history.ts';
export { isDiskFull } from './database.ts';
