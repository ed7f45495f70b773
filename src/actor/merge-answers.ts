import { quantileUs } from '../base/duration-histogram.ts';
import { limits } from '../base/limits.ts';
import { mergeListPages, type AgentPage, type ListBody } from './agent-list.ts';
import { mergeApprovalPages, type ApprovalPage, type ApprovalsBody } from './approval-query.ts';
import { mergeAuditPages, type AuditBody, type AuditPage } from './audit-query.ts';
import type { AttentionBody } from './shard-queries.ts';

/** Of what there is once, one shard is asked: it conducts the others (CopyDesk). */
export function isForFirst(name: string): boolean {
  return ['backup', 'backupStatus', 'backups'].includes(name);
}

/** One answer out of those of all shards to a question of shard-queries.ts. */
export function mergeAnswers(name: string, body: unknown, answers: readonly unknown[]): unknown {
  if (name === 'stats') return withWakeTimes(sum(answers as Record<string, number>[])); // ShardOverview.totals
  if (answers.length === 1) return answers[0];
  switch (name) {
    case 'audit':
      return mergeAuditPages(answers as AuditPage[], body as AuditBody); // shard-queries `audit`
    case 'approvals':
      return mergeApprovalPages(answers as ApprovalPage[], body as ApprovalsBody); // shard-queries `approvals`
    case 'attention':
      return mergeAttention(answers as AttentionAnswer[], body as AttentionBody); // shard-queries `attention`
    case 'summaries':
    case 'changes':
      return mergeRows(answers as RowsAnswer[]); // shard-queries
    default:
      return mergeListPages(answers as AgentPage[], body as ListBody); // shard-queries `list`
  }
}

interface AttentionAnswer {
  readonly items: readonly { readonly ts: number }[];
}

function mergeAttention(answers: readonly AttentionAnswer[], { limit }: AttentionBody): AttentionAnswer {
  const items = answers.flatMap((answer) => answer.items).sort((a, b) => b.ts - a.ts);
  return { items: items.slice(0, Math.min(limit, limits.attentionListMax)) };
}

interface RowsAnswer {
  readonly rows: readonly unknown[];
}

function mergeRows(answers: readonly RowsAnswer[]): RowsAnswer {
  return { rows: answers.flatMap(({ rows }) => rows) };
}
/** Of these the shards have no sum: the journal is one, and of mailboxes the deepest counts. */
const HIGHEST: ReadonlySet<string> = new Set(['journalBytes', 'journalSequence', 'mailboxDeepest']);

function sum(answers: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const answer of answers) {
    for (const [name, value] of Object.entries(answer)) {
      const before = total[name] ?? 0;
      total[name] = HIGHEST.has(name) ? Math.max(before, value) : before + value;
    }
  }
  return total;
}

/** What the buckets say, for people; nothing as long as nobody woke. */
function withWakeTimes(totals: Record<string, number>): Record<string, number> {
  const quantiles = { P50: 0.5, P99: 0.99 };
  for (const name of ['wakeLight', 'wakeHeavy']) {
    for (const [suffix, share] of Object.entries(quantiles)) {
      const us = quantileUs(totals, name, share);
      if (!Number.isNaN(us)) totals[`${name}${suffix}Us`] = Math.round(us * 10) / 10;
    }
  }
  return totals;
}
