/**
 * Abort and replay: a run that needs a person's consent ends; when the consent is there the program runs again
 * from its beginning and calls made before are answered from their records. A program is a function of its text,
 * seed, time and the answers in their order, so it asks the same again: calls are served by their number, and
 * answers go back in the order of the first run. A call that differs from its record ends the run (`diverged`).
 */
import { canonicalJson, sha256, type Json } from './hostile-json.ts';
import type { CallAnswer } from './tool-host.ts';

/** A call of an earlier run of the same program, as `RunResult.calls` has it. */
export interface RecordedCall {
  /** Number of the call in its run, from 0, in the order the program made them. */
  readonly sequence: number;
  readonly namespace: string;
  readonly tool: string;
  /** SHA-256 of the canonical JSON of the arguments. */
  readonly argumentsHash: string;
  /** What the program got; undefined when it got nothing: such a call is made again. */
  readonly answer?: CallAnswer;
  /** Place among the answers of its run, from 0. */
  readonly answered?: number;
}

/** What a person decided about a paused call. Bound to program, call and arguments. */
export interface ApprovalDecision {
  readonly programHash: string;
  readonly sequence: number;
  readonly argumentsHash: string;
  readonly kind: 'approved' | 'denied';
  /** Told to the program with a denial. */
  readonly reason?: string;
}

export interface CallIdentity {
  readonly sequence: number;
  readonly namespace: string;
  readonly tool: string;
  readonly argumentsHash: string;
}

export type Served =
  | { readonly kind: 'live'; readonly isApproved: boolean }
  | { readonly kind: 'recorded' }
  | { readonly kind: 'denied'; readonly answer: CallAnswer }
  | { readonly kind: 'diverged'; readonly message: string };

/** Hash that binds a call to its arguments. */
export function hashArguments(args: Json): string {
  return sha256(canonicalJson(args));
}

/** The records of a replay, used up from first to last. */
export class ReplayLog {
  readonly #calls: ReadonlyMap<number, RecordedCall>;
  /** Sequence numbers in the order their answers went out. */
  readonly #order: readonly number[];
  readonly #decisions: ReadonlyMap<number, ApprovalDecision>;
  readonly #asked = new Set<number>();
  #delivered = 0;

  /** Decisions about another program are left out: they bind to nothing here. */
  constructor(
    recorded: readonly RecordedCall[],
    decisions: readonly ApprovalDecision[],
    programHash: string,
  ) {
    this.#calls = new Map(recorded.map((call) => [call.sequence, call]));
    this.#order = recorded
      .filter(({ answer }) => answer !== undefined)
      .sort((a, b) => (a.answered ?? a.sequence) - (b.answered ?? b.sequence))
      .map(({ sequence }) => sequence);
    const own = decisions.filter((decision) => decision.programHash === programHash);
    this.#decisions = new Map(own.map((decision) => [decision.sequence, decision]));
  }

  /** Whether answers of the earlier run are still to come; live ones wait for them. */
  get isReplaying(): boolean {
    return this.#delivered < this.#order.length;
  }

  /** How the call is to be answered. */
  serve(call: CallIdentity): Served {
    const record = this.#calls.get(call.sequence);
    if (record !== undefined && !isSame(record, call)) {
      const message = `call ${call.sequence} was ${record.namespace}.${record.tool}, now it is ${call.namespace}.${call.tool} or has other arguments`;
      return { kind: 'diverged', message };
    }
    if (record?.answer !== undefined) {
      this.#asked.add(call.sequence);
      return { kind: 'recorded' };
    }
    const decision = this.#decisions.get(call.sequence);
    if (decision === undefined) return { kind: 'live', isApproved: false };
    if (decision.argumentsHash !== call.argumentsHash) {
      return {
        kind: 'diverged',
        message: `call ${call.sequence} has other arguments than were decided about`,
      };
    }
    if (decision.kind === 'approved') return { kind: 'live', isApproved: true };
    return {
      kind: 'denied',
      answer: { kind: 'error', code: 'denied', message: decision.reason ?? 'a person denied this call' },
    };
  }

  /** Answers that may go out now, in the order of the earlier run; each once. */
  takeDeliverable(): { readonly sequence: number; readonly answer: CallAnswer }[] {
    const ready = [];
    for (;;) {
      const sequence = this.#order[this.#delivered];
      if (sequence === undefined || !this.#asked.has(sequence)) return ready;
      const answer = this.#calls.get(sequence)?.answer;
      if (answer !== undefined) ready.push({ sequence, answer });
      this.#delivered++;
    }
  }
}

function isSame(record: RecordedCall, call: CallIdentity): boolean {
  return (
    record.namespace === call.namespace &&
    record.tool === call.tool &&
    record.argumentsHash === call.argumentsHash
  );
}
