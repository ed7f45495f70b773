/** Questions about all agents of a shard: answered from rows, nobody is woken. */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { agentPage, type ListBody } from './agent-list.ts';
import { auditPage, type AuditBody } from './audit-query.ts';
import type { AgentSummary } from './behaviour.ts';
import type { ChangesBody } from './change-list.ts';
import { approvalPage, type ApprovalsBody } from './approval-query.ts';
import type { InboundRecord } from './messages.ts';
import type { Shard } from './shard.ts';

/** Checked by the gateway's schema. */
export interface AttentionBody {
  readonly limit: number;
}

export interface SummariesBody {
  /** `model/id`; those of other shards are left out. */
  readonly keys: readonly string[];
}

/** `list`, `attention`, `audit`, `approvals`, `stats`, `summaries` and `changes` of docs/design/requests.md. */
export function answerShardRequest(shard: Shard, record: InboundRecord): void {
  try {
    const body: unknown = JSON.parse(record.payload.toString());
    shard.effects.reply(record.connection, answer(shard, record.subject, body));
  } catch (error) {
    shard.effects.replyError(record.connection, asBridgeError(error));
  }
  // Answers leave at the end of the tick.
  shard.scheduleCommit();
}

function answer(shard: Shard, name: string, body: unknown): unknown {
  switch (name) {
    case 'list':
      return agentPage(shard, body as ListBody); // checked by the gateway's schema
    case 'attention':
      return attention(shard, body as AttentionBody); // checked by the gateway's schema
    case 'audit':
      return auditPage(shard.store, body as AuditBody); // checked by the gateway's schema
    case 'approvals':
      return approvalPage(shard, body as ApprovalsBody); // checked by the gateway's schema
    case 'summaries':
      return { rows: summaries(shard, body as SummariesBody) }; // FleetView
    case 'changes':
      return { rows: shard.overview.changes.take(body as ChangesBody) }; // FleetView
    case 'stats':
      return shard.overview.totals();
    default:
      throw new BridgeError('BRG_NOT_FOUND', `shards do not answer ${name}`);
  }
}

function summaries({ overview }: Shard, { keys }: SummariesBody): AgentSummary[] {
  return keys.map((key) => overview.summary(key)).filter((row) => row !== undefined);
}

/** What an operator should look at, newest first. */
function attention(shard: Shard, body: AttentionBody): unknown {
  const items = shard.overview.attention.list(Math.min(body.limit, limits.attentionListMax));
  return { items };
}
