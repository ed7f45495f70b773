/**
 * What an author's SQL runs on: the agent's own database file, inside the turn's transaction.
 *
 * I1 A statement that fails leaves nothing of itself behind; the turn's transaction goes on.
 * I2 At most one cursor reads from the database; the rest of an older one is in memory.
 */
import type Database from 'better-sqlite3';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentFile } from './agent-file.ts';
import { errorCode, isDiskFull } from './database.ts';
import { SqlCursor } from './sql-cursor.ts';
import { authorStatements, SqlError } from './sql-statements.ts';

/** What a column holds. Integers beyond 2^53 lose precision; BLOBs are bytes. */
export type SqlValue = null | number | string | Uint8Array;
/** What may stand for a `?`: besides what a column holds, booleans (1, 0), bigints and ArrayBuffers. */
export type SqlBinding = SqlValue | bigint | boolean | ArrayBuffer;
/** A row by the names of its columns. */
export type SqlRow = Record<string, SqlValue>;

type Statement = Database.Statement<unknown[], unknown>;

export class AgentSql {
  readonly #file: AgentFile;
  readonly #parsed = new Map<string, readonly string[]>();
  readonly #prepared = new Map<string, Statement>();
  #cursor: SqlCursor | undefined;

  constructor(file: AgentFile) {
    this.#file = file;
  }

  /**
   * Runs the statements of `sql`; the bindings belong to the last one, whose rows are the answer.
   * @throws SqlError, BridgeError BRG_AGENT_FULL; what the failing statement wrote is taken back
   */
  all(sql: string, bindings: readonly SqlBinding[]): SqlRow[] {
    return this.#run(sql, (last) => this.#rows(last, bindings, false) as SqlRow[]); // not raw: objects
  }

  /** The same, row by row. @throws SqlError, BridgeError BRG_AGENT_FULL */
  cursor(sql: string, bindings: readonly SqlBinding[]): SqlCursor {
    return this.#run(sql, (last) => {
      const columns = last.reader ? last.columns().map(({ name }) => name) : [];
      if (!last.reader || !last.readonly) {
        return new SqlCursor(columns, (this.#rows(last, bindings, true) as SqlValue[][])[Symbol.iterator]());
      }
      const rows = last.raw(true).iterate(...bindings.map(bound)) as Iterator<SqlValue[]>; // raw: arrays
      return (this.#cursor = new SqlCursor(columns, rows));
    });
  }

  /** Bytes of the database. */
  get bytes(): number {
    this.settle();
    return this.#file.bytes;
  }

  /** No cursor reads from the database any more. */
  settle(): void {
    this.#cursor?.detach();
    this.#cursor = undefined;
  }

  /** The file is being closed: what was prepared on it is void. */
  forget(): void {
    this.settle();
    this.#prepared.clear();
  }

  #run<T>(sql: string, read: (last: Statement) => T): T {
    this.settle();
    try {
      const statements = this.#statements(sql);
      // One after the other: a statement may need the table that the one before it makes.
      for (const statement of statements.slice(0, -1)) this.#rows(this.#prepare(statement), [], false);
      return read(this.#prepare(statements.at(-1) ?? ''));
    } catch (error) {
      throw sqlError(error, sql);
    }
  }

  #rows(statement: Statement, bindings: readonly SqlBinding[], isRaw: boolean): unknown[] {
    const values = bindings.map(bound);
    if (!statement.reader) {
      this.#file.write(() => statement.run(...values));
      return [];
    }
    statement.raw(isRaw);
    if (statement.readonly) return statement.all(...values);
    return this.#file.write(() => statement.all(...values));
  }

  #statements(sql: string): readonly string[] {
    let statements = this.#parsed.get(sql);
    if (statements === undefined) {
      statements = authorStatements(sql);
      keep(this.#parsed, sql, statements);
    }
    return statements;
  }

  #prepare(sql: string): Statement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#file.open().prepare<unknown[], unknown>(sql);
      keep(this.#prepared, sql, statement);
    } else {
      this.#file.touch();
    }
    return statement;
  }
}

/** The oldest goes when there are too many: an author who builds SQL from values must not fill memory. */
function keep<T>(cache: Map<string, T>, sql: string, value: T): void {
  if (cache.size >= limits.sqlStatementsMax) {
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(sql, value);
}

function bound(value: SqlBinding): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return value;
}

function sqlError(error: unknown, sql: string): BridgeError {
  if (error instanceof BridgeError) return error;
  // The disk, not the statement.
  if (isDiskFull(error) || errorCode(error)?.startsWith('SQLITE_IOERR') === true) {
    return new BridgeError('BRG_STORE', error instanceof Error ? error.message : '', { cause: error });
  }
  return new SqlError(error instanceof Error ? error.message : String(error), sql, error);
}
