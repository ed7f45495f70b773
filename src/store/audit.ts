/**
 * Who made an agent's device do something, and what became of it: rows that are only ever added, in the
 * transaction of the turn they tell of, and that stay when the agent is forgotten.
 *
 * I1 An id is stored once: a turn that is replayed writes the same ids, and no second row.
 * I2 The order, and the cursor, is (time, id): the same in every shard, so that their pages can be merged.
 */
import type Database from 'better-sqlite3';
import { limits } from '../base/limits.ts';

/** What a row is about. */
export const AUDIT_KINDS = [
  'command',
  'agent',
  'desired',
  'rule',
  'tool',
  'approval',
  'schedule',
  'program',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** One row. */
export interface AuditEntry {
  /** Unique, and the same at a replay. */
  readonly id: string;
  /** ms since epoch. */
  readonly tsMs: number;
  /** `model/id` */
  readonly agent: string;
  readonly kind: AuditKind;
  /** What happened: `created`, `done`, `failed`, `expired`, `dropped`, `destroyed`, `imported`, `exported`, `changed`, `added`, `deleted`; of a tool `called`, `refused`, `needs-approval`, and its outcome; of an approval `requested`, `voted`, `approved`, `denied`, `expired`, `cancelled`. */
  readonly event: string;
  /** What it happened to: `name/cid` of a command, the id of a rule, the version of the desired state, the name of a tool, `tool/id` of an approval. */
  readonly subject: string;
  /** Who did it: `api`, `api:<user>`, `mcp`, `mcp:<user>`, `connection:<user or id>`, `rule:<id>`, `job:<callback>`, `agent:<address>`, `agent`, `device`, `bridge`. */
  readonly by: string;
  /** JSON value; more than `limits.auditDetailBytesMax` is cut. */
  readonly detail: unknown;
}

/** Undefined: any. Times include both ends, in ms since epoch. */
export interface AuditQuery {
  readonly agent?: string | undefined;
  readonly kind?: AuditKind | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  /** Only rows older than this one. */
  readonly before?: Pick<AuditEntry, 'tsMs' | 'id'> | undefined;
}

interface Row {
  readonly id: string;
  readonly ts: number;
  readonly address: string;
  readonly kind: AuditKind;
  readonly event: string;
  readonly subject: string;
  readonly by: string;
  readonly detail: string;
}

const SCHEMA = `
CREATE TABLE audit(
  id TEXT PRIMARY KEY, ts REAL NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,
  subject TEXT NOT NULL, by TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX audit_time ON audit(ts, id);
CREATE INDEX audit_address ON audit(address, ts, id);
`;

export function migrateAudit(db: Database.Database): void {
  db.exec(SCHEMA);
}

export class AuditLog {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement<[string, number, string, string, string, string, string, string]>;
  readonly #deleteOldest: Database.Statement<[number]>;
  readonly #deleteBefore: Database.Statement<[number, number]>;
  readonly #count: Database.Statement<[], { rows: number }>;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#insert = db.prepare(
      'INSERT OR IGNORE INTO audit(id, ts, address, kind, event, subject, by, detail) VALUES(?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#deleteOldest = db.prepare(
      'DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit ORDER BY ts, id LIMIT ?)',
    );
    this.#deleteBefore = db.prepare(
      'DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE ts < ? ORDER BY ts, id LIMIT ?)',
    );
    this.#count = db.prepare('SELECT count(*) AS rows FROM audit');
  }

  /** Within the transaction of the caller. */
  append(entries: readonly AuditEntry[]): void {
    for (const { id, tsMs, agent, kind, event, subject, by, detail } of entries) {
      this.#insert.run(id, tsMs, agent, kind, event, subject, by, textOf(detail));
    }
  }

  /** Newest first. */
  query({ agent, kind, fromMs, toMs, limit, before }: AuditQuery): AuditEntry[] {
    const conditions = ['ts >= ?', 'ts <= ?'];
    const values: (string | number)[] = [fromMs, toMs];
    if (before !== undefined) {
      conditions.push('(ts, id) < (?, ?)');
      values.push(before.tsMs, before.id);
    }
    if (agent !== undefined) {
      conditions.push('address = ?');
      values.push(agent);
    }
    if (kind !== undefined) {
      conditions.push('kind = ?');
      values.push(kind);
    }
    const sql = `SELECT * FROM audit WHERE ${conditions.join(' AND ')} ORDER BY ts DESC, id DESC LIMIT ?`;
    return this.#db
      .prepare<(string | number)[], Row>(sql)
      .all(...values, limit)
      .map(entryOf);
  }

  /** Deletes some of what is too old or too much, oldest first; whether more may be waiting. */
  prune(nowMs: number, { rowsMax, keptMs, stepRowsMax }: AuditPolicy): boolean {
    const old = this.#deleteBefore.run(nowMs - keptMs, stepRowsMax).changes;
    if (old === stepRowsMax) return true;
    const excess = (this.#count.get()?.rows ?? 0) - rowsMax;
    if (excess <= 0) return false;
    this.#deleteOldest.run(Math.min(excess, stepRowsMax));
    return excess > stepRowsMax;
  }
}

/** How much of the audit log is kept, and rows deleted in one step. */
export interface AuditPolicy {
  readonly rowsMax: number;
  readonly keptMs: number;
  readonly stepRowsMax: number;
}

function textOf(detail: unknown): string {
  const text = JSON.stringify(detail ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.auditDetailBytesMax) return text;
  return JSON.stringify({ cut: text.slice(0, limits.auditDetailBytesMax / 4), bytes });
}

function entryOf({ ts: tsMs, address: agent, detail, ...row }: Row): AuditEntry {
  const { id, kind, event, subject, by } = row;
  return { id, tsMs, agent, kind, event, subject, by, detail: JSON.parse(detail) as unknown };
}
