/** Answers of an agent to the API about its approvals: docs/design/requests.md. Bodies were checked by the gateway's schemas. */
import type { Approval, ApprovalStatus } from './approval.ts';
import type { Approvals } from './approvals.ts';

interface Bodies {
  approvals: { readonly status: ApprovalStatus | null; readonly limit: number };
  decideApproval: {
    readonly approvalId: string;
    readonly approved: boolean;
    readonly person: string;
    readonly reason?: string;
    readonly by?: string;
  };
}

/** Whether it is for these answers. */
export function isAboutApprovals(name: string): name is keyof Bodies {
  return name === 'approvals' || name === 'decideApproval';
}

/** @throws BridgeError of `Approvals.decide` */
export function answerApprovalRequest(
  approvals: Approvals,
  name: keyof Bodies,
  body: unknown,
): { readonly items: Approval[] } | Approval {
  if (name === 'approvals') {
    const { status, limit } = body as Bodies['approvals']; // checked by the gateway's schema
    return { items: approvals.list(status).slice(0, limit) };
  }
  const { approvalId, approved, person, reason, by = 'api' } = body as Bodies['decideApproval']; // as above
  return approvals.decide(approvalId, {
    approved,
    by: person,
    via: by,
    ...(reason === undefined ? {} : { reason }),
  });
}
