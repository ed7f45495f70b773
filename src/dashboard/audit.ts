/** Rows of the audit log as a person reads them: what happened, why, and who. Pure. */
import type { AuditItem } from './api-types.ts';
import { shortInput } from './chat-words.ts';
import { asText, isObject } from './twin.ts';

export interface AuditWords {
  readonly event: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'plain';
  readonly what: string;
  readonly why: string;
  readonly who: string;
}

const TONES: Readonly<Record<string, AuditWords['tone']>> = {
  done: 'good',
  approved: 'good',
  failed: 'bad',
  refused: 'bad',
  denied: 'bad',
  destroyed: 'bad',
  expired: 'warn',
  dropped: 'warn',
  cancelled: 'warn',
  requested: 'warn',
  'needs-approval': 'warn',
  'sent, not confirmed': 'warn',
};

export function auditWords(item: AuditItem): AuditWords {
  const event = item.event === 'needs-approval' ? 'needs approval' : item.event;
  return {
    event,
    tone: TONES[item.event] ?? 'plain',
    what: whatOf(item),
    why: whyOf(item),
    who: whoOf(item.by),
  };
}

function whatOf({ kind, event, subject, detail }: AuditItem): string {
  const slash = subject.lastIndexOf('/');
  const name = slash < 0 ? subject : subject.slice(0, slash);
  const facts = isObject(detail) ? detail : {};
  switch (kind) {
    case 'command':
      return `command ${name} ${event === 'created' ? shortInput(facts.args) : ''}`.trim();
    case 'desired':
      return `desired state ${shortInput(facts.patch)}`.trim();
    case 'rule':
      return 'rule';
    case 'tool':
      return `${subject} ${shortInput(facts.input)}`.trim();
    case 'approval':
      return `approval of ${name} ${shortInput(facts.arguments)}`.trim();
    default:
      return `${kind} ${subject}`;
  }
}

function whyOf({ detail }: AuditItem): string {
  if (!isObject(detail)) return '';
  const { explanation, description, error, value, votes, person, approvedBy, durationMs } = detail;
  const votesText = Array.isArray(votes) ? votes.map(voteWords).join(', ') : '';
  const parts = [
    asText(explanation) || asText(description),
    error === undefined ? '' : asText(error) || JSON.stringify(error),
    value === undefined || value === null ? '' : `answered ${asText(value) || JSON.stringify(value)}`,
    votesText,
    person === undefined ? '' : `by ${asText(person)}`,
    approvedBy === undefined ? '' : `approved by ${asText(approvedBy)}`,
    typeof durationMs === 'number' ? `after ${durationMs} ms` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function voteWords(vote: unknown): string {
  if (!isObject(vote)) return '';
  const reason = asText(vote.reason);
  const person = asText(vote.by) || asText(vote.person) || 'somebody';
  return `${vote.approved === true ? 'yes' : 'no'} from ${person}${reason === '' ? '' : `: ${reason}`}`;
}

const WHO: Readonly<Record<string, string>> = {
  api: 'API',
  mcp: 'MCP client',
  device: 'the device',
  bridge: 'the bridge',
  agent: 'its own code',
};

/** "API (admin)", "rule heat", "connection 7": who the audit log names. */
export function whoOf(by: string): string {
  const colon = by.indexOf(':');
  if (colon < 0) return WHO[by] ?? by;
  const [kind, name] = [by.slice(0, colon), by.slice(colon + 1)];
  return kind === 'api' || kind === 'mcp' ? `${WHO[kind]} (${name})` : `${kind} ${name}`;
}
