/** Questions about all agents of a shard: answered from rows, nobody is woken. */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { addressKey, parseAddress } from '../base/address.ts';
import { auditPage, type AuditBody } from './audit-query.ts';
import { approvalPage, type ApprovalsBody } from './approval-query.ts';
import type { InboundRecord } from './messages.ts';
import type { Shard } from './shard.ts';
import type { Presence } from '../store/index.ts';

interface ListBody {
  model: string | null;
  q: string | null;
  presence: Presence | null;
  limit: number;
  cursor: string | null;
}

/** `list`, `attention`, `audit`, `approvals` and `stats` of docs/design/requests.md. */
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
      return list(shard, body as ListBody); // checked by the gateway's schema
    case 'attention':
      return attention(shard, body as { limit: number }); // checked by the gateway's schema
    case 'audit':
      return auditPage(shard.store, body as AuditBody); // checked by the gateway's schema
    case 'approvals':
      return approvalPage(shard, body as ApprovalsBody); // checked by the gateway's schema
    case 'stats':
      return shard.overview.totals();
    default:
      throw new BridgeError('BRG_NOT_FOUND', `shards do not answer ${name}`);
  }
}

function list(shard: Shard, body: ListBody): unknown {
  const limit = Math.min(body.limit, limits.listAgentsMax);
  const { rows, last } = shard.overview.page({ ...body, limit, after: decodeCursor(body.cursor) });
  return { agents: rows, cursor: last === null ? null : encodeCursor(addressKey(last)) };
}

function encodeCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function decodeCursor(cursor: string | null): { model: string; id: string } | null {
  if (cursor === null) return null;
  const address = parseAddress(Buffer.from(cursor, 'base64url').toString());
  if (address === undefined)
    throw new BridgeError('BRG_BAD_REQUEST', 'cursor: use the one of the previous page');
  return address;
}

/** What an operator should look at, newest first. */
function attention(shard: Shard, body: { limit: number }): unknown {
  const items = shard.overview.attention.list(Math.min(body.limit, limits.attentionListMax));
  return { items };
}
