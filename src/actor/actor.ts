/** One agent awake, as its shard sees it: its mailbox, its lifecycle, what it wrote since the last commit. */
import type { AgentAddress } from '../base/address.ts';
import type { BridgeError } from '../base/errors.ts';
import type { AgentChange, AgentFile, AuditEntry, FoundAgent, HistoryBuffer } from '../store/index.ts';
import { LiveContext } from './actor-context.ts';
import type { ActorHost } from './actor-host.ts';
import type { ActorBehaviour, ActorKind } from './behaviour.ts';
import { FollowUps } from './follow-ups.ts';
import { Mailbox } from './mailbox.ts';
import type { BatchProgress } from './progress.ts';
import type { Effect } from './shard-effects.ts';
import type { Work } from './work.ts';

export class Actor extends LiveContext implements AgentChange {
  readonly behaviour: ActorBehaviour;
  readonly mailbox: Mailbox;
  override readonly followUps: FollowUps;
  lastActiveMs: number;
  isDirty = false;
  isAlarmQueued = false;
  #inheritance: Work[] | undefined;

  constructor(address: AgentAddress, key: string, found: FoundAgent, kind: ActorKind, host: ActorHost) {
    super(address, key, found, kind.isBuiltIn, host);
    this.lastActiveMs = this.wokeAtMs;
    this.mailbox = new Mailbox(() => host.scheduleCommit());
    this.followUps = new FollowUps(this, host);
    this.behaviour = kind.create(this);
  }

  /** Whether it is to be stored: one that is built in may have nothing to keep. */
  get isKept(): boolean {
    if (!this.isBuiltIn || this.row.isStored || this.file !== null || this.audits.length > 0) return true;
    return this.writes.documents.hasChanges;
  }

  /** Whether somebody will be told of something that no replay does again. */
  get isToldSynced(): boolean {
    const { synced } = this.turn;
    if (synced !== 'changes') return synced === 'everything';
    return this.writes.documents.hasChanges || this.file?.isWriting === true;
  }

  /** Where its rows are: with those of others, or in a file of its own. */
  get storage(): 'light' | 'heavy' {
    return this.file === null ? 'light' : 'heavy';
  }

  /** @param cause what makes ids of this turn's effects the same at a replay; empty for none. */
  beginTurn(cause: string): void {
    this.writes.beginTurn(cause);
  }

  /** A piece beside the lanes runs; to be called when its synchronous part has ended. */
  interruptTurn(): () => void {
    return this.mailbox.isMidTurn ? this.writes.interruptTurn() : () => undefined;
  }

  /** Gives the agent up: drops what is not committed, returns the last answers to those who wait for it. */
  abandon(error: BridgeError): readonly Effect[] {
    this.writes.outbox.rollBack(0);
    this.behaviour.abandoned(error);
    this.turn.abandon();
    return this.writes.abandon();
  }

  /** Takes back what the turn wrote before it threw. */
  rollBackTurn(): void {
    this.writes.rollBackTurn();
  }

  /** Notes that a journaled message was applied; it counts when this actor is committed. */
  applied(sequence: number, progress: BatchProgress): void {
    this.row.appliedSequence = sequence;
    this.turn.applied(progress);
    this.markDirty();
  }

  get cells(): Iterable<readonly [string, string | null]> {
    return this.writes.documents.changes();
  }

  get history(): HistoryBuffer | null {
    return this.writes.history;
  }

  get file(): AgentFile | null {
    return this.writes.database.file;
  }

  get audits(): readonly AuditEntry[] {
    return this.writes.outbox.notes;
  }

  /** It is forgotten: what still comes for its address is for the agent after it. */
  bequeath(work: Work): void {
    (this.#inheritance ??= []).push(work);
  }

  /** Hands over what the agent after it gets, in the order in which it came. */
  takeInheritance(): readonly Work[] {
    const inheritance = this.#inheritance ?? [];
    this.#inheritance = undefined;
    return inheritance;
  }

  /** After a successful commit: forgets what was written and hands out the effects. */
  takeCommitted(): readonly Effect[] {
    this.turn.committed();
    this.isDirty = false;
    return this.writes.takeCommitted();
  }

  override hibernate(): void {
    this.host.leaveSoon(this);
  }

  override markDirty(): void {
    this.turn.assertPresent();
    if (this.isDirty) return;
    this.isDirty = true;
    this.host.markDirty(this);
  }
}
