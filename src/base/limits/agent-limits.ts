/** What one agent may have and do. See limits.ts. */
import { KiB } from './units.ts';

export const agentLimits = {
  // --- agents ---------------------------------------------------------------------------------------
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
  /** Conditions of one rule: more are several rules, and nobody could say any more when it fires. */
  ruleConditionsMax: 4,
  /** Bytes of a rule's id, and of the text of its alert or notice (one line on a phone, a few on a page). */
  ruleIdBytesMax: 64,
  ruleTextBytesMax: 1 * KiB,
  /** Longest `forMs`, `staleFor` and `withinMs` of a rule: a wait longer than a month is a typing mistake. */
  ruleWaitMsMax: 30 * 24 * 3_600_000,
  /** Points a rule keeps to know the change within its window: its precision is one 64th of the window. */
  ruleWindowPointsMax: 64,
  /** Firings of one rule in any minute that act; a command may change the very metric that fired it. */
  ruleFiringsPerMinuteMax: 10,
  /** Characters of the name of a time zone; the longest of IANA has 32. */
  ruleZoneCharactersMax: 64,
  /** A rule is tried on this much of the past, in steps of so long: some 30,000 of a metric, a tenth of a second of work. */
  ruleDryRunMs: 7 * 24 * 3_600_000,
  ruleDryRunStepMs: 20_000,
  /** Firings that a trial tells the times of. */
  ruleDryRunTimesMax: 20,
  /** A rule that a model made of a sentence is shown only from this confidence on: 0 to 1. */
  ruleConfidenceMin: 0.9,
  /** Until then a model has made a rule of a sentence, its engine's start included; ms. */
  ruleTranslateMs: 10_000,
  /** Words of a model's answer; a longer one is no rule. */
  ruleAnswerWordsMax: 40,
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
  /** Time one run of a job may take before it counts as hung: what the alarm of a Durable Object may. */
  jobRunMs: 15 * 60_000,
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
  /** A feed that has not asked a shard for so long is gone; what a shard keeps for one that asks seldom. */
  changesForgottenMs: 15_000,
  changesKeptMax: 100_000,
  /** Items a shard's "needs attention" list holds. */
  attentionListMax: 1000,
  /** Rows of one fleet frame. */
  fleetFeedRowsMax: 1_000,
} as const;
