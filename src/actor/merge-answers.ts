import { quantileUs } from '../base/duration-histogram.ts';
import { mergeApprovalPages, type ApprovalPage } from './approval-query.ts';
import { mergeAuditPages, type AuditPage } from './audit-query.ts';

/** One answer out of those of all shards to `list`, `attention`, `audit`, `approvals` or `stats`. */
export function mergeAnswers(name: string, answers: readonly unknown[]): unknown {
  if (name === 'stats') return withWakeTimes(sum(answers as Record<string, number>[])); // ShardOverview.totals
  if (answers.length === 1) return answers[0];
  switch (name) {
    case 'audit':
      return mergeAuditPages(answers as AuditPage[]); // shard-queries `audit`
    case 'approvals':
      return mergeApprovalPages(answers as ApprovalPage[]); // shard-queries `approvals`
    case 'attention':
      // AttentionList.list of each shard
      return {
        items: (answers as { items: { ts: number }[] }[]).flatMap((a) => a.items).sort((a, b) => b.ts - a.ts),
      };
    default:
      return mergePages(answers as Page[]); // shard-queries `list`
  }
}

interface Page {
  readonly agents: readonly { readonly model: string; readonly id: string }[];
  readonly cursor: string | null;
}

function sum(answers: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const answer of answers) {
    for (const [name, value] of Object.entries(answer)) total[name] = (total[name] ?? 0) + value;
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

/**
 * Each shard's page ends at its own last agent; what lies beyond the earliest of those ends may be
 * incomplete, so the merged page ends there and the cursor of that shard continues it.
 */
function mergePages(pages: readonly Page[]): Page {
  const ends = pages.flatMap((page) => {
    const last = page.agents.at(-1);
    return page.cursor === null || last === undefined
      ? []
      : [{ last: `${last.model}/${last.id}`, cursor: page.cursor }];
  });
  ends.sort((a, b) => (a.last < b.last ? -1 : 1));
  const end = ends[0];
  const agents = pages
    .flatMap((page) => page.agents)
    .filter(({ model, id }) => end === undefined || `${model}/${id}` <= end.last)
    .sort((a, b) => (`${a.model}/${a.id}` < `${b.model}/${b.id}` ? -1 : 1));
  return { agents, cursor: end?.cursor ?? null };
}
