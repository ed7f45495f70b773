/**
 * Where points arrive: rows in the order of commits, so that a commit of a thousand agents fills some
 * neighbouring pages instead of dirtying a page for each agent (measured: 50 us a row less). Upkeep moves
 * an agent's rows into its own blocks, many at once.
 *
 * I1 Ids only grow, also over restarts and rollbacks.
 * I2 The index holds, ascending, the ids of an agent that were not moved; `history_moved.through` says the
 *    same on disk: rows up to it are moved, and are deleted once no older row waits (a range, not one by one).
 * I3 After a rollback `reload` must be called; until then rows may be missing, never counted twice.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Block } from './history-table.ts';

interface RowKey {
  readonly id: number;
  readonly agent: number;
}

export class HistoryRecent {
  readonly #insert: Statement<[number, number, string, Uint8Array]>;
  readonly #read: Statement<[number], Block>;
  readonly #delete: Statement<[number]>;
  readonly #markMoved: Statement<[number, number]>;
  readonly #oldest: Statement<[number], RowKey>;
  readonly #deleteThrough: Statement<[number]>;
  readonly #waiting: Statement<[], RowKey>;
  readonly #lastId: Statement<[], number>;
  readonly #index = new Map<number, number[]>();
  #nextId = 1;

  /** The tables must be there (`migrateHistory`). Reads the ids of all rows. */
  constructor(db: Database) {
    // Marks below the oldest row say nothing any more; agents may be long gone.
    db.exec(`DELETE FROM history_moved
      WHERE through < coalesce((SELECT min(id) FROM history_recent), through + 1)`);
    this.#insert = db.prepare('INSERT INTO history_recent(id, agent, metrics, block) VALUES(?, ?, ?, ?)');
    this.#read = db.prepare('SELECT metrics, block FROM history_recent WHERE id = ?');
    this.#delete = db.prepare('DELETE FROM history_recent WHERE id = ?');
    this.#markMoved = db.prepare(
      `INSERT INTO history_moved(agent, through) VALUES(?, ?)
       ON CONFLICT(agent) DO UPDATE SET through = excluded.through`,
    );
    this.#oldest = db.prepare('SELECT id, agent FROM history_recent ORDER BY id LIMIT ?');
    this.#deleteThrough = db.prepare('DELETE FROM history_recent WHERE id <= ?');
    this.#waiting = db.prepare(
      `SELECT id, r.agent FROM history_recent AS r LEFT JOIN history_moved AS m ON m.agent = r.agent
       WHERE m.agent IS NULL OR id > through ORDER BY id`,
    );
    this.#lastId = db
      .prepare<[], number>(
        `SELECT max(coalesce((SELECT max(id) FROM history_recent), 0),
                    coalesce((SELECT max(through) FROM history_moved), 0))`,
      )
      .pluck();
    this.reload();
  }

  /** The id the next row gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Reads the index again: needed after a rollback. */
  reload(): void {
    this.#index.clear();
    for (const { id, agent } of this.#waiting.iterate()) this.#note(agent, id);
    this.#nextId = Math.max(this.#nextId, (this.#lastId.get() ?? 0) + 1);
  }

  append(agent: number, metrics: string, block: Uint8Array): void {
    const id = this.#nextId++;
    this.#insert.run(id, agent, metrics, block);
    this.#note(agent, id);
  }

  /** Ids of the agent's rows that were not moved, ascending. */
  idsOf(agent: number): readonly number[] {
    return this.#index.get(agent) ?? [];
  }

  /** Undefined where a transaction was rolled back. */
  read(id: number): Block | undefined {
    return this.#read.get(id);
  }

  /** The caller moved the first `count` rows of the agent. */
  moved(agent: number, count: number): void {
    const ids = this.#index.get(agent);
    const through = ids?.[count - 1];
    if (ids === undefined || through === undefined) return;
    this.#markMoved.run(agent, through);
    if (count === ids.length) this.#index.delete(agent);
    else this.#index.set(agent, ids.slice(count));
  }

  /** Deletes rows before the oldest that waits, looking at `countMax` at most. */
  deleteMoved(countMax: number): void {
    let through = 0;
    for (const { id, agent } of this.#oldest.iterate(countMax)) {
      const waiting = this.#index.get(agent)?.[0];
      if (waiting !== undefined && waiting <= id) break;
      through = id;
    }
    if (through > 0) this.#deleteThrough.run(through);
  }

  deleteAgent(agent: number): void {
    const ids = this.idsOf(agent);
    for (const id of ids) this.#delete.run(id);
    this.moved(agent, ids.length);
  }

  #note(agent: number, id: number): void {
    const ids = this.#index.get(agent);
    if (ids === undefined) this.#index.set(agent, [id]);
    else ids.push(id);
  }
}
