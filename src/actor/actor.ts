/**
 * One agent awake: its row, its documents, what it wrote since the last commit.
 * (`turn-writes.ts`).
 */
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type {
  AgentChange,
  AgentFile,
  AgentRow,
  AuditEntry,
  HistoryBuffer,
  HistorySeries,
  Presence,
} from '../store/index.ts';
import type { AgentAddress } from '../base/address.ts';
import type {
  ActorBehaviour,
  ActorContext,
  ActorKind,
  AgentDatabase,
  HistoryQuery,
  ShardView,
} from './behaviour.ts';
import type { Connection } from './connections.ts';
import { CurrentTurn } from './current-turn.ts';
import { FollowUps } from './follow-ups.ts';
import { Mailbox } from './mailbox.ts';
import type { ActorHost } from './actor-host.ts';
import type { BatchProgress } from './progress.ts';
import type { AuditNote } from './outbox.ts';
import type { Publication } from './port.ts';
import type { Effect } from './shard-effects.ts';
import { TurnWrites } from './turn-writes.ts';

export class Actor implements ActorContext, AgentChange {
  readonly address: AgentAddress;
  readonly key: string;
  readonly row: AgentRow;
  readonly isEphemeral: boolean;
  readonly behaviour: ActorBehaviour;
  readonly mailbox: Mailbox;
  /** Begun by the shard after each commit. */
  readonly followUps: FollowUps;
  lastActiveMs: number;
  readonly wokeAtMs: number;
  isDirty = false;
  isForgotten = false;
  isAlarmQueued = false;
  /** It runs without its author's code. */
  isHeld = false;
  readonly turn = new CurrentTurn();
  /** Journal batches with messages applied here and not committed yet. */
  readonly appliedOf: { progress: BatchProgress; count: number }[] = [];

  readonly #host: ActorHost;
  readonly #writes: TurnWrites;
  /** History of messages up to this one is stored, although the agent's file does not know of them. */
  readonly #historySequence: number;
  #log: Log | undefined;

  constructor(address: AgentAddress, key: string, row: AgentRow, kind: ActorKind, host: ActorHost) {
    this.address = address;
    this.key = key;
    this.row = row;
    this.isEphemeral = kind.isEphemeral;
    this.#host = host;
    this.lastActiveMs = this.wokeAtMs = host.clock.now();
    const loaded = host.store.load(row, this.wokeAtMs);
    if (loaded.damage !== undefined) {
      this.log.error(loaded.damage, 'agent file cannot be read: put aside, the agent begins anew');
    }
    this.#historySequence = loaded.historySequence;
    this.#writes = new TurnWrites(
      loaded,
      () => this.#becomeHeavy(),
      () => this.markDirty(),
      (document, error) => this.log.error({ document, err: String(error) }, 'stored document is no JSON'),
    );
    this.mailbox = new Mailbox(() => host.scheduleCommit());
    this.followUps = new FollowUps(this, host);
    this.behaviour = kind.create(this);
  }

  // --- ActorContext ------------------------------------------------------------------------------

  get log(): Log {
    return (this.#log ??= this.#host.log.child({ agent: this.key }));
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
    return this.#writes.documents.get(name);
  }

  setCell(name: string, value: unknown): void {
    this.#writes.documents.set(name, value);
    this.markDirty();
  }

  cellNames(prefix: string): string[] {
    return this.#writes.documents.names(prefix);
  }

  later(turn: () => void | Promise<void>): void {
    this.followUps.later(turn);
  }

  aside(piece: (isCommitted: boolean) => void, isEager = false): void {
    this.followUps.aside(piece, isEager);
  }

  onTakenBack(listener: (name: string) => void): void {
    this.#writes.onTakenBack(listener);
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
    // Messages of an agent come in order: the one at hand is not beyond that one either.
    if (this.row.appliedSequence < this.#historySequence) return;
    this.#writes.addHistory(tsMs, values);
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
    this.#writes.outbox.send(connections, frame, isText);
  }

  close(connection: number, code: number, reason: string): void {
    this.#writes.outbox.close(connection, code, reason);
  }

  publish(publication: Publication): void {
    this.#writes.outbox.publish(publication);
  }

  reply(request: number, value: unknown): void {
    this.#writes.outbox.reply(request, value);
  }

  replyError(request: number, code: ErrorCode, message: string, details?: Record<string, unknown>): void {
    this.#writes.outbox.replyError(request, code, message, details);
  }

  audit(entry: AuditNote): void {
    this.#writes.outbox.note({ ...entry, tsMs: this.now(), agent: this.key });
  }

  ask(address: AgentAddress, name: string, body: unknown): Promise<unknown> {
    return this.#host.asks.ask(address, name, body);
  }

  forget(): void {
    this.isForgotten = true;
    this.markDirty();
  }

  hibernate(): void {
    this.#host.leaveSoon(this);
  }

  get database(): AgentDatabase {
    return this.#writes.database;
  }

  // --- for the shard -----------------------------------------------------------------------------

  /** Where its rows are: with those of others, or in a file of its own. */
  get storage(): 'light' | 'heavy' {
    return this.file === null ? 'light' : 'heavy';
  }

  /** @param cause what makes ids of this turn's effects the same at a replay; empty for none. */
  beginTurn(cause: string): void {
    this.#writes.beginTurn(cause);
  }

  /** Gives the agent up: drops what is not committed, returns the last answers to those who wait for it. */
  abandon(error: BridgeError): readonly Effect[] {
    this.#writes.outbox.rollBack(0);
    this.behaviour.abandoned(error);
    this.turn.abandon();
    this.#writes.database.abandon();
    return this.#writes.outbox.take();
  }

  /** Takes back what the turn wrote before it threw. */
  rollBackTurn(): void {
    this.#writes.rollBackTurn();
  }

  attempt<T>(part: () => T): T {
    return this.#writes.attempt(part);
  }

  effectId(): string {
    return this.#writes.effectId();
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
    return this.#writes.documents.changes();
  }

  get history(): HistoryBuffer | null {
    return this.#writes.history;
  }

  get file(): AgentFile | null {
    return this.#writes.database.file;
  }

  get audits(): readonly AuditEntry[] {
    return this.#writes.outbox.notes;
  }

  /** After a successful commit: forgets what was written and hands out the effects. */
  takeCommitted(): readonly Effect[] {
    this.appliedOf.length = 0;
    this.turn.committed();
    this.isDirty = false;
    return this.#writes.takeCommitted();
  }

  #becomeHeavy(): AgentFile {
    if (this.isEphemeral) throw new BridgeError('BRG_STORAGE', 'a built-in agent has no database');
    this.log.debug({}, 'agent gets a file of its own');
    return this.#host.store.promote(this.row);
  }

  /** There is something to commit. */
  markDirty(): void {
    this.turn.assertPresent();
    if (this.isDirty) return;
    this.isDirty = true;
    this.#host.markDirty(this);
  }
}
