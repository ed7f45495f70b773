/** Reads over all agents of a shard: find, list, count, who is due. Never wakes anybody. */
import type Database from 'better-sqlite3';
import { APPROVAL_PREFIX, IS_APPROVAL } from './listed-cells.ts';
import type { AgentRow, Presence } from './shard-store.ts';

export interface ListQuery {
  readonly model: string | null;
  /** Part of the id. */
  readonly q: string | null;
  readonly presence: Presence | null;
  readonly limit: number;
  /** Address (`model/id`) of the last agent of the previous page. */
  readonly after: { model: string; id: string } | null;
}

/** An agent as stored. `cells`: JSON text by name; undefined: not read along, they are too much, or in its own file. */
export interface FoundAgent {
  readonly row: AgentRow;
  readonly cells?: readonly (readonly [name: string, json: string])[];
}

export interface DirectoryTotals {
  readonly online: number;
  readonly offline: number;
  readonly never: number;
}

/** An agent that wants to be woken at `atMs`. */
export interface DueAgent {
  readonly key: number;
  readonly model: string;
  readonly id: string;
  readonly atMs: number;
}

/** Where an approval stands in the order of their list: newest first, then by agent and id. */
export interface ApprovalPlace {
  readonly createdAtMs: number;
  /** `model/id` of its agent. */
  readonly agent: string;
  readonly id: string;
}

export interface ApprovalQuery {
  /** null: any. */
  readonly status: string | null;
  readonly limit: number;
  /** The last one of the page before. */
  readonly before: ApprovalPlace | null;
  /** What waits longer than until then is over, whether its agent knows it already or not. */
  readonly nowMs: number;
}

interface Columns {
  key: number;
  model: string;
  id: string;
  presence: Presence;
  last_seen: number | null;
  messages: number;
  rejected: number;
  applied: number;
  alarm_at: number | null;
  created_at: number;
  file: number;
}

/** Documents that are read together with the row, because a second statement takes half as long again. */
const CELLS_ALONG_MAX = 16;
const CELL_BYTES_ALONG_MAX = 65_536;

/** One document too many, or null in place of a large one, says that they are to be read by themselves. */
const FIND_WITH_CELLS = `
SELECT *, CASE WHEN file = 0 THEN (
  SELECT json_group_object(name, value) FROM (
    SELECT name, CASE WHEN octet_length(value) <= ${CELL_BYTES_ALONG_MAX} THEN value END AS value
    FROM cells WHERE agent = agents.key LIMIT ${CELLS_ALONG_MAX + 1})) END AS cells
FROM agents WHERE model = ? AND id = ?`;

const APPROVALS = `
SELECT model || '/' || id AS address, substr(name, ${APPROVAL_PREFIX.length + 1}) AS approval, value FROM cells JOIN agents ON agents.key = cells.agent
WHERE ${IS_APPROVAL}`;
const STATUS = "json_extract(value, '$.status')";
const CREATED = "json_extract(value, '$.createdAtMs')";
const EXPIRES = "json_extract(value, '$.expiresAtMs')";

export class AgentDirectory {
  readonly #db: Database.Database;
  readonly #find: Database.Statement<[string, string], Columns>;
  readonly #findWithCells: Database.Statement<[string, string], Columns & { cells: string | null }>;
  readonly #due: Database.Statement<[number, number, number, number], DueAgent>;
  readonly #nextAlarm: Database.Statement<[], { at: number | null }>;
  readonly #totals: Database.Statement<[], { presence: Presence; n: number }>;
  readonly #countOf: Database.Statement<[string], { n: number }>;
  readonly #heavyBetween: Database.Statement<[number, number], { key: number; model: string; id: string }>;
  readonly #keysAfter: Database.Statement<[number, number], { key: number }>;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#find = db.prepare('SELECT * FROM agents WHERE model = ? AND id = ?');
    this.#findWithCells = db.prepare(FIND_WITH_CELLS);
    this.#due = db.prepare(
      `SELECT key, model, id, alarm_at AS atMs FROM agents
       WHERE alarm_at IS NOT NULL AND alarm_at <= ? AND (alarm_at, key) > (?, ?) ORDER BY alarm_at, key LIMIT ?`,
    );
    this.#nextAlarm = db.prepare('SELECT min(alarm_at) AS at FROM agents WHERE alarm_at IS NOT NULL');
    this.#totals = db.prepare('SELECT presence, count(*) AS n FROM agents GROUP BY presence');
    this.#countOf = db.prepare('SELECT count(*) AS n FROM agents WHERE model = ?');
    this.#heavyBetween = db.prepare(
      'SELECT key, model, id FROM agents WHERE key > ? AND key <= ? AND file <> 0 ORDER BY key',
    );
    this.#keysAfter = db.prepare('SELECT key FROM agents WHERE key > ? ORDER BY key LIMIT ?');
  }

  find(model: string, id: string): AgentRow | undefined {
    const columns = this.#find.get(model, id);
    return columns === undefined ? undefined : toRow(columns);
  }

  /** `find`, with the documents of a light agent. */
  findWithCells(model: string, id: string): FoundAgent | undefined {
    const columns = this.#findWithCells.get(model, id);
    if (columns === undefined) return undefined;
    const row = toRow(columns);
    if (columns.cells === null) return { row };
    const cells = Object.entries(JSON.parse(columns.cells) as Record<string, string | null>); // as FIND_WITH_CELLS has it
    return cells.length <= CELLS_ALONG_MAX && cells.every(isWhole) ? { row, cells } : { row };
  }

  /** A page of agents in the order of their addresses. */
  list(query: ListQuery): AgentRow[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    if (query.model !== null) {
      where.push('model = ?');
      values.push(query.model);
    }
    if (query.presence !== null) {
      where.push('presence = ?');
      values.push(query.presence);
    }
    if (query.q !== null) {
      where.push("(model || '/' || id) LIKE ? ESCAPE '\\'");
      values.push(`%${query.q.replace(/[\\%_]/g, '\\$&')}%`);
    }
    if (query.after !== null) {
      where.push('(model, id) > (?, ?)');
      values.push(query.after.model, query.after.id);
    }
    const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.#db
      .prepare<(string | number)[], Columns>(`SELECT * FROM agents ${condition} ORDER BY model, id LIMIT ?`)
      .all(...values, query.limit)
      .map(toRow);
  }

  /** Approvals of all agents as JSON texts, newest first. */
  approvals({
    status,
    limit,
    before,
    nowMs,
  }: ApprovalQuery): { readonly address: string; readonly value: string }[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    if (status !== null) {
      where.push(`${STATUS} = ?`);
      values.push(status);
    }
    if (status === 'pending') {
      where.push(`${EXPIRES} > ?`);
      values.push(nowMs);
    }
    if (before !== null) {
      where.push(`(${CREATED}, address, approval) < (?, ?, ?)`);
      values.push(before.createdAtMs, before.agent, before.id);
    }
    const condition = where.map((term) => ` AND ${term}`).join('');
    const order = `ORDER BY ${CREATED} DESC, address DESC, approval DESC LIMIT ?`;
    return this.#db
      .prepare<(string | number)[], { address: string; value: string }>(`${APPROVALS}${condition} ${order}`)
      .all(...values, limit);
  }

  /** Addresses of agents that the last run left online. */
  *online(): Iterable<{ model: string; id: string }> {
    yield* this.#db
      .prepare<[], { model: string; id: string }>("SELECT model, id FROM agents WHERE presence = 'online'")
      .all();
  }

  /** Agents whose alarm is due, the earliest first. @param after the last one of the page before */
  due(nowMs: number, max: number, after?: DueAgent): DueAgent[] {
    return this.#due.all(nowMs, after?.atMs ?? -Infinity, after?.key ?? 0, max);
  }

  /** When the next agent wants to be woken, ms since epoch. */
  nextAlarmMs(): number | null {
    return this.#nextAlarm.get()?.at ?? null;
  }

  /** @param without models whose agents do not count; of those nobody is or was online */
  totals(without: readonly string[] = []): DirectoryTotals {
    const totals = { online: 0, offline: 0, never: 0 };
    for (const row of this.#totals.iterate()) totals[row.presence] = row.n;
    for (const model of without) totals.never -= this.#countOf.get(model)?.n ?? 0;
    return totals;
  }

  /** Rejected messages of all agents. */
  rejectedTotal(): number {
    return this.#db.prepare<[], { n: number | null }>('SELECT sum(rejected) AS n FROM agents').get()?.n ?? 0;
  }

  /** Agents whose own file was written since the last checkpoint. */
  unsynced(): AgentRow[] {
    return this.#db.prepare<[], Columns>('SELECT * FROM agents WHERE file = 2').all().map(toRow);
  }

  /** Agents with a file of their own among these keys. */
  heavyBetween(afterKey: number, toKey: number): { key: number; model: string; id: string }[] {
    return this.#heavyBetween.all(afterKey, toKey);
  }

  /** Keys in order, for maintenance that goes round. */
  keysAfter(key: number, max: number): number[] {
    return this.#keysAfter.all(key, max).map((row) => row.key);
  }

  maxKey(): number {
    return this.#db.prepare<[], { key: number | null }>('SELECT max(key) AS key FROM agents').get()?.key ?? 0;
  }
}

function isWhole(cell: [name: string, json: string | null]): cell is [string, string] {
  return cell[1] !== null;
}

function toRow(columns: Columns): AgentRow {
  return {
    key: columns.key,
    model: columns.model,
    id: columns.id,
    presence: columns.presence,
    lastSeenMs: columns.last_seen,
    messages: columns.messages,
    rejected: columns.rejected,
    appliedSequence: columns.applied,
    alarmAtMs: columns.alarm_at,
    createdAtMs: columns.created_at,
    isStored: true,
    hasFile: columns.file !== 0,
  };
}
