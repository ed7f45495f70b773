/** What asking a language model may take: waits, queues, tokens. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const modelLimits = {
  // --- models ---------------------------------------------------------------------------------------
  /** Answers one endpoint gives at a time: a server on one GPU batches about this many well. */
  modelConcurrentMax: 8,
  /** ... of which one agent may have this many: its chat and one thing beside it. */
  modelConcurrentPerAgentMax: 2,
  /** Requests waiting for one endpoint, and of one agent of them: a waiting one holds its prompt in memory. */
  modelQueueMax: 10_000,
  modelQueuePerAgentMax: 1_000,
  /** Interactive requests served in a row while background ones wait; then one of those. */
  modelInteractiveRunMax: 7,
  /** Time a request may wait for its turn: a person looks at an empty page, a job does not. */
  modelQueueWaitMs: 30_000,
  modelQueueWaitBackgroundMs: 5 * 60_000,
  /** Time to a connection, TLS included: what a satellite link needs, twice. */
  modelConnectMs: 5_000,
  /** Time to the first piece of a streamed answer: a large model reading a long prompt on a busy server. */
  modelFirstTokenMs: 60_000,
  /** Longest pause between two pieces of it. */
  modelIdleMs: 30_000,
  /** Time a whole answer may take, tries and pauses between them included, the wait in our queue not. */
  modelTotalMs: 5 * 60_000,
  /** Tries of one request; pauses between them are random below 2^n times the base, at most the maximum. */
  modelAttemptsMax: 3,
  modelBackoffBaseMs: 500,
  modelBackoffMaxMs: 10_000,
  /** Longest Retry-After that is waited for; for a longer one the caller decides. */
  modelRetryAfterMs: 30_000,
  /** Failures in a row after which an endpoint is left alone, and for how long at first and at most. */
  modelBreakerFailuresMax: 5,
  modelBreakerOpenMs: 5_000,
  modelBreakerOpenMaxMs: 60_000,
  /** Tokens an agent may use a day (UTC) unless configured: some hundred chats, a runaway loop stops in minutes. */
  modelTokensPerDay: 1_000_000,
  /** Tokens of output held back for a request that does not say how many it wants. */
  modelTokensReserved: 2_048,
  /** Agents whose tokens of today are counted, as many as a shard may hold. */
  modelBudgetAgentsMax: 1_000_000,
  /** Bytes of one answer, its framing included: 100 times a long one. */
  modelAnswerBytesMax: 16 * MiB,
  /** Time of one round of the event loop in which pieces of answers are handed on, half of what a round may take. */
  modelPaceBudgetMs: 2,
  /** Pause of an answer between two pieces, for each answer that comes, and the longest: 20 pieces a second read as one flow. */
  modelPaceStreamMs: 1,
  modelPaceGapMaxMs: 50,
  /** Bytes handed on at once: about 20 pieces of an answer with their framing, 2 ms of work. */
  modelPaceBytes: 4 * KiB,
  /** Characters of pieces that become one because they are there at the same time. */
  modelPieceCharacters: 1_024,
  /** Bytes that wait before the endpoint has to. */
  modelPaceBufferBytes: 64 * KiB,
  /** Endpoints of one process: each has a queue and connections of its own. */
  modelEndpointsMax: 100,
  /** Bytes of a key file, and characters of an endpoint's error that are shown. */
  modelKeyBytesMax: 8 * KiB,
  modelErrorCharactersMax: 300,
  /** Time an unused connection to an endpoint is kept; servers close theirs after 5 to 75 s. */
  modelConnectionIdleMs: 4_000,
  /** Words of a sentence the rules understand, names they know, characters of data of a prompt they look through. */
  modelRulesWordsMax: 60,
  modelRulesFactsMax: 500,
  modelRulesPromptCharactersMax: 100_000,
} as const;
