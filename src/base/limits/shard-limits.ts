/** What a shard holds and keeps: batches, turns, files, copies, history. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const shardLimits = {
  // --- ingest and shards ----------------------------------------------------------------------------
  /** Messages one journal commit may hold: bounds PUBACK latency on a slow disk. */
  batchMessagesMax: 8192,
  /** Bytes one journal commit may hold. */
  batchBytesMax: 4 * MiB,
  /** Batches on their way to a shard at once: one being committed, one being filled behind it. */
  batchesInFlightMax: 2,
  /** Batches of a shard that are journaled and that it has not begun with, where a thread writes the journal of several. */
  journalAheadBatchesMax: 4,
  /** Entries of the journal that its thread reads at once for a shard that replays: some MB each at most. */
  journalPageEntries: 16,
  /** Bytes waiting in the main thread for a shard before QoS 0 also waits (TCP backpressure). */
  pendingBytesMax: 32 * MiB,
  /** Messages journaled but not yet applied, over all agents of a shard, before it takes no more. */
  unappliedMessagesMax: 100_000,
  /** Turns that wait for one agent before no more telemetry of its device is taken; again below half of it. */
  agentWaitingMax: 2_000,
  /** Requests (API calls, commands) waiting for an agent's answer. */
  requestsPendingMax: 10_000,
  /** Time a request may wait for its agent. */
  requestTimeoutMs: 30_000,
  /** Time one handler in the device lane may take before its agent is restarted (house: 5 s). */
  turnDeadlineMs: 5_000,
  /** Tries of a message, or a start, that hangs its agent or ends the thread; then it goes on without the author's code. */
  poisonTriesMax: 3,
  /** Stacks kept while a turn is traced, and shown of what it waits for. */
  traceStacksMax: 10_000,
  traceStacksShown: 5,
  /** Restarts of one agent within the window before it runs without its author's code: two poison messages. */
  agentRestartsMax: 6,
  agentRestartWindowMs: 5 * 60_000,
  /** Time it does so before its code gets another chance. */
  agentHoldMs: 10 * 60_000,
  /** Agents remembered as restarted, and held; the oldest is forgotten. */
  agentsTroubledMax: 10_000,
  /** Deaths of the shard's thread are held against messages and agents for this long. */
  deathMemoryMs: 3_600_000,
  /** Deaths excused per agent, and per model: beyond their consequences (see actor/death-ledger.ts) they count. */
  deathsPerAgentMax: 6,
  deathsPerModelMax: 10,
  /** A shard's thread that gets nowhere for so long, in an author's code, is ended: three deadlines of a turn. */
  shardStallMs: 15_000,
  /** An agent without messages, timers or running turns leaves memory after this. */
  idleTimeoutMs: 10_000,
  /** Agents awake at once in a shard; the least recently used leave first. */
  awakeAgentsMax: 50_000,
  /** Alarms fired in one turn of the shard's loop. */
  alarmsPerTickMax: 1000,
  /** Time between two tries when the disk is full. */
  diskRetryMs: 500,
  /** Restarts of a shard worker that crashed for no known culprit, within `shardRestartWindowMs` before the process gives up. */
  shardRestartsMax: 5,
  shardRestartWindowMs: 60_000,
  /** Pages (of 4 KiB) the WAL of shard.db grows to before it is checkpointed and the journal trimmed. */
  checkpointPagesMax: 8192,
  /** Time between checkpoints of a shard that wrote something. */
  checkpointIntervalMs: 30_000,
  /** SIGTERM to exit (contract: within 10 s). */
  stopTimeoutMs: 9_000,

  // --- audit log ------------------------------------------------------------------------------------
  /** Rows of a shard's audit log (some 300 B each), and how long they are kept: a year and a month. */
  auditRowsMax: 200_000,
  auditKeptMs: 396 * 24 * 3_600_000,
  /** Rows deleted in one step of upkeep. */
  auditStepRowsMax: 2_000,
  /** Bytes of the JSON of a row's detail: a command's argument and what became of it. */
  auditDetailBytesMax: 2 * KiB,
  /** Rows in one answer. */
  auditListMax: 1000,
  auditListDefault: 100,

  // --- agents' own files ----------------------------------------------------------------------------
  /** Bytes an author may fill in one agent's file (Durable Objects began with 1 GB). */
  agentBytesMax: 1024 * MiB,
  /** Room beyond that for the runtime's own rows: state, jobs and dead jobs at their limits. */
  agentReserveBytes: 2048 * MiB,
  /** Files open at once; each costs about 300 KB and two descriptors. */
  agentFilesOpenMax: 512,
  /** Page cache of an open file. */
  agentCacheKiB: 256,
  /** Agents' files synced in one step of a checkpoint: three fsyncs a file, and turns go on in between. */
  checkpointFilesPerStep: 1,
  /** Characters of a heavy agent's state that lists show without opening its file. */
  stateCopyCharactersMax: 16 * KiB,
  /** Bytes of a key (Durable Objects: 2 KB) and of a value of `storage`. */
  storageKeyBytesMax: 2 * KiB,
  storageValueBytesMax: 16 * MiB,
  /** SQL texts of one agent kept parsed and prepared. */
  sqlStatementsMax: 100,
  /** Rows a cursor may leave to be read into memory because another statement ran. */
  sqlCursorRowsMax: 100_000,

  // --- copies: backup, export, import ---------------------------------------------------------------
  /** Databases up to this are copied in one piece: some ms. */
  copyAtOnceBytesMax: 4 * MiB,
  /** Pages of one step of a larger copy (of 4 KiB; some ms), and bytes between two fsyncs of it. */
  copyStepPages: 128,
  copySyncBytes: 16 * MiB,
  /** Bytes of a copy whose checksum is made at once: 1 to 2 ms. */
  copyHashBytes: MiB,
  /** Time a copy waits for the end of a write that is under way: longer than any turn may take. */
  copyWaitMs: 30_000,
  /** Agents of which the own files are looked for in one step of a backup. */
  backupKeysPerStep: 10_000,
  /** Rows of history that one step of an export copies. */
  exportRowsPerStep: 32,
  /** Bytes of history one import may bring: it is written in one transaction. */
  importHistoryBytesMax: 512 * MiB,
  /** Exports and imports at once, and the time one may take. */
  transfersMax: 4,
  transferTimeoutMs: 30 * 60_000,

  // --- history --------------------------------------------------------------------------------------
  /** Raw history is kept this long by default; then only minutes, then only hours remain. */
  historyRawMs: 7 * 24 * 3_600_000,
  historyMinutesMs: 90 * 24 * 3_600_000,
  historyHoursMs: 5 * 365 * 24 * 3_600_000,
  /** Points and bytes of one packed history block: what a query reads at once to get a single point. */
  historyBlockPointsMax: 1024,
  historyBlockBytesMax: 64 * KiB,
  /** Points and blocks one step of upkeep may touch: some ms, so that turns never wait for it. */
  historyStepPointsMax: 16_384,
  historyStepBlocksMax: 1024,
  /** Recent rows looked at for deletion in one step. */
  historyStepRowsMax: 8192,
  /** Age at which an agent's recent rows are moved into its blocks although they are few. */
  historyRecentMs: 10 * 60_000,
  /** New rows or blocks of an agent before small ones are joined: each point is rewritten only some times. */
  historyJoinBlocksMin: 32,
  /** Points of a history answer; a chart is at most some thousand pixels wide. */
  historyPointsMax: 5000,
  historyPointsDefault: 300,
  /** Time between retention runs, and agents handled before the loop is given back. */
  retentionIntervalMs: 60_000,
  retentionAgentsPerStep: 50,
} as const;
