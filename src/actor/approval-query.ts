/** Pages of what waits for a person's word, and what was said, of all agents of a shard; newest first. Nobody is woken. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { ApprovalPlace } from '../store/index.ts';
import { mergePages } from './page-merge.ts';
import type { Shard } from './shard.ts';

/** Checked by the gateway's schema. */
export interface ApprovalsBody {
  readonly status: string | null;
  readonly limit: number;
  readonly cursor: string | null;
}

/** An approval as its agent made it (docs/design/requests.md). */
type Item = ApprovalPlace & Readonly<Record<string, unknown>>;

export interface ApprovalPage {
  readonly items: readonly Item[];
  /** null at the end. */
  readonly cursor: string | null;
}

/** @throws BridgeError BRG_BAD_REQUEST for a cursor that is none */
export function approvalPage({ store, clock }: Shard, body: ApprovalsBody): ApprovalPage {
  const limit = limitOf(body);
  const before = body.cursor === null ? null : decodeCursor(body.cursor);
  const rows = store.directory.approvals({ status: body.status, limit, before, nowMs: clock.now() });
  // Written by the agent room from an approval.
  const items = rows.map(({ address, value }): Item => ({ ...(JSON.parse(value) as Item), agent: address }));
  const last = items.at(-1);
  return { items, cursor: last === undefined || items.length < limit ? null : encodeCursor(last) };
}

/** One page of those of all shards. */
export function mergeApprovalPages(pages: readonly ApprovalPage[], body: ApprovalsBody): ApprovalPage {
  return mergePages(pages, { order: newestFirst, cursorOf: encodeCursor, limit: limitOf(body) });
}

function limitOf({ limit }: ApprovalsBody): number {
  return Math.min(limit, limits.approvalListMax);
}

function newestFirst(a: ApprovalPlace, b: ApprovalPlace): number {
  if (a.createdAtMs !== b.createdAtMs) return b.createdAtMs - a.createdAtMs;
  const [one, two] = [`${a.agent} ${a.id}`, `${b.agent} ${b.id}`];
  return one === two ? 0 : one < two ? 1 : -1;
}

function encodeCursor({ createdAtMs, agent, id }: ApprovalPlace): string {
  return Buffer.from(`${createdAtMs} ${agent} ${id}`).toString('base64url');
}

function decodeCursor(cursor: string): ApprovalPlace {
  const [, ts = '', agent = '', id = ''] =
    /^(\d{1,15}(?:\.\d+)?) (\S+) (\S+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (id !== '') return { createdAtMs: Number(ts), agent, id };
  throw new BridgeError('BRG_BAD_REQUEST', 'cursor: use the one of the previous page');
}
