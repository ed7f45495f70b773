/**
 * Databases in memory that are used again: to migrate one and to prepare its statements takes longer than a
 * simulation. Each is the real one of a shard, with its tables.
 *
 * I1 One database is used by one disk at a time, and one store at a time is open on it.
 * I2 A statement is handed out once to each store: what another one did with it (`pluck`, `raw`) is undone.
 */
import Database from 'better-sqlite3';
import { ShardStore } from '../../src/store/index.ts';

/** Rows of each table, as they were. */
export type Image = readonly (readonly [table: string, rows: readonly (readonly unknown[])[]])[];

interface Table {
  readonly name: string;
  readonly read: Database.Statement<[], unknown[]>;
  readonly clear: Database.Statement;
  readonly insert: Database.Statement;
}

const free: SimDatabase[] = [];

export class SimDatabase {
  readonly database: Database.Database = new Database(':memory:');
  readonly #tables: readonly Table[];
  readonly #statements = new Map<string, Database.Statement[]>();
  /** How many of each were handed out to the store that is open. */
  readonly #given = new Map<string, number>();
  readonly #restore: (image: Image) => void;

  /** One that is empty. */
  static take(): SimDatabase {
    return free.pop() ?? new SimDatabase();
  }

  private constructor() {
    const { database } = this;
    new ShardStore(':memory:', { database });
    const names = database.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck();
    this.#tables = names.all().map((name) => ({
      name,
      read: database.prepare<[], unknown[]>(`SELECT * FROM ${name}`).raw(),
      clear: database.prepare(`DELETE FROM ${name}`),
      insert: database.prepare(`INSERT INTO ${name} VALUES(${this.#columns(name)})`),
    }));
    this.#restore = database.transaction((image: Image) => {
      for (const { name, clear, insert } of this.#tables) {
        clear.run();
        for (const row of image.find(([table]) => table === name)?.[1] ?? []) insert.run(...row);
      }
    });
    const prepare = database.prepare.bind(database);
    database.prepare = ((sql: string) => this.#prepared(sql, prepare)) as typeof database.prepare; // the same, but kept
  }

  /** A store is about to be opened on it; the one before is not used any more. */
  reopen(): Database.Database {
    if (this.database.inTransaction) this.database.exec('ROLLBACK');
    this.#given.clear();
    return this.database;
  }

  image(): Image {
    return this.#tables.map(({ name, read }) => [name, read.all()]);
  }

  restore(image: Image): void {
    this.reopen();
    this.#restore(image);
  }

  /** Its disk is not used any more. */
  giveBack(): void {
    this.restore([]);
    free.push(this);
  }

  #columns(table: string): string {
    const columns = this.database.pragma(`table_info(${table})`) as unknown[];
    return columns.map(() => '?').join();
  }

  #prepared(sql: string, prepare: (sql: string) => Database.Statement): Database.Statement {
    const number = this.#given.get(sql) ?? 0;
    this.#given.set(sql, number + 1);
    let statements = this.#statements.get(sql);
    if (statements === undefined) this.#statements.set(sql, (statements = []));
    const known = statements[number];
    if (known === undefined) {
      const made = prepare(sql);
      statements.push(made);
      return made;
    }
    return known.reader ? known.raw(false).pluck(false) : known;
  }
}
