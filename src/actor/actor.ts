/**
 * One agent awake: its row, its documents, what it wrote since the last commit.
 *
 * I1 Writes collect here until the shard commits; they are repeated unchanged if a commit fails.
 * I2 Effects leave only with the commit of the writes they belong to.
 * I3 A turn that throws synchronously leaves no write and no effect behind.
 */
import type { ErrorCode } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import {
  HistoryBuffer,
  type AgentChange,
  type AgentRow,
  type HistorySeries,
  type Presence,
} from '../store/index.ts';
import type { AgentAddress } from '../base/address.ts';
import type { ActorBehaviour, ActorContext, ActorKind, HistoryQuery, ShardView } from './behaviour.ts';
import type { Connection } from './connections.ts';
import { Documents } from './documents.ts';
import { Mailbox } from './mailbox.ts';
import { EFFECT, FLAG_FAILED, FLAG_QOS1, FLAG_RETAIN, FLAG_TEXT } from './messages.ts';
import type { ActorHost } from './actor-host.ts';
import type { BatchProgress } from './progress.ts';
import type { Publication } from './port.ts';
import type { Effect } from './shard-effects.ts';

const NO_BYTES = new Uint8Array(0);
const NO_CONNECTIONS: readonly number[] = Object.freeze([]);

export class Actor implements ActorContext, AgentChange {
  readonly address: AgentAddress;
  readonly key: string;
  readonly row: AgentRow;
  readonly isEphemeral: boolean;
  readonly behaviour: ActorBehaviour;
  readonly mailbox: Mailbox;
  lastActiveMs: number;
  readonly wokeAtMs: number;
  isDirty = false;
  isForgotten = false;
  isAlarmQueued = false;
  /** Journal batches with messages applied here and not committed yet. */
  readonly appliedOf: { progress: BatchProgress; count: number }[] = [];

  readonly #host: ActorHost;
  readonly #documents: Documents;
  #effects: Effect[] = [];
  #effectsAtTurnStart = 0;
  #cause = '';
  #later: (() => void | Promise<void>)[] = [];
  readonly #takenBackListeners: ((name: string) => void)[] = [];
  #effectNumber = 0;
  #history: HistoryBuffer | null = null;

  constructor(address: AgentAddress, key: string, row: AgentRow, kind: ActorKind, host: ActorHost) {
    this.address = address;
    this.key = key;
    this.row = row;
    this.isEphemeral = kind.isEphemeral;
    this.#host = host;
    this.#documents = new Documents(row.isStored ? host.store.cells(row.key) : new Map<string, string>());
    this.lastActiveMs = this.wokeAtMs = host.clock.now();
    this.mailbox = new Mailbox(() => host.scheduleCommit());
    this.behaviour = kind.create(this);
  }

  // --- ActorContext ------------------------------------------------------------------------------

  get log(): Log {
    return this.#host.log;
  }

  get counters(): ActorContext['counters'] {
    return this.#host.counters;
  }

  get shard(): ShardView {
    return this.#host.overview;
  }

  now(): number {
    return this.#host.clock.now();
  }

  cell(name: string): unknown {
    return this.#documents.get(name);
  }

  setCell(name: string, value: unknown): void {
    this.#documents.set(name, value);
    this.markDirty();
  }

  cellNames(prefix: string): string[] {
    return this.#documents.names(prefix);
  }

  later(turn: () => void | Promise<void>): void {
    this.#later.push(turn);
    this.markDirty();
  }

  onTakenBack(listener: (name: string) => void): void {
    this.#takenBackListeners.push(listener);
  }

  get presence(): Presence {
    return this.row.presence;
  }

  setPresence(presence: Presence): void {
    this.row.presence = presence;
    this.markDirty();
  }

  get lastSeenMs(): number | null {
    return this.row.lastSeenMs;
  }

  get messages(): number {
    return this.row.messages;
  }

  countMessage(receivedAtMs: number): void {
    this.row.messages++;
    this.row.lastSeenMs = receivedAtMs;
    this.markDirty();
  }

  get rejected(): number {
    return this.row.rejected;
  }

  countRejected(): void {
    this.row.rejected++;
    this.#host.counters.messagesRejected++;
    this.markDirty();
  }

  deviceConnections(): readonly number[] {
    return this.#host.connections.devicesOf(this.key);
  }

  addHistory(tsMs: number, values: Record<string, number | boolean | string>): void {
    this.#history ??= new HistoryBuffer();
    this.#history.add(tsMs, values);
    this.markDirty();
  }

  queryHistory(query: HistoryQuery): HistorySeries[] {
    return this.#host.queryHistory(this.row.key, query);
  }

  setAlarm(atMs: number | null): void {
    if (this.row.alarmAtMs === atMs) return;
    this.row.alarmAtMs = atMs;
    this.markDirty();
  }

  connections(): readonly Connection[] {
    return this.#host.connections.of(this.key);
  }

  connection(id: number): Connection | undefined {
    return this.#host.connections.get(id, this.key);
  }

  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void {
    this.#effect(EFFECT.send, isText ? FLAG_TEXT : 0, 0, 0, '', connections, frame);
  }

  close(connection: number, code: number, reason: string): void {
    this.#effect(EFFECT.close, 0, code, connection, reason, NO_CONNECTIONS, NO_BYTES);
  }

  publish(publication: Publication): void {
    const flags = (publication.retain ? FLAG_RETAIN : 0) | (publication.qos === 1 ? FLAG_QOS1 : 0);
    const { connection, topic, payload } = publication;
    this.#effect(EFFECT.publish, flags, 0, connection, topic, NO_CONNECTIONS, payload);
  }

  reply(request: number, value: unknown): void {
    const json = Buffer.from(JSON.stringify(value ?? null));
    this.#effect(EFFECT.reply, 0, 0, request, '', NO_CONNECTIONS, json);
  }

  replyError(request: number, code: ErrorCode, message: string, details?: Record<string, unknown>): void {
    const json = Buffer.from(JSON.stringify({ message, details }));
    this.#effect(EFFECT.reply, FLAG_FAILED, 0, request, code, NO_CONNECTIONS, json);
  }

  ask(address: AgentAddress, name: string, body: unknown): Promise<unknown> {
    return this.#host.asks.ask(address, name, body);
  }

  forget(): void {
    this.isForgotten = true;
    this.markDirty();
  }

  // --- for the shard -----------------------------------------------------------------------------

  /** @param cause what makes ids of this turn's effects the same at a replay; empty for none. */
  beginTurn(cause: string): void {
    this.#documents.keep();
    this.#effectsAtTurnStart = this.#effects.length;
    this.#cause = cause;
    this.#effectNumber = 0;
  }

  /** Takes back what the turn wrote before it threw. */
  rollBackTurn(): void {
    this.#rollBack(0, this.#effectsAtTurnStart);
  }

  attempt<T>(part: () => T): T {
    const undoMark = this.#documents.mark();
    const effectMark = this.#effects.length;
    try {
      return part();
    } catch (error) {
      this.#rollBack(undoMark, effectMark);
      throw error;
    }
  }

  effectId(): string {
    return this.#cause === '' ? newId() : `${this.#cause}.${this.#effectNumber++}`;
  }

  #rollBack(undoMark: number, effectMark: number): void {
    const names = this.#documents.rollBack(undoMark);
    for (const listener of this.#takenBackListeners) for (const name of names) listener(name);
    this.#effects.length = Math.min(this.#effects.length, effectMark);
  }

  /** Notes that a journaled message was applied; it counts when this actor is committed. */
  applied(sequence: number, progress: BatchProgress): void {
    this.row.appliedSequence = sequence;
    const last = this.appliedOf.at(-1);
    if (last?.progress === progress) last.count++;
    else this.appliedOf.push({ progress, count: 1 });
    this.markDirty();
  }

  get cells(): Iterable<readonly [string, string | null]> {
    return this.#documents.changes();
  }

  get history(): HistoryBuffer | null {
    return this.#history;
  }

  /** After a successful commit: forgets what was written and hands out the effects. */
  takeCommitted(): readonly Effect[] {
    this.#documents.committed();
    this.appliedOf.length = 0;
    this.#effectsAtTurnStart = 0; // a turn that read its history is committed so far
    this.#history?.clear();
    this.isDirty = false;
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** After a commit: starts the turns of the thought lane that waited for it. */
  startLater(): void {
    const turns = this.#later;
    if (turns.length === 0) return;
    this.#later = [];
    for (const turn of turns) this.mailbox.run('thought', () => this.#host.contain(this, turn));
  }

  #effect(
    kind: Effect['kind'],
    flags: number,
    code: number,
    id: number,
    text: string,
    connections: readonly number[],
    payload: Uint8Array,
  ): void {
    this.#effects.push({ kind, flags, code, id, text, connections, payload });
    this.markDirty();
  }

  /** There is something to commit. */
  markDirty(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    this.#host.markDirty(this);
  }
}
