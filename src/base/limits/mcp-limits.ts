/** MCP: what foreign servers may make us keep, wait for and read, and what clients may ask of ours. See limits.ts. */
import { KiB, MiB } from './units.ts';

export const mcpLimits = {
  // --- MCP client -----------------------------------------------------------------------------------
  /** Servers of one agent. */
  mcpServersMax: 32,
  /** Connections being made at once after a wake, per registry; the others wait for their turn. */
  mcpConnectsMax: 4,
  /** Time of one attempt to connect: a cold start of a small server. */
  mcpConnectMs: 15_000,
  /** Time a list of tools, prompts or resources may take, all its pages included. */
  mcpListMs: 15_000,
  /** Pages of one list. */
  mcpListPagesMax: 8,
  /** Time a tool may take unless the caller says otherwise, and the longest a caller may ask for. */
  mcpCallMs: 60_000,
  mcpCallMaxMs: 10 * 60_000,
  /** Calls in flight at one server. */
  mcpCallsMax: 8,
  /** Attempts to connect, and the pauses between them (random below 2^n times the base): 3/500/5000. */
  mcpAttempts: 3,
  mcpAttemptsMax: 10,
  mcpRetryBaseMs: 500,
  mcpRetryMaxMs: 5_000,
  mcpRetryCeilingMs: 60_000,
  /** Bytes of one HTTP answer or stdio message of a server. */
  mcpAnswerBytesMax: 2 * MiB,
  /** Bytes a second an event stream may bring beyond that, and messages: more is a flood. */
  mcpStreamBytesPerSecond: 256 * KiB,
  mcpMessagesPerSecond: 500,
  /** Bytes sent to a process that it has not read. */
  mcpUnreadBytesMax: 4 * MiB,
  /** Time a process has to end after its stdin has, and again after SIGTERM; and what it said last, to arrive. */
  mcpStopMs: 2_000,
  mcpDrainMs: 500,
  /** The same when the bridge stops, which has 10 s for all it does. */
  mcpEndMs: 500,
  /** Time an unused HTTP connection to a server is kept; servers close theirs after 5 to 75 s. */
  mcpIdleMs: 4_000,
  /** Silence after which an answer's stream is given up; servers send a comment every 15 s. */
  mcpSilenceMs: 2 * 60_000,
  /** Bytes of what a tool answered as it is passed on, and its nesting. */
  mcpResultBytesMax: 1 * MiB,
  /** Characters of an answer as the model of a chat reads it: some 16,000 tokens. */
  mcpModelCharactersMax: 64 * KiB,
  /** Tools, prompts and resources of one server that are kept, and bytes of all of it. */
  mcpToolsMax: 256,
  mcpPromptsMax: 256,
  mcpResourcesMax: 512,
  mcpCatalogueBytesMax: 512 * KiB,
  /** Bytes and nesting of one schema. */
  mcpSchemaBytesMax: 32 * KiB,
  mcpSchemaDepthMax: 32,
  /** Characters of a name, of a description, of instructions, of an error's text. */
  mcpNameCharactersMax: 128,
  mcpDescriptionCharactersMax: 4_096,
  mcpErrorCharactersMax: 500,
  /** Characters of a tool's key: what model endpoints take as the name of a function. */
  mcpToolKeyCharactersMax: 64,
  /** How long a catalogue is used after a wake without asking again, unless the server says otherwise, and at most. */
  mcpCatalogueTtlMs: 24 * 60 * 60_000,
  mcpCatalogueTtlMaxMs: 7 * 24 * 60 * 60_000,
  /** Least time between two readings of a catalogue a server says has changed. */
  mcpRefreshMs: 5_000,
  /** Life of the state of an authorization a person has begun. */
  mcpAuthorizationMs: 10 * 60_000,
  /** Questions of servers to a person that wait, per agent, how long, how long a call waits for one, and their size. */
  mcpElicitationsMax: 32,
  mcpElicitationTtlMs: 7 * 24 * 60 * 60_000,
  mcpElicitationBytesMax: 64 * KiB,
  /** Rounds of questions within one call. */
  mcpElicitationRoundsMax: 8,

  // --- MCP endpoint ---------------------------------------------------------------------------------
  /** Event streams open at `/mcp`. */
  mcpSubscriptionsMax: 64,
  /** Sessions of 2025 clients whose person can be asked, how long one is kept unused, and how long a person has. */
  mcpSessionsMax: 64,
  mcpSessionIdleMs: 60 * 60_000,
  mcpConsentMs: 5 * 60_000,
  /** Devices of one page of `devices_list`, unless asked for, and at most: a model reads all of it. */
  mcpDevicesDefault: 50,
  mcpDevicesMax: 200,
  /** Points of a series of `device_history`, unless asked for, and at most. */
  mcpHistoryPointsDefault: 60,
  mcpHistoryPointsMax: 500,
  mcpHistoryHoursMax: 24 * 366,
} as const;
