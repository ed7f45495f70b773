/** Rows of the audit log about approvals: who asked for one, each person's word, and how it ended. */
import type { ActorContext } from '../../actor/index.ts';
import type { Approval, ApprovalVote } from './approval.ts';

export function noteRequested(context: ActorContext, approval: Approval): void {
  const { arguments: input, binding, explanation, needed, expiresAtMs, origin } = approval;
  const detail = { arguments: input, binding, explanation, needed, expiresAtMs, origin };
  note(context, approval, 'requested', approval.requestedBy, detail);
}

/** Another person has to approve as well. */
export function noteVoted(context: ActorContext, approval: Approval, vote: ApprovalVote): void {
  const { by: person, reason, via } = vote;
  const detail = { person, reason, vote: approval.votes.length, needed: approval.needed };
  note(context, approval, 'voted', via, detail);
}

/** @param by who ended it, as the audit log names it; what people said is in the detail */
export function noteDecided(context: ActorContext, approval: Approval, by: string): void {
  const { status, votes, binding } = approval;
  note(context, approval, status, by, { binding, votes });
}

function note(
  context: ActorContext,
  { id, tool, votes }: Approval,
  event: string,
  by: string,
  detail: object,
) {
  const row = `${context.address.model}/${context.address.id}.${id}.${event}.${votes.length}`;
  context.audit({ id: row, kind: 'approval', event, subject: `${tool}/${id}`, by, detail });
}
