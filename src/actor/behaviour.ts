/** The port between the runtime and what an agent does: the agent room implements it. */
import type { ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { HistorySeries, Presence } from '../store/index.ts';
import type { AgentAddress } from '../base/address.ts';
import type { AttentionList } from './attention.ts';
import type { Connection } from './connections.ts';
import type { InboundRecord } from './messages.ts';
import type { Publication } from './port.ts';

export interface HistoryQuery {
  /** null: every metric. */
  readonly metric: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: number;
}

/**
 * What one actor may touch. Everything written in a turn is committed together, in one transaction;
 * frames, publications and answers leave after that commit.
 */
export interface ActorContext {
  readonly address: AgentAddress;
  readonly log: Log;
  /** ms since epoch. */
  now(): number;

  /** A document of this agent (a JSON value), undefined when there is none. Treat it as immutable. */
  cell(name: string): unknown;
  /** Replaces a document; undefined deletes it. Serialised at commit. */
  setCell(name: string, value: unknown): void;
  /** Names of this agent's documents that begin with `prefix`, in no order. */
  cellNames(prefix: string): string[];
  /** Calls `listener` with the name of each document that has an earlier value again because (a part of) the turn threw. */
  onTakenBack(listener: (name: string) => void): void;
  /**
   * Runs a turn in the thought lane, once what was written so far is committed and the turns before it in
   * that lane have ended. It stands even if the present turn throws.
   */
  later(turn: () => void | Promise<void>): void;

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

  addHistory(tsMs: number, values: Record<string, number | boolean | string>): void;
  queryHistory(query: HistoryQuery): HistorySeries[];

  /** The one time at which this actor wants to be woken; null for never. Replaces an earlier one. */
  setAlarm(atMs: number | null): void;

  connections(): readonly Connection[];
  connection(id: number): Connection | undefined;
  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void;
  close(connection: number, code: number, reason: string): void;
  publish(publication: Publication): void;
  /** Answers a request with a JSON value. */
  reply(request: number, value: unknown): void;
  replyError(request: number, code: ErrorCode, message: string, details?: Record<string, unknown>): void;
  /**
   * Asks another agent, as the API would; it comes into being if it did not exist. Not held back until
   * this turn is committed. Rejects with a BridgeError.
   */
  ask(address: AgentAddress, name: string, body: unknown): Promise<unknown>;
  /** Deletes everything of this agent when the turn ends. */
  forget(): void;
  /** Runs a part of the turn; when it throws (synchronously), its writes and effects are taken back. */
  attempt<T>(part: () => T): T;
  /** An id for something this turn sends out: the same again when the turn is replayed after a crash. */
  effectId(): string;
  /** When the agent last entered memory, ms since epoch. */
  readonly wokeAtMs: number;
  readonly counters: AgentCounters;
  /** What goes on in the whole shard, for built-in agents. */
  readonly shard: ShardView;
}

export interface ActorBehaviour {
  /** Once per wake, before any record. */
  start(): void | Promise<void>;
  receive(record: InboundRecord): void | Promise<void>;
  alarm(nowMs: number): void | Promise<void>;
  /** A turn failed with `error` while handling `record`: keep what is needed to explain it. */
  failed(record: InboundRecord, error: unknown): void;
  /** Called before what the actor wrote is committed: the last moment to add frames. Must not throw. */
  beforeCommit(): void;
  /** Whether the actor may leave memory now (no request waits for it, no timer runs). */
  isIdle(): boolean;
  /** It leaves memory. */
  stop(): void;
}

export interface ActorKind {
  /** Ephemeral actors have no row: nothing of them is stored. */
  readonly isEphemeral: boolean;
  create(context: ActorContext): ActorBehaviour;
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

export interface ShardView {
  /** Since when messages can arrive, ms since epoch. */
  readonly startedAtMs: number;
  /** Calls back with the keys (`model/id`) each commit changed, until the returned function is called. */
  onCommitted(listener: (keys: Iterable<string>) => void): () => void;
  summary(key: string): AgentSummary | undefined;
  totals(): Record<string, number>;
  after(delayMs: number, callback: () => void): () => void;
  readonly attention: AttentionList;
}
