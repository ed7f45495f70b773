/** A program that waits for people, as the agent stores it: enough to run it again from its beginning. Pure. */
import type { ApprovalDecision, CallRecord, CompiledProgram, RecordedCall } from '../../tools/index.ts';
import { describeEnd, type Approval } from '../approvals/approval.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import type { ProgramAnswer } from './program-answer.ts';
import type { CallConsent } from './program-bindings.ts';

/** A person's word about one call. */
export interface CallDecision {
  readonly kind: 'approved' | 'denied';
  /** Who approved, as the audit log names people; or why not, for the program. */
  readonly text: string;
  /** When people were asked, ms since epoch. */
  readonly askedAtMs?: number;
}

/** A call that was not made: it waits for people, or they have decided. */
export interface PausedCall {
  readonly approval: string;
  readonly sequence: number;
  readonly argumentsHash: string;
  readonly decision: CallDecision | null;
}

export interface PausedProgram {
  readonly id: string;
  readonly text: string;
  readonly seed: number;
  /** What it sees as now, ms since epoch. */
  readonly nowMs: number;
  /** As the audit log names who had it run. */
  readonly by: string;
  /** The call of a chat that gets its result. */
  readonly toolCallId: string | null;
  readonly calls: readonly RecordedCall[];
  /** The calls that wait, and those of earlier pauses that were decided. */
  readonly paused: readonly PausedCall[];
  /** `running`: it goes on; found at a wake, nobody knows what came of it. */
  readonly state: 'waiting' | 'decided' | 'running';
}

/** With the decision in it; undefined when the approval is none of this program's. */
export function withDecision(
  program: PausedProgram,
  approval: Approval,
  by: string,
): PausedProgram | undefined {
  if (program.state !== 'waiting') return undefined;
  const isOne = ({ approval: id, decision }: PausedCall): boolean => id === approval.id && decision === null;
  if (!program.paused.some(isOne)) return undefined;
  const decision: CallDecision =
    approval.status === 'approved'
      ? { kind: 'approved', text: by, askedAtMs: approval.createdAtMs }
      : { kind: 'denied', text: describeEnd(approval) };
  const paused = program.paused.map((call) => (isOne(call) ? { ...call, decision } : call));
  const state = paused.every((call) => call.decision !== null) ? 'decided' : 'waiting';
  return { ...program, paused, state };
}

/** What people decided, for a replay. */
export function decisionsOf(
  { paused }: Pick<PausedProgram, 'paused'>,
  { hash: programHash }: CompiledProgram,
): ApprovalDecision[] {
  return paused.flatMap(({ sequence, argumentsHash, decision }) => {
    if (decision === null) return [];
    const { kind, text } = decision;
    const reason = kind === 'denied' ? { reason: text } : {};
    return [{ programHash, sequence, argumentsHash, kind, ...reason }];
  });
}

/** Who approved the call of this number, as the audit log names people, and when they were asked. */
export function consentIn({ paused }: Pick<PausedProgram, 'paused'>, sequence: number): CallConsent {
  const call = paused.find((one) => one.sequence === sequence && one.decision?.kind === 'approved');
  return { by: call?.decision?.text ?? 'nobody', askedAtMs: call?.decision?.askedAtMs };
}

/** What came of one approved call, for whoever looks at its approval. */
export function outcomeOf(call: CallRecord | undefined, answer: ProgramAnswer): JsonObject {
  const said = call?.answer;
  if (said === undefined) {
    const why = answer.outcome === 'failed' ? `: ${answer.error}` : '';
    return { outcome: 'not made', explanation: `the program did not come to this call${why}` };
  }
  if (said.kind === 'error') return { outcome: 'failed', explanation: `${said.code}: ${said.message}` };
  return isJsonObject(said.value) ? said.value : { outcome: 'done', explanation: JSON.stringify(said.value) };
}
