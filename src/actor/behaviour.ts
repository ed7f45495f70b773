/** The port between the runtime and what an agent does: the agent room implements it. */
import type { BridgeError, ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type {
  AgentSort,
  HistorySeries,
  KvListOptions,
  ListQuery,
  Presence,
  SqlBinding,
  SqlCursor,
  SqlRow,
} from '../store/index.ts';
import type { AgentAddress } from '../base/address.ts';
import type { AttentionItem, AttentionList } from './attention.ts';
import type { Connection } from './connections.ts';
import type { InboundRecord } from './messages.ts';
import type { AuditNote } from './outbox.ts';
import type { Publication } from './port.ts';

export interface HistoryQuery {
  /** null: every metric. */
  readonly metric: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: number;
}

/**
 * A database of the agent's own: a file that comes into being with the first use. Everything written in a
 * turn is committed with the turn, and taken back with it.
 */
export interface AgentDatabase {
  /** Runs SQL; the bindings belong to its last statement, whose rows are the answer. @throws SqlError, BridgeError BRG_AGENT_FULL */
  all(sql: string, bindings: readonly SqlBinding[]): SqlRow[];
  /** The same, row by row. */
  cursor(sql: string, bindings: readonly SqlBinding[]): SqlCursor;
  /** Bytes of the file. */
  readonly bytes: number;
  /** A value by key, undefined when there is none. */
  get(key: string): unknown;
  /** @throws BridgeError BRG_STORAGE, BRG_AGENT_FULL */
  put(key: string, value: unknown): void;
  /** False when there was none. */
  delete(key: string): boolean;
  deleteAll(): void;
  /** Keys and values in the order of the keys. */
  list(options?: KvListOptions): Map<string, unknown>;
}

/**
 * What one actor may touch. Everything written in a turn is committed together, in one transaction;
 * frames, publications and answers leave after that commit.
 */
export interface ActorContext {
  readonly address: AgentAddress;
  /** Its lines carry `agent: "model/id"`. */
  readonly log: Log;
  /** ms since epoch. */
  now(): number;

  /** A document of this agent (a JSON value), undefined when there is none. Treat it as immutable. */
  cell(name: string): unknown;
  /** Replaces a document; undefined deletes it. Serialised at commit. */
  setCell(name: string, value: unknown): void;
  /** Names of this agent's documents that begin with `prefix`, in no order. */
  cellNames(prefix: string): string[];
  /** What stands before a colon in the names of this agent's documents: `job` for `job:1` and `job:2`. */
  cellKinds(): ReadonlySet<string>;
  /** Calls `listener` with the name of each document that has an earlier value again because (a part of) the turn threw. */
  onTakenBack(listener: (name: string) => void): void;
  /**
   * Runs a turn in the thought lane, once what was written so far is committed and the turns before it in
   * that lane have ended. It stands even if the present turn throws.
   */
  later(turn: () => void | Promise<void>): void;
  /**
   * Runs a synchronous piece of work beside both lanes, once what was written so far is committed. `isEager`: when
   * an asynchronous device turn holds that commit up, it begins all the same, with `isCommitted` false. It stands
   * even if the present turn throws, and is dropped when the agent is forgotten.
   */
  aside(piece: (isCommitted: boolean) => void, isEager?: boolean): void;

  readonly presence: Presence;
  setPresence(presence: Presence): void;
  readonly lastSeenMs: number | null;
  /** Messages of the device since the agent exists, this one included. */
  readonly messages: number;
  countMessage(receivedAtMs: number): void;
  readonly rejected: number;
  countRejected(): void;
  /** MQTT connections that speak for this device now. */
  deviceConnections(): readonly number[];

  readonly database: AgentDatabase;

  addHistory(tsMs: number, values: Record<string, number | boolean | string>): void;
  queryHistory(query: HistoryQuery): HistorySeries[];

  /** The one time at which this actor wants to be woken; null for never. Replaces an earlier one. */
  setAlarm(atMs: number | null): void;

  connections(): readonly Connection[];
  connection(id: number): Connection | undefined;
  /** What a replay of the connection's frames has to know of it, a JSON value: `Connection.remembered` then. */
  remember(connection: Connection, what: unknown): void;
  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void;
  close(connection: number, code: number, reason: string): void;
  publish(publication: Publication): void;
  /** Answers a request with a JSON value. */
  reply(request: number, value: unknown): void;
  replyError(request: number, code: ErrorCode, message: string, details?: Record<string, unknown>): void;
  /** Adds a row to the audit log with this turn; taken back with the turn. */
  audit(entry: AuditNote): void;
  /**
   * Asks another agent, as the API would; it comes into being if it did not exist. Not held back until
   * this turn is committed. Rejects with a BridgeError, BRG_TIMEOUT after `timeoutMs` (`limits.requestTimeoutMs`).
   */
  ask(address: AgentAddress, name: string, body: unknown, timeoutMs?: number): Promise<unknown>;
  /** Deletes everything of this agent when the turn ends. */
  forget(): void;
  readonly turn: TurnContext;
  /** Leaves memory when the present turn has ended and was committed, as soon as nothing holds it. */
  hibernate(): void;
  /** Runs a part of the turn; when it throws (synchronously), its writes and effects are taken back. */
  attempt<T>(part: () => T): T;
  /** An id for something this turn sends out: the same again when the turn is replayed after a crash. */
  effectId(): string;
  /** When the agent last entered memory, ms since epoch. */
  readonly wokeAtMs: number;
  readonly counters: AgentCounters;
  readonly shard: ShardView;
  readonly fleet: FleetView;
}

/** `changes`: an fsync if this commit has any. `everything`: also of what it committed before, part by part. */
export type ToldSynced = 'changes' | 'everything';

/** The turn under way. */
export interface TurnContext {
  /** Sequence number of the journaled message that it handles; 0 for none. */
  readonly sequence: number;
  /** The actor took the place of one that hung, in a running process. */
  readonly isAfterRestart: boolean;
  /** The actor was restarted, and this is the one before: whatever it writes throws BRG_AGENT_RESTARTED. */
  readonly isAbandoned: boolean;
  /** @throws BridgeError BRG_AGENT_RESTARTED when it is abandoned */
  assertPresent(): void;
  /** Name of the author's hook that ran last, for people. */
  handler: string;
  /** A handler of this asynchronous turn has ended: the next one has the whole deadline. */
  extendDeadline(): void;
  /** This turn ends by a deadline of its own; the one of turns is not for it. */
  ownDeadline(): void;
  /** What it tells leaves only after an fsync: no replay would do it again. */
  tellSynced(what: ToldSynced): void;
}

export interface ActorBehaviour {
  /** The author's class, for people. */
  readonly name: string;
  /** Once per wake, before any record. */
  start(): void | Promise<void>;
  receive(record: InboundRecord): void | Promise<void>;
  alarm(nowMs: number): void | Promise<void>;
  /** A turn failed with `error` while handling `record`: keep what is needed to explain it. */
  failed(record: InboundRecord, error: unknown): void;
  /**
   * Handles `record` without the author's code, which hung or ended the thread with it: keeps its data and says
   * `error` to whoever wants to know.
   */
  setAside(record: InboundRecord, error: BridgeError): void | Promise<void>;
  /** The actor is given up: answers who waits for something that ends with it, in its last effects. */
  abandoned(error: BridgeError): void;
  /** Called before what the actor wrote is committed: the last moment to add frames. Must not throw. */
  beforeCommit(): void;
  /** What keeps the actor in memory (a call that is open, a job, a timer), for people; undefined: nothing. */
  heldBy(): string | undefined;
  /** It leaves memory. */
  stop(): void;
}

export interface ActorKind {
  /** It is always there, and in no list or count; it has a row once it has something to keep. */
  readonly isBuiltIn: boolean;
  /** Default `device`. */
  readonly sort?: AgentSort;
  create(context: ActorContext): ActorBehaviour;
  /** Without the author's code: it keeps the data, and everything else waits. */
  createHeld(context: ActorContext): ActorBehaviour;
}

/** The behaviour for a model; undefined when the model is unknown. */
export type ActorFactory = (model: string) => ActorKind | undefined;

/** Counted by agents, shown by /metrics. */
export interface AgentCounters {
  telemetryApplied: number;
  telemetryDuplicates: number;
  messagesRejected: number;
  unknownKeys: number;
  framesOutJson: number;
  framesOutCbor: number;
  bytesOutJson: number;
  bytesOutCbor: number;
  framesIn: number;
  cborSavedBytes: number;
  framesRefused: number;
  rulesFired: number;
  commandsDone: number;
  commandsFailed: number;
  commandsExpired: number;
}

export interface AgentSummary {
  readonly model: string;
  readonly id: string;
  readonly presence: Presence;
  readonly lastSeen: number | null;
  readonly messages: number;
  readonly rejected: number;
  readonly state: unknown;
}

/** What an agent sees of the shard it lives in. */
export interface ShardView {
  /** Since when messages can arrive, ms since epoch. */
  readonly startedAtMs: number;
  after(delayMs: number, callback: () => void): () => void;
  readonly attention: AttentionList;
}

/**
 * All agents of the bridge, whichever shard they are in. Wakes nobody. Everything rejects with a BridgeError when a shard
 * does not answer.
 */
export interface FleetView {
  /** Of those that exist and are not built in. */
  summaries(keys: readonly string[]): Promise<readonly AgentSummary[]>;
  /** A page of agents in the order of their addresses. */
  page(
    query: Omit<ListQuery, 'after'>,
    cursor: string | null,
  ): Promise<{ readonly agents: readonly AgentSummary[]; readonly cursor: string | null }>;
  totals(): Promise<Readonly<Record<string, number>>>;
  /** Agents that changed since the listener asked last, some per shard; the first time there are none. */
  changes(listener: string, limit: number): Promise<readonly AgentSummary[]>;
  /** What went wrong lately, newest first. */
  attention(limit: number): Promise<readonly AttentionItem[]>;
}
