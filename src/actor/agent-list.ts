/** Pages of all agents of a shard, in the order of their addresses. Nobody is woken. */
import { addressKey, parseAddress, type AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { ListQuery } from '../store/index.ts';
import type { AgentSummary } from './behaviour.ts';
import { mergePages } from './page-merge.ts';
import type { Shard } from './shard.ts';

/** Checked by the gateway's schema. */
export type ListBody = Omit<ListQuery, 'after'> & { readonly cursor: string | null };

export interface AgentPage {
  readonly agents: readonly AgentSummary[];
  /** null at the end. */
  readonly cursor: string | null;
}

/** @throws BridgeError BRG_BAD_REQUEST for a cursor that is none */
export function agentPage(shard: Shard, body: ListBody): AgentPage {
  const { rows, last } = shard.overview.page({
    ...body,
    limit: limitOf(body),
    after: decodeCursor(body.cursor),
  });
  return { agents: rows, cursor: last === null ? null : encodeCursor(last) };
}

/** One page of those of all shards. */
export function mergeListPages(pages: readonly AgentPage[], body: ListBody): AgentPage {
  const listing = { order: byAddress, cursorOf: encodeCursor, limit: limitOf(body) };
  const merged = mergePages(
    pages.map(({ agents, cursor }) => ({ items: agents, cursor })),
    listing,
  );
  return { agents: merged.items, cursor: merged.cursor };
}

function limitOf({ limit }: ListBody): number {
  return Math.min(limit, limits.listAgentsMax);
}

/** As shard.db has them: by model, then by id. */
function byAddress(a: AgentAddress, b: AgentAddress): number {
  return compare(a.model, b.model) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encodeCursor({ model, id }: AgentAddress): string {
  return Buffer.from(addressKey({ model, id })).toString('base64url');
}

function decodeCursor(cursor: string | null): AgentAddress | null {
  if (cursor === null) return null;
  const address = parseAddress(Buffer.from(cursor, 'base64url').toString());
  if (address === undefined)
    throw new BridgeError('BRG_BAD_REQUEST', 'cursor: use the one of the previous page');
  return address;
}
