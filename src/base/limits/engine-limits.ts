/** What the embedded engine may take: steps, waiting, patterns, memory. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const engineLimits = {
  // --- embedded engine --------------------------------------------------------------------------------
  /** Runs at work at a time: beyond 32 rows a step the kernels gain nothing more. */
  engineRunsMax: 32,
  /** Rows of one step, at first and at most: all runs' next tokens and a piece of a prompt. */
  engineRowsMin: 48,
  engineRowsMax: 256,
  /** Time of a step after which there are fewer rows: an abort or an alarm is heard between two steps. */
  engineStepMsMax: 15,
  /** Rows of one prompt in a step: several prompts get on at the same time. */
  engineChunkTokens: 64,
  /** Requests waiting: 10,000 small prompts are some MB. */
  engineQueueMax: 10_000,
  /** Shortest time a refused request is told to wait. */
  engineRetryAfterMsMin: 100,
  /** By how much an alarm, and a person's question, pass what was asked before them. */
  engineAlarmHeadStartMs: 60_000,
  engineInteractiveHeadStartMs: 10_000,
  /** Waiting requests looked at for the one whose prompt is cached, and how much later it may have come. */
  engineCandidatesMax: 16,
  engineCacheFirstMs: 250,
  /** How long it is believed how much of a waiting prompt is cached. */
  enginePeekMs: 20,
  /** Time between two looks at deadlines. */
  engineDeadlineStepMs: 5,
  /** Tokens of an answer for which there must be room before its prompt is read. */
  engineAnswerTokensAhead: 64,
  /** Texts a choice is between. */
  engineOptionsMax: 64,
  /** Sizes of steps whose memory is kept. */
  enginePlansMax: 64,
  /** Size of a pattern, and states of its automaton: 1 KiB each. */
  enginePatternPositionsMax: 50_000,
  enginePatternStatesMax: 20_000,
  /** Patterns whose automaton is kept, those used last. */
  engineConstraintsMax: 256,
  /** Bytes that are certain to come which are read at once. */
  engineForcedBytesMax: 1 * KiB,
  /** Depth of a JSON Schema, and what one without limits of its own may have. */
  engineSchemaDepthMax: 8,
  engineSchemaItemsMax: 32,
  /** Tokens of an agent below which its memory is not worth a row in its file, and the largest row. */
  engineKvTokensMin: 64,
  engineKvBytesMax: 1 * MiB,
  /** Time for which pieces of answers wait for each other: each message wakes a thread that has other things to do. */
  engineFlushMs: 5,
  /** Time between two reports of an engine at work. */
  engineTotalsMs: 1_000,
  /** Tokens of an answer of a chat that says no limit. */
  engineAnswerTokens: 1_024,
  /** Models in memory at a time, each in a thread of its own. */
  enginesMax: 4,
} as const;
