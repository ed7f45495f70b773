/**
 * Author's SQL as text: cuts it into statements and refuses what would get around the runtime's own
 * transaction, its tables or its files.
 */
import { BridgeError } from '../base/errors.ts';

/** SQL that failed, or was refused. `query` is its text; the database's own error is the cause. */
export class SqlError extends BridgeError {
  /** The SQL that failed. */
  readonly query: string;

  constructor(message: string, query: string, cause?: unknown) {
    super('BRG_SQL', message, cause === undefined ? {} : { cause });
    this.name = 'SqlError';
    this.query = query;
  }
}

/** Pragmas that only read. */
const PRAGMAS = new Set([
  'collation_list',
  'foreign_key_check',
  'foreign_key_list',
  'function_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'page_count',
  'page_size',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
]);

const REFUSED: Readonly<Record<string, string>> = {
  BEGIN: 'a turn is one transaction already; use storage.transactionSync',
  COMMIT: 'a turn is committed by the runtime',
  END: 'a turn is committed by the runtime',
  ROLLBACK: 'throw inside storage.transactionSync to take writes back',
  SAVEPOINT: 'use storage.transactionSync',
  RELEASE: 'use storage.transactionSync',
  ATTACH: 'an agent has one file',
  DETACH: 'an agent has one file',
  VACUUM: 'export and import the agent to shrink its file',
};

/** A word, a quoted thing, a comment, or one other character; white space falls through. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[A-Za-z_][\w$]*|[^\s]/g;

/**
 * The statements of `sql`, each checked.
 * @throws SqlError when one of them is not for authors, or there is none
 */
export function authorStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let words: string[] = [];
  const take = (end: number): void => {
    if (words.length > 0) {
      const statement = sql.slice(start, end).trim();
      check(words, statement);
      statements.push(statement);
    }
    start = end;
    words = [];
  };
  for (const { 0: token, index } of sql.matchAll(TOKEN)) {
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    const ends = token === ';' && !isInsideTrigger(words);
    if (ends) take(index);
    if (ends) start = index + 1;
    else words.push(token);
  }
  take(sql.length);
  if (statements.length === 0) throw new SqlError('there is no statement in this SQL', sql);
  return statements;
}

/** As sqlite3_complete() has it: a trigger ends with `; END ;`. */
function isInsideTrigger(words: readonly string[]): boolean {
  const head = words.slice(0, 3).map((word) => word.toUpperCase());
  if (head[0] !== 'CREATE' || !head.includes('TRIGGER')) return false;
  return !(words.at(-1)?.toUpperCase() === 'END' && words.at(-2) === ';');
}

function check(words: readonly string[], statement: string): void {
  const first = words[0]?.toUpperCase() ?? '';
  const reason = Object.hasOwn(REFUSED, first) ? REFUSED[first] : undefined;
  if (reason !== undefined) throw new SqlError(`${first} is not for agents: ${reason}`, statement);
  if (first === 'PRAGMA' && (!PRAGMAS.has(words[1]?.toLowerCase() ?? '') || words.includes('='))) {
    throw new SqlError('only pragmas that read the schema are for agents', statement);
  }
  const own = words.find((word) => /^["`[]?mooring_/i.test(word));
  if (own !== undefined) {
    throw new SqlError(`${own}: names that begin with mooring_ belong to the runtime`, statement);
  }
}
