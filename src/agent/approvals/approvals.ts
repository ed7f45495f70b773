/**
 * The approvals of one agent. Each is a document, so that waiting for a person holds neither memory nor a turn: the
 * agent may sleep, and the process end, for days.
 *
 *   ask -> pending -> (enough people) -> approved -> begun, once -> its outcome
 *                  -> (one person)    -> denied
 *                  -> (its time)      -> expired: as denied
 *                  -> cancelled: whoever asked does not want it any more
 *
 * I1 It is decided once, in one turn; who comes later is told so. Whoever asked hears of it in that turn.
 * I2 Only the clock decides whether it has expired: an alarm that comes late approves nothing.
 * I3 Two votes of one person are one.
 * I4 What was approved is begun once: `begin` is committed together with what it sends, or not at all.
 */
import type { ActorContext } from '../../actor/index.ts';
import { addressKey } from '../../base/address.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { CellTable } from '../jobs/cell-table.ts';
import type { JsonObject } from '../merge-patch.ts';
import type { Outbound } from '../outbound.ts';
import { noteDecided, noteRequested, noteVoted } from './approval-notes.ts';
import {
  describeEnd,
  isSamePerson,
  type Approval,
  type ApprovalOrigin,
  type ApprovalStatus,
  type ApprovalVote,
} from './approval.ts';

/** What a person is asked. */
export interface ApprovalQuestion {
  readonly origin: ApprovalOrigin;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly binding: string;
  readonly explanation: string;
  readonly requestedBy: string;
  /** Default `asker`. */
  readonly runBy?: Approval['runBy'];
  /** Default 1. */
  readonly needed?: 1 | 2;
  /** Default `limits.approvalTtlMs`. */
  readonly ttlMs?: number;
}

/** A person's word, and the way it came. `via`: as the audit log names it; default: `by`. */
export interface Decision {
  readonly approved: boolean;
  readonly by: string;
  readonly via?: string;
  readonly reason?: string;
}

type Listener = (approval: Approval) => void;

/** As it is stored: an agent that was imported under another name has another address. */
type Stored = Omit<Approval, 'agent'>;

export class Approvals {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  readonly #table: CellTable<Stored>;
  readonly #listeners = new Map<ApprovalOrigin['kind'], Listener>();
  /** Earliest expiry; undefined: to be found. */
  #nextMs: number | null | undefined;

  /** @param rearm `nextAlarmMs` may have changed */
  constructor(context: ActorContext, outbound: Outbound, rearm: () => void) {
    this.#context = context;
    this.#outbound = outbound;
    const places = {
      cell: (name: string) => context.cell(name),
      setCell: (name: string, value: unknown) => context.setCell(name, value),
      cellNames: (prefix: string) => context.cellNames(prefix),
      onTakenBack: (listener: (name: string) => void) => context.onTakenBack(listener),
      rearm,
    };
    this.#table = new CellTable<Stored>(places, 'approval:', () => (this.#nextMs = undefined));
  }

  /** Called in the turn that decides: approved, denied, expired or cancelled. What it throws is logged; the decision stands. */
  onDecided(kind: ApprovalOrigin['kind'], listener: Listener): void {
    this.#listeners.set(kind, listener);
  }

  /**
   * Asks people, with this turn. The same question of the same call that still waits is not asked twice.
   * @throws BridgeError BRG_APPROVALS_FULL, BRG_PAYLOAD_TOO_LARGE; nothing is asked then
   */
  ask(question: ApprovalQuestion): Approval {
    const known = this.pending.find(({ origin, binding }) => {
      return (
        question.origin.kind !== 'tool' && isSame(origin, question.origin) && binding === question.binding
      );
    });
    if (known !== undefined) return known;
    this.#checkRoom(question);
    const now = this.#context.now();
    const { needed = 1, runBy = 'asker', ttlMs = limits.approvalTtlMs, explanation, ...asked } = question;
    const approval = this.#put({
      ...asked,
      runBy,
      id: this.#context.effectId(),
      status: 'pending',
      explanation: explanation.slice(0, limits.approvalExplanationCharactersMax),
      createdAtMs: now,
      expiresAtMs: now + Math.min(ttlMs, limits.approvalTtlMaxMs),
      needed,
      votes: [],
      decidedAtMs: null,
      begunAtMs: null,
      outcome: null,
    });
    noteRequested(this.#context, approval);
    return approval;
  }

  /**
   * Takes one person's word: one denial denies; `needed` different people approve.
   * @throws BridgeError BRG_UNKNOWN_APPROVAL, BRG_APPROVAL_DECIDED, BRG_APPROVAL_SAME_PERSON; nothing has changed then
   */
  decide(id: string, { approved, by, via = by, reason }: Decision): Approval {
    const approval = this.#open(id);
    const { votes, needed } = approval;
    if (approved && votes.some((vote) => isSamePerson(vote.by, by))) {
      const message = `${by} has approved it already: another person has to`;
      throw new BridgeError('BRG_APPROVAL_SAME_PERSON', message);
    }
    const vote: ApprovalVote = { by, via, approved, atMs: this.#context.now(), ...reasonOf(reason) };
    const voted = { ...approval, votes: [...votes, vote] };
    if (!approved) return this.#end(voted, 'denied', via);
    if (voted.votes.length >= needed) return this.#end(voted, 'approved', via);
    noteVoted(this.#context, voted, vote);
    return this.#put(voted);
  }

  /** It is not wanted any more; nothing happens when it is decided. @param by as the audit log names it */
  cancel(id: string, by: string): void {
    const approval = this.get(id);
    if (approval?.status === 'pending') this.#end(approval, 'cancelled', by);
  }

  /** What was approved begins now, with this commit. False: it has begun before, or may not. */
  begin(id: string): boolean {
    const approval = this.get(id);
    if (approval?.status !== 'approved' || approval.begunAtMs !== null) return false;
    this.#put({ ...approval, begunAtMs: this.#context.now() });
    return true;
  }

  /** What came of it: `{ outcome, explanation, ... }` of the tool. What is too large to keep is cut to these two. */
  finish(id: string, outcome: JsonObject): void {
    const approval = this.get(id);
    if (approval?.status !== 'approved') return;
    this.#put({ ...approval, begunAtMs: approval.begunAtMs ?? this.#context.now(), outcome: kept(outcome) });
  }

  get(id: string): Approval | undefined {
    const stored = this.#table.get(id);
    return stored === undefined ? undefined : this.#whole(stored);
  }

  /** Newest first. */
  list(status: ApprovalStatus | null = null): Approval[] {
    return this.#table
      .all()
      .filter((approval) => status === null || approval.status === status)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
      .map((stored) => this.#whole(stored));
  }

  get pending(): Approval[] {
    return this.list('pending');
  }

  /** The newest one of this call of a chat's tool, also of a program that it runs. */
  ofToolCall(toolCallId: string): Approval | undefined {
    return this.list().find(({ origin }) => origin.kind !== 'tool' && origin.toolCallId === toolCallId);
  }

  /** ms since epoch; null for never. */
  nextAlarmMs(): number | null {
    if (this.#nextMs !== undefined) return this.#nextMs;
    const times = this.pending.map(({ expiresAtMs }) => expiresAtMs);
    return (this.#nextMs = times.length === 0 ? null : Math.min(...times));
  }

  alarm(nowMs: number): void {
    if ((this.nextAlarmMs() ?? Infinity) > nowMs) return;
    for (const approval of this.pending) {
      if (approval.expiresAtMs <= nowMs) this.#end(approval, 'expired', 'bridge');
    }
  }

  /** The agent is being deleted: nobody goes on with any of them. */
  drop(by: string): void {
    for (const approval of this.pending) noteDecided(this.#context, { ...approval, status: 'cancelled' }, by);
  }

  /** @throws BridgeError BRG_UNKNOWN_APPROVAL, BRG_APPROVAL_DECIDED (also for one that has expired, I2) */
  #open(id: string): Approval {
    const approval = this.get(id);
    if (approval === undefined)
      throw new BridgeError('BRG_UNKNOWN_APPROVAL', `no approval "${id}"; it may be over for long`);
    const isOver = approval.expiresAtMs <= this.#context.now();
    const status = approval.status === 'pending' && isOver ? 'expired' : approval.status;
    if (status === 'pending') return approval;
    const message = `it is ${status} already: ${describeEnd({ ...approval, status })}`;
    throw new BridgeError('BRG_APPROVAL_DECIDED', message, { details: { status } });
  }

  /** I1 */
  #end(approval: Approval, status: ApprovalStatus, by: string): Approval {
    const ended = this.#put({ ...approval, status, decidedAtMs: this.#context.now() });
    noteDecided(this.#context, ended, by);
    this.#dropOldest();
    try {
      this.#context.attempt(() => this.#listeners.get(ended.origin.kind)?.(ended));
    } catch (error) {
      this.#context.log.error({ approval: ended.id, err: String(error) }, 'who asked could not go on');
    }
    return ended;
  }

  #put(approval: Omit<Approval, 'agent'> & { readonly agent?: string }): Approval {
    const { agent: _, ...stored } = approval;
    this.#table.put(stored);
    const whole = this.#whole(stored);
    this.#outbound.broadcast({ type: 'mooring_approval', approval: { ...whole } });
    return whole;
  }

  #whole(stored: Stored): Approval {
    return { ...stored, agent: addressKey(this.#context.address) };
  }

  #checkRoom({ arguments: input }: ApprovalQuestion): void {
    const waiting = this.pending.length;
    if (waiting >= limits.approvalsPendingMax)
      throw new BridgeError('BRG_APPROVALS_FULL', `${waiting} calls wait for people already`);
    const bytes = Buffer.byteLength(JSON.stringify(input));
    if (bytes <= limits.approvalArgumentsBytesMax) return;
    const message = `a person cannot be asked about arguments of ${bytes} bytes; the limit is ${limits.approvalArgumentsBytesMax}`;
    throw new BridgeError('BRG_PAYLOAD_TOO_LARGE', message);
  }

  /** What is still to be done, or under way, stays. */
  #dropOldest(): void {
    const over = this.list().filter(({ status, outcome }) => {
      return status !== 'pending' && !(status === 'approved' && outcome === null);
    });
    for (const { id } of over.slice(limits.approvalsDecidedMax)) this.#table.delete(id);
  }
}

function isSame(one: ApprovalOrigin, other: ApprovalOrigin): boolean {
  if (one.kind === 'chat') return other.kind === 'chat' && one.toolCallId === other.toolCallId;
  if (one.kind !== 'program' || other.kind !== 'program') return false;
  return one.runId === other.runId && one.sequence === other.sequence;
}

function reasonOf(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason: reason.slice(0, limits.approvalReasonCharactersMax) };
}

function kept(outcome: JsonObject): JsonObject {
  if (Buffer.byteLength(JSON.stringify(outcome)) <= limits.approvalOutcomeBytesMax) return outcome;
  const { outcome: word = 'done', explanation = JSON.stringify(outcome) } = outcome;
  const charactersMax = limits.approvalOutcomeBytesMax / 8;
  return {
    outcome: String(word).slice(0, charactersMax),
    explanation: String(explanation).slice(0, charactersMax),
  };
}
