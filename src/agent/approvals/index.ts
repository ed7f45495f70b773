/** Consent of people to what a model wants to do: asked for, waited for, given once. docs/approvals.md */
export { Consent } from './consent.ts';
export type { ApprovedCalls } from './approved-calls.ts';
export type { Approvals } from './approvals.ts';
export { answerApprovalRequest, isAboutApprovals } from './approval-requests.ts';
