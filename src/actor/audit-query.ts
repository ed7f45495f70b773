/** Pages of the audit log, newest first. A cursor is the time and id of a row, which mean the same to every shard. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AuditEntry, AuditKind, ShardStore } from '../store/index.ts';
import { mergePages } from './page-merge.ts';

/** Checked by the gateway's schema. */
export interface AuditBody {
  readonly agent: string | null;
  readonly kind: AuditKind | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly cursor: string | null;
}

type Item = Omit<AuditEntry, 'tsMs'> & { readonly ts: number };

export interface AuditPage {
  readonly items: readonly Item[];
  /** null at the end. */
  readonly cursor: string | null;
}

/** @throws BridgeError BRG_BAD_REQUEST for a cursor that is none */
export function auditPage(store: ShardStore, body: AuditBody): AuditPage {
  const { agent, kind, fromMs, toMs, cursor } = body;
  const limit = limitOf(body);
  const rows = store.audit.query({
    agent: agent ?? undefined,
    kind: kind ?? undefined,
    fromMs,
    toMs,
    limit,
    before: cursor === null ? undefined : decodeCursor(cursor),
  });
  const last = rows.at(-1);
  return {
    items: rows.map(({ tsMs: ts, ...row }) => ({ ...row, ts })),
    cursor: last === undefined || rows.length < limit ? null : encodeCursor(last.tsMs, last.id),
  };
}

/** One page of those of all shards. */
export function mergeAuditPages(pages: readonly AuditPage[], body: AuditBody): AuditPage {
  const cursorOf = ({ ts, id }: Item): string => encodeCursor(ts, id);
  return mergePages(pages, { order: newestFirst, cursorOf, limit: limitOf(body) });
}

function limitOf({ limit }: AuditBody): number {
  return Math.min(limit, limits.auditListMax);
}

function newestFirst(a: Item, b: Item): number {
  if (a.ts !== b.ts) return b.ts - a.ts;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

function encodeCursor(tsMs: number, id: string): string {
  return Buffer.from(`${tsMs} ${id}`).toString('base64url');
}

function decodeCursor(cursor: string): { tsMs: number; id: string } {
  const [, ts = '', id = ''] =
    /^(\d{1,15}(?:\.\d+)?) (.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (id !== '') return { tsMs: Number(ts), id };
  throw new BridgeError('BRG_BAD_REQUEST', 'cursor: use the one of the previous page');
}
