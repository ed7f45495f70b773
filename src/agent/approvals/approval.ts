/** What an approval is: a call of a tool that waits for a person's word, and what was said. Pure. */
import type { JsonObject } from '../merge-patch.ts';

export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled';

/** What asked, and goes on when it is decided. */
export type ApprovalOrigin =
  | { readonly kind: 'chat'; readonly toolCallId: string }
  | {
      readonly kind: 'program';
      readonly runId: string;
      readonly sequence: number;
      readonly toolCallId?: string;
    }
  | { readonly kind: 'tool' };

/** One person's word. */
export interface ApprovalVote {
  /** The person, as the way it came knows them. */
  readonly by: string;
  /** The way it came, as the audit log names it: `api:admin`, `connection:7`, `device`. Only what stands there was proven. */
  readonly via: string;
  readonly approved: boolean;
  /** ms since epoch. */
  readonly atMs: number;
  readonly reason?: string;
}

/** As the API, frames and the dashboard have it; times in ms since epoch. */
export interface Approval {
  /** Unique within the agent, safe in URLs. */
  readonly id: string;
  /** `model/id` */
  readonly agent: string;
  readonly status: ApprovalStatus;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** Names this tool with these arguments (and this program): consent to it is consent to nothing else. */
  readonly binding: string;
  /** For a person: what would happen, and why it asks. */
  readonly explanation: string;
  readonly origin: ApprovalOrigin;
  /** Who runs the call once it is approved: the bridge (tools of a device), or what asked. */
  readonly runBy: 'bridge' | 'asker';
  /** As the audit log names who asks. */
  readonly requestedBy: string;
  readonly createdAtMs: number;
  /** Counts as denied from then on. */
  readonly expiresAtMs: number;
  /** How many different people have to approve. */
  readonly needed: 1 | 2;
  readonly votes: readonly ApprovalVote[];
  readonly decidedAtMs: number | null;
  /** When the approved call was begun: it is begun once. */
  readonly begunAtMs: number | null;
  /** What came of the approved call, when that is known. */
  readonly outcome: JsonObject | null;
}

/** Whether two names are one person's. */
export function isSamePerson(one: string, other: string): boolean {
  return folded(one) === folded(other);
}

function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/** Who consented, as a tool's run and the audit log have it: `Anna (api:admin), Bert (api:admin)`. */
export function approversOf({ votes }: Approval): string {
  return votes
    .filter(({ approved }) => approved)
    .map(({ by, via }) => (by === via ? by : `${by} (${via})`))
    .join(', ');
}

/** How it ended, for a model and for people. */
export function describeEnd({ status, votes, createdAtMs, expiresAtMs }: Approval): string {
  switch (status) {
    case 'pending':
      return 'nobody has decided yet';
    case 'approved':
      return 'it was approved';
    case 'denied': {
      const { by = 'somebody', reason } = votes.findLast(({ approved }) => !approved) ?? {};
      return `${by} denied it${reason === undefined ? '' : `: ${reason}`}`;
    }
    case 'expired':
      return `nobody decided within ${duration(expiresAtMs - createdAtMs)}, which counts as denied`;
    case 'cancelled':
      return 'it is not wanted any more';
  }
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2) return `${Math.round(ms / 1000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
