/** What the chat of one agent may have and hold. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const chatLimits = {
  /** Times a model may call tools and be asked again in one answer. */
  chatStepsMax: 8,
  /** Calls with wrong arguments that a model is told about in one turn; the next one ends it. */
  chatToolMistakesMax: 3,
  // --- chat -----------------------------------------------------------------------------------------
  /** Bytes of the JSON of a stored message; a larger one is made smaller (Agents SDK: under 2 MB of a row). */
  chatRowBytesMax: 1_800_000,
  /** Characters that a part may have and is left alone, and of its preview (Agents SDK). */
  chatPartKeptCharacters: 1_000,
  chatPreviewCharacters: 500,
  /** Messages kept of a chat, oldest dropped: all of them are in memory while the agent is awake. */
  chatMessagesMax: 10_000,
  /** Bytes of the newest messages that one frame or one answer lists: below that of an HTTP answer. */
  chatListBytesMax: 3 * MiB,
  /** Turns that wait for the one under way: each is a person or a job that waits for an answer. */
  chatTurnsWaitingMax: 100,
  /** Characters of the id of a request, a message or a tool call; in practice they have 16 to 40. */
  chatIdCharactersMax: 256,
  /** Parts of one message from a client, and tools it brings along. */
  chatPartsMax: 10_000,
  chatClientToolsMax: 128,
  /** Time who asks over HTTP waits for an answer unless it says otherwise, and the longest; the chat goes on without it. */
  chatAskWaitMs: 60_000,
  chatAskWaitMaxMs: 10 * 60_000,
  /** Characters of a question: some pages; a program that has more to say opens a connection. */
  chatQuestionCharactersMax: 32_768,
  /** A turn whose model says nothing for this long is ended: it would hold up all turns behind it. */
  chatIdleMs: 5 * 60_000,
  /** Quiet time of the policy `debounce` (Agents SDK: 750 ms), and the longest. */
  chatDebounceMs: 750,
  chatDebounceMsMax: 60_000,
  /** Bytes of one chunk of an answer: a picture in a data URL is one chunk. */
  chatChunkBytesMax: 8 * MiB,
  /** Bytes of one answer: all of its chunks. */
  chatAnswerBytesMax: 64 * MiB,
  /** Chunks of a stream are stored in rows of about this size, below that of a page: each commit writes the last one again. */
  chatSegmentBytes: 3 * KiB,
  /** Bytes of chunks that wait for a commit before they are written without waiting for it. */
  chatPendingBytesMax: 256 * KiB,
  /**
   * Characters of an answer that are sent again at once to a client that comes back, and the pause after them: 80 Mbit/s.
   * A slower client has `socketBufferBytesMax` and what its kernel holds to be behind, then 1013, and comes back to the rest.
   */
  chatReplayPageCharacters: 256 * KiB,
  chatReplayPauseMs: 25,
  /** Ended streams are kept for clients that come back (Agents SDK: 24 h), and how many of them. */
  chatStreamKeepMs: 24 * 3_600_000,
  chatStreamsKept: 50,
  /** Tool results that came before their call was complete. */
  chatEarlyResultsMax: 64,
} as const;
