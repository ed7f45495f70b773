/**
 * Every queue, buffer, cache, count and wait of the bridge has its limit here: what it protects and
 * where the number comes from. Units are last in the name. Derived limits are computed, not typed.
 */
const KiB = 1024;
const MiB = 1024 * KiB;

export const limits = {
  // --- addresses and topics -------------------------------------------------------------------
  /** Bytes of a model name (contract: [a-z0-9-]{1,64}). */
  modelBytesMax: 64,
  /** Bytes of an agent id (contract: [A-Za-z0-9._~:-]{1,128}). */
  agentIdBytesMax: 128,
  /** Cached topic matches a process keeps, so that a hostile client cannot fill memory with topics. */
  topicCacheEntriesMax: 200_000,

  // --- device definitions -----------------------------------------------------------------------
  /** Metrics and commands of one model: what a person can still read on one page. */
  metricsPerModelMax: 256,
  commandsPerModelMax: 64,
  /** Words of one enumeration. */
  enumerationValuesMax: 64,
  /** Bytes of the name of a metric, a command, an enumeration's value. */
  nameBytesMax: 64,
  /** Bytes a text metric or argument may be declared with. */
  textBytesMax: 4 * KiB,
  /** Bytes of a correlation id in a topic; ours have 16, devices make up their own. */
  correlationIdBytesMax: 64,
  /** Characters of a boot id; a UUID has 36. */
  bootCharactersMax: 64,

  // --- payloads and frames ----------------------------------------------------------------------
  /** Bytes of one MQTT payload handed to an agent; EMQX allows 1 MB, AWS IoT 128 KB. */
  devicePayloadBytesMax: 256 * KiB,
  /** Bytes of one WebSocket frame in (contract). */
  frameBytesMax: 256 * KiB,
  /** Bytes of one frame a client of the bridge reads: a state of `stateBytesMax` in JSON, twice that as CBOR. */
  frameOutBytesMax: 32 * MiB,
  /** Nesting of inbound CBOR; recursion of the decoder and of every later walk stays bounded. */
  cborDepthMax: 32,
  /** Items of one CBOR array, and entries of one map, in. */
  cborArrayItemsMax: 4096,
  cborMapEntriesMax: 1024,
  /** Telemetry maps in one payload (an outbox flush of a device). */
  telemetryBatchMax: 1000,
  /** Bytes of an agent's JSON state. */
  stateBytesMax: 16 * MiB,
  /** Bytes of the JSON of reported or desired state; AWS IoT allows 8 KB. */
  twinBytesMax: 256 * KiB,
  /** Bytes of a rejected payload kept for inspection; the rest is cut. */
  deadLetterPayloadBytesMax: 4 * KiB,
  /** Rejected messages kept per agent, oldest dropped. */
  deadLettersPerAgentMax: 100,
  /** A device clock before 2001 has not been set; its time is replaced by the receive time. */
  deviceClockMinMs: 978_307_200_000,
  /** Boots whose sequence numbers an agent remembers: a resend after more reboots than this is rare. */
  bootsRememberedMax: 8,
  /** Gaps in the applied sequence numbers of one boot; the oldest range is forgotten beyond it. */
  sequenceRangesMax: 64,

  // --- ingest and shards ---------------------------------------------------------------------
  /** Messages one journal commit may hold: bounds PUBACK latency on a slow disk. */
  batchMessagesMax: 8192,
  /** Bytes one journal commit may hold. */
  batchBytesMax: 4 * MiB,
  /** Batches on their way to a shard at once: one being committed, one being filled behind it. */
  batchesInFlightMax: 2,
  /** Bytes waiting in the main thread for a shard before QoS 0 also waits (TCP backpressure). */
  pendingBytesMax: 32 * MiB,
  /** Messages journaled but not yet applied, over all agents of a shard, before it takes no more. */
  unappliedMessagesMax: 100_000,
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

  // --- audit log ---------------------------------------------------------------------------------
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

  // --- agents' own files -----------------------------------------------------------------------
  /** Bytes an author may fill in one agent's file (Durable Objects began with 1 GB). */
  agentBytesMax: 1024 * MiB,
  /** Room beyond that for the runtime's own rows: state, jobs and dead jobs at their limits. */
  agentReserveBytes: 2048 * MiB,
  /** Files open at once; each costs about 300 KB and two descriptors. */
  agentFilesOpenMax: 512,
  /** Page cache of an open file. */
  agentCacheKiB: 256,
  /** Agents' files synced in one step of a checkpoint: some ms, so that turns never wait for it. */
  checkpointFilesPerStep: 4,
  /** Characters of a heavy agent's state that lists show without opening its file. */
  stateCopyCharactersMax: 16 * KiB,
  /** Bytes of a key (Durable Objects: 2 KB) and of a value of `storage`. */
  storageKeyBytesMax: 2 * KiB,
  storageValueBytesMax: 16 * MiB,
  /** SQL texts of one agent kept parsed and prepared. */
  sqlStatementsMax: 100,
  /** Rows a cursor may leave to be read into memory because another statement ran. */
  sqlCursorRowsMax: 100_000,

  // --- copies: backup, export, import ------------------------------------------------------------
  /** Databases up to this are copied in one piece: some ms. */
  copyAtOnceBytesMax: 4 * MiB,
  /** Pages of one step of a larger copy (of 4 KiB; some ms), and bytes between two fsyncs of it. */
  copyStepPages: 128,
  copySyncBytes: 16 * MiB,
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

  // --- history -------------------------------------------------------------------------------
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

  // --- agents --------------------------------------------------------------------------------
  /** Open calls of one connection or other source. */
  callsPerSourceMax: 32,
  /** Time a call may take unless its callable says otherwise. */
  callDeadlineMs: 30_000,
  /** Commands waiting for one device. */
  commandsPendingMax: 100,
  /** Finished commands kept for inspection. */
  commandsFinishedMax: 50,
  /** A command lives this long unless the caller says otherwise. */
  commandTtlMs: 3_600_000,
  commandTtlMaxMs: 30 * 24 * 3_600_000,
  /** A caller waits this long for the device's answer unless it says otherwise. */
  commandWaitMs: 10_000,
  commandWaitMaxMs: 300_000,
  /** Characters of an error's text in an event; a device may send it. */
  eventErrorCharactersMax: 500,
  /** Rules of one agent, and of one model. */
  rulesPerAgentMax: 100,
  /** Bytes of a rule's id, and of the text of its alert or notice (one line on a phone, a few on a page). */
  ruleIdBytesMax: 64,
  ruleTextBytesMax: 1 * KiB,
  /** Longest `forMs`, `staleFor` and `withinMs` of a rule: a wait longer than a month is a typing mistake. */
  ruleWaitMsMax: 30 * 24 * 3_600_000,
  /** Points a rule keeps to know the change within its window: its precision is one 64th of the window. */
  ruleWindowPointsMax: 64,
  /** Firings of one rule in any minute that act; a command may change the very metric that fired it. */
  ruleFiringsPerMinuteMax: 10,
  /** Older time stamps than the newest are late telemetry for this long, then a device clock that was set back. */
  ruleClockStepMs: 60_000,
  /** Alerts kept per agent. */
  alertsPerAgentMax: 100,
  /** Schedules, and queued jobs, of one agent: each is a row, and awake each costs about 1 KB. */
  jobsPerAgentMax: 10_000,
  /** Bytes of the JSON of a job's payload; larger things belong into the state, the job gets their key. */
  jobPayloadBytesMax: 64 * KiB,
  /** Characters of an author's idempotency key. */
  jobKeyCharactersMax: 256,
  /** Dead jobs kept per agent, oldest dropped; characters of the error kept with one. */
  deadJobsPerAgentMax: 1000,
  jobErrorCharactersMax: 1000,
  /** Runs of one job that may end with the process before it is set aside: it may be what ends it. */
  jobInterruptionsMax: 3,
  /** A crash during a run is noticed by the agent's alarm after this, if nothing else wakes it sooner. */
  jobWatchMs: 10_000,
  /** Fibers of one agent that have not ended: while one runs it holds the agent in memory. */
  fibersPerAgentMax: 100,
  /** Ended managed fibers kept per agent, oldest dropped, and for how long (Agents SDK: 24 h and 7 days). */
  fibersEndedMax: 100,
  fiberCompletedKeepMs: 24 * 3_600_000,
  fiberFailedKeepMs: 7 * 24 * 3_600_000,
  /** Characters of a fiber's name, id and key; bytes of the JSON of what it stashes: rewritten with each stash. */
  fiberNameCharactersMax: 256,
  fiberStashBytesMax: 256 * KiB,
  /** Wait before `onFiberRecovered` is called for the second time, and longest wait (Agents SDK: 5 min). */
  fiberRecoveryBaseMs: 1_000,
  fiberRecoveryMaxMs: 5 * 60_000,
  /** A fiber whose hook threw for this long is set aside (Agents SDK: 24 h). */
  fiberRecoveryGiveUpMs: 24 * 3_600_000,
  /** Ends of the process in one fiber, without a stash between, before it is set aside: it may be what ends it. */
  fiberInterruptionsMax: 5,
  /** Holds of `keepAlive` at once; one that is not released ends after an hour: longer work is a fiber. */
  keepAlivesPerAgentMax: 1_000,
  keepAliveMsMax: 3_600_000,
  /** Longest `scheduleEvery` interval (Agents SDK: 30 days). */
  scheduleIntervalMaxMs: 30 * 24 * 3_600_000,
  /** Longest spread of a fleet's schedules. */
  scheduleJitterMaxMs: 24 * 3_600_000,
  /** An occurrence this late was missed: longer than a restart takes. */
  scheduleLateMs: 60_000,
  /** Missed occurrences that `catch-up` makes up for; older ones are dropped. */
  scheduleCatchUpMax: 1000,
  /** Longest wait that a peer's Retry-After is believed. */
  retryAfterMaxMs: 24 * 3_600_000,
  /** Connections of one agent. */
  connectionsPerAgentMax: 10_000,
  /** Time the hooks that admit a connection may take together before it gets no frames and no rights. */
  protocolDecisionMs: 2_000,
  /** Tags of a connection, and characters of one (Durable Objects: 10 and 256). */
  connectionTagsMax: 10,
  connectionTagCharactersMax: 256,
  /** Capabilities of a connection: one for each method it may call, and some. */
  capabilitiesPerConnectionMax: 256,
  /** Bytes of the JSON of a connection's state (Agents SDK: 2 KB); it stays in memory while the agent sleeps. */
  connectionStateBytesMax: 16 * KiB,
  /** Time an async `validateStateChange` may take, and changes of the state that may wait for theirs. */
  stateValidationMs: 2_000,
  stateChangesPendingMax: 1_000,
  /** Agents in one answer of the list route. */
  listAgentsMax: 1000,
  listAgentsDefault: 100,
  /** Time between two frames of the fleet feed: what a person can read. */
  fleetFeedIntervalMs: 1_000,
  /** Items a shard's "needs attention" list holds. */
  attentionListMax: 1000,
  /** Rows of one fleet frame. */
  fleetFeedRowsMax: 1_000,

  // --- connections -----------------------------------------------------------------------------
  /** Bytes waiting in a WebSocket before it is closed with 1013. */
  socketBufferBytesMax: 4 * MiB,
  webSocketPingMs: 30_000,
  webSocketConnectionsMax: 20_000,
  httpBodyBytesMax: 256 * KiB,
  /** Bytes of the body, and of the names and values of the headers, that `onRequest` answers with. */
  httpAnswerBytesMax: 4 * MiB,
  httpAnswerHeaderBytesMax: 16 * KiB,
  httpHeadersTimeoutMs: 10_000,
  /** HTTP connections at once, besides the WebSockets. */
  httpConnectionsMax: 2_000,
  /** Time a client may take to send its whole request; slower ones are an attack or a dead link. */
  httpRequestTimeoutMs: 30_000,
  /** Bytes of a too large body read and thrown away, so that the client gets to read the 413. */
  httpBodyDrainBytesMax: 4 * MiB,
  /** Arguments of one call. */
  callArgumentsMax: 32,
  /** Files and bytes of the built dashboard, which is held in memory. */
  dashboardFilesMax: 256,
  dashboardBytesMax: 32 * MiB,
  /** Time a WebSocket peer gets to answer a close frame before its socket is destroyed. */
  webSocketCloseMs: 10_000,
  /** Pause of a WebSocket that sends while the agents are congested. */
  webSocketCongestedPauseMs: 20,
  /** Time the gateway gives its clients to read the close frame and in-flight answers when stopping. */
  gatewayStopMs: 1_500,
  mqttConnectTimeoutMs: 10_000,
  /** A frozen subscriber blocks aedes' emitter until this (mqtt-edge 0.4). */
  mqttDrainTimeoutMs: 2_000,
  /** MQTT sockets open at once; one costs about 20 KB. */
  mqttConnectionsMax: 20_000,
  /** Persistent MQTT sessions with subscriptions; their queues live in memory. */
  mqttSessionsMax: 20_000,
  /** Topic filters of one MQTT client. */
  mqttFiltersPerClientMax: 20_000,
  /** Publishes of one connection waiting for their outcome: more than one 64 KiB read holds. */
  mqttPublishesWaitingMax: 16_384,
  /** Time until a message that found the bridge busy is offered again. */
  mqttBusyRetryMs: 50,
  /** At stop, publishes in flight get this long to be acknowledged. */
  mqttStopDrainMs: 2_000,
  /** Agents one MQTT connection may speak for (a gateway). */
  agentsPerMqttConnectionMax: 10_000,

  // --- client library ----------------------------------------------------------------------------
  /** Calls of one client without an answer, and its states without the agent's word. */
  clientCallsPendingMax: 1000,
  clientStatesPendingMax: 100,
  /** Frames an `AgentClient.frames()` loop may lag behind. */
  clientFramesWaitingMax: 1000,
  /** Ceiling of the first wait before a client connects again, and of all later ones (full jitter). */
  clientBackoffBaseMs: 500,
  clientBackoffMaxMs: 30_000,
  /** A connection that lived this long was a good one: the next wait starts from the first ceiling. */
  clientStableMs: 5_000,
  /** Silence after which a client asks whether the bridge is there; proxies drop idle sockets after 60 s. */
  clientHeartbeatMs: 25_000,
  /** Time the bridge gets to say anything then; and to accept a connection. */
  clientHeartbeatTimeoutMs: 10_000,
  clientConnectTimeoutMs: 10_000,

  // --- simulator -------------------------------------------------------------------------------
  /** Messages a simulated device keeps while offline: what a small flash partition holds. */
  simulatorOutboxMessagesMax: 1000,
  /** QoS 1 messages a simulated device sends ahead of their PUBACKs. */
  simulatorInFlightMax: 16,
  /** First and longest wait between its connection attempts. */
  simulatorBackoffBaseMs: 500,
  simulatorBackoffMaxMs: 30_000,
  /** Answers a simulated device remembers, so that a command delivered twice acts once. */
  simulatorAnswersMax: 100,
  /** Telemetry messages it makes up for after its timer was late; more are skipped. */
  simulatorCatchUpMax: 1000,
  /** Devices of one fleet: one process has about 28,000 local ports to one broker address. */
  simulatorDevicesMax: 20_000,
  /** Time a fleet may take for its first connection, and for its last PUBACKs at the end. */
  simulatorConnectTimeoutMs: 10_000,
  simulatorDrainTimeoutMs: 15_000,
} as const;
