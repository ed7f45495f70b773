/** Consent of people to what a model wants to do: asked for, waited for, given once. docs/approvals.md */
export { Approvals } from './approvals.ts';
export { answerApprovalRequest, isAboutApprovals } from './approval-requests.ts';
