/** What the behaviour of an awake agent may touch: each call goes on to who does the work. */
import type { ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { AgentAddress } from '../base/address.ts';
import type { AgentFile, AgentRow, FoundAgent, HistorySeries, Presence } from '../store/index.ts';
import type { ActorHost } from './actor-host.ts';
import type { ActorContext, AgentDatabase, FleetView, HistoryQuery, ShardView } from './behaviour.ts';
import type { Connection } from './connections.ts';
import { CurrentTurn } from './current-turn.ts';
import type { FollowUps } from './follow-ups.ts';
import type { AuditNote } from './outbox.ts';
import type { Publication } from './port.ts';
import { standingOf } from './standing.ts';
import { TurnWrites, type Writer } from './turn-writes.ts';

export abstract class LiveContext implements ActorContext, Writer {
  readonly address: AgentAddress;
  readonly key: string;
  readonly row: AgentRow;
  readonly isBuiltIn: boolean;
  readonly wokeAtMs: number;
  readonly turn = new CurrentTurn();
  isForgotten = false;
  /** Begun by the shard after each commit. */
  abstract readonly followUps: FollowUps;
  protected readonly host: ActorHost;
  protected readonly writes: TurnWrites;
  /** History of messages up to this one is stored, although the agent's file does not know of them. */
  readonly #historySequence: number;
  #log: Log | undefined;

  /** Loads what is stored of the agent. @throws BridgeError BRG_STORE, BRG_BUSY */
  constructor(address: AgentAddress, key: string, found: FoundAgent, isBuiltIn: boolean, host: ActorHost) {
    this.address = address;
    this.key = key;
    this.row = found.row;
    this.isBuiltIn = isBuiltIn;
    this.host = host;
    this.wokeAtMs = host.clock.now();
    const loaded = host.store.load(found, this.wokeAtMs);
    if (loaded.damage !== undefined) {
      this.log.error(loaded.damage, 'agent file cannot be read: put aside, the agent begins anew');
    }
    this.#historySequence = loaded.historySequence;
    this.writes = new TurnWrites(loaded, this);
  }

  /** There is something to commit. */
  abstract markDirty(): void;
  abstract hibernate(): void;

  get log(): Log {
    return (this.#log ??= this.host.log.child({ agent: this.key }));
  }

  get counters(): ActorContext['counters'] {
    return this.host.counters;
  }

  get shard(): ShardView {
    return this.host.overview;
  }

  get fleet(): FleetView {
    return this.host.fleet;
  }

  now(): number {
    return this.host.clock.now();
  }

  cell(name: string): unknown {
    return this.writes.documents.get(name);
  }

  setCell(name: string, value: unknown): void {
    this.writes.documents.set(name, value);
    this.markDirty();
  }

  cellNames(prefix: string): string[] {
    return this.writes.documents.names(prefix);
  }

  cellKinds(): ReadonlySet<string> {
    return this.writes.documents.kinds();
  }

  later(turn: () => void | Promise<void>): void {
    this.followUps.later(turn);
  }

  aside(piece: (isCommitted: boolean) => void, isEager = false): void {
    this.followUps.aside(piece, isEager);
  }

  onTakenBack(listener: (name: string) => void): void {
    this.writes.onTakenBack(listener);
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
    this.host.counters.messagesRejected++;
    this.markDirty();
  }

  deviceConnections(): readonly number[] {
    return this.host.connections.devicesOf(this.key);
  }

  addHistory(tsMs: number, values: Record<string, number | boolean | string>): void {
    // Messages of an agent come in order: the one at hand is not beyond that one either.
    if (this.row.appliedSequence < this.#historySequence) return;
    this.writes.addHistory(tsMs, values);
    this.markDirty();
  }

  queryHistory(query: HistoryQuery): HistorySeries[] {
    // What the turn has added is not committed before it ends.
    return this.host.store.history.query(this.row.key, query, this.writes.history);
  }

  setAlarm(atMs: number | null): void {
    if (this.row.alarmAtMs === atMs) return;
    this.row.alarmAtMs = atMs;
    this.markDirty();
  }

  connections(): readonly Connection[] {
    return this.host.connections.of(this.key);
  }

  connection(id: number): Connection | undefined {
    return this.host.connections.get(id, this.key);
  }

  remember(connection: Connection, what: unknown): void {
    const standing = standingOf(connection, what);
    if (standing === connection.standing) return;
    connection.standing = standing;
    this.writes.outbox.standing(connection.id, standing);
  }

  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void {
    this.writes.outbox.send(connections, frame, isText);
  }

  close(connection: number, code: number, reason: string): void {
    this.writes.outbox.close(connection, code, reason);
  }

  publish(publication: Publication): void {
    this.writes.outbox.publish(publication);
  }

  reply(request: number, value: unknown): void {
    this.writes.outbox.reply(request, value);
  }

  replyError(request: number, code: ErrorCode, message: string, details?: Record<string, unknown>): void {
    this.writes.outbox.replyError(request, code, message, details);
  }

  audit(entry: AuditNote): void {
    this.writes.outbox.note({ ...entry, tsMs: this.now(), agent: this.key });
  }

  ask(address: AgentAddress, name: string, body: unknown, timeoutMs?: number): Promise<unknown> {
    this.turn.assertPresent();
    return this.host.asks.ask(address, name, body, timeoutMs);
  }

  forget(): void {
    this.isForgotten = true;
    this.markDirty();
  }

  get database(): AgentDatabase {
    return this.writes.database;
  }

  attempt<T>(part: () => T): T {
    return this.writes.attempt(part);
  }

  effectId(): string {
    return this.writes.effectId() ?? this.host.chance.newId();
  }

  becomeHeavy(): AgentFile {
    this.log.debug({}, 'agent gets a file of its own');
    return this.host.store.promote(this.row);
  }

  damaged(document: string, error: unknown): void {
    this.log.error({ document, err: String(error) }, 'stored document is no JSON');
  }
}
