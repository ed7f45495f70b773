import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { SqlRow, SqlValue } from './agent-sql.ts';

/**
 * The rows of a query, one by one (names as in Durable Objects). Use it up before the next statement of
 * the agent: what is left then is read into memory, at most `limits.sqlCursorRowsMax` rows.
 */
export class SqlCursor implements IterableIterator<SqlRow> {
  /** As the query names them. */
  readonly columnNames: readonly string[];
  #rows: Iterator<SqlValue[]>;
  #rowsRead = 0;

  /** Made by `storage.sql.exec`. */
  constructor(columnNames: readonly string[], rows: Iterator<SqlValue[]>) {
    this.columnNames = columnNames;
    this.#rows = rows;
  }

  /** Rows handed out so far. */
  get rowsRead(): number {
    return this.#rowsRead;
  }

  /** The next row. @throws BridgeError BRG_SQL when another statement ran before this was used up, and left too many */
  next(): IteratorResult<SqlRow> {
    const { done, value } = this.#next();
    return done === true ? { done, value: undefined } : { done: false, value: this.#object(value) };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** Ends the query without its remaining rows; called by `break` in a `for...of`. */
  return(): IteratorResult<SqlRow> {
    this.#rows.return?.();
    this.#rows = NONE;
    return { done: true, value: undefined };
  }

  /** All rows that are left. */
  toArray(): SqlRow[] {
    return [...this];
  }

  /** The only row. @throws BridgeError BRG_SQL when there is none, or more than one */
  one(): SqlRow {
    const [first, second] = [this.next(), this.next()];
    this.return();
    if (first.done !== true && second.done === true) return first.value;
    throw new BridgeError('BRG_SQL', 'one() expects exactly one row');
  }

  /** The remaining rows as arrays, in the order of `columnNames`. */
  *raw(): IterableIterator<SqlValue[]> {
    for (let row = this.#next(); row.done !== true; row = this.#next()) yield row.value;
  }

  /** Lets go of the database: what is left is in memory from now on. */
  detach(): void {
    const rest: SqlValue[][] = [];
    for (let row = this.#rows.next(); row.done !== true; row = this.#rows.next()) {
      if (rest.push(row.value) <= limits.sqlCursorRowsMax) continue;
      this.#rows.return?.();
      this.#rows = tooMany();
      return;
    }
    this.#rows = rest.values();
  }

  #next(): IteratorResult<SqlValue[], unknown> {
    const row = this.#rows.next();
    if (row.done !== true) this.#rowsRead++;
    return row;
  }

  #object(row: readonly SqlValue[]): SqlRow {
    return Object.fromEntries(this.columnNames.map((name, index) => [name, row[index] ?? null]));
  }
}

const NONE: Iterator<SqlValue[]> = { next: () => ({ done: true, value: undefined }) };

function tooMany(): Iterator<SqlValue[]> {
  const message = `more than ${limits.sqlCursorRowsMax} rows of a cursor were left when another statement ran: use it up first`;
  return {
    next() {
      throw new BridgeError('BRG_SQL', message);
    },
  };
}
