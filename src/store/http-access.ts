/** The tables of `identity.db` about HTTP: tokens, what users may, and who has logged in. Secrets are hashes only. */
import type Database from 'better-sqlite3';

/** A row of `httpTokens`. */
export interface HttpTokenRow {
  readonly name: string;
  readonly hash: string;
  /** Words with commas between. */
  readonly scopes: string;
  /** Agents with commas between, or `*`. */
  readonly agents: string;
  readonly createdAtMs: number;
  /** Null: never. */
  readonly expiresAtMs: number | null;
}

/** A row of `httpUsers`: what an identity may over HTTP. */
export interface HttpUserRow {
  readonly name: string;
  readonly scopes: string;
  readonly agents: string;
}

/** A row of `httpLogins`. */
export interface HttpLoginRow {
  readonly hash: string;
  readonly name: string;
  /** Of the identity when it logged in. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export const HTTP_ACCESS_SCHEMA = `
CREATE TABLE IF NOT EXISTS httpTokens (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL, agents TEXT NOT NULL,
  createdAtMs INTEGER NOT NULL, expiresAtMs INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS httpUsers (
  name TEXT PRIMARY KEY, scopes TEXT NOT NULL, agents TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS httpLogins (
  hash TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, createdAtMs INTEGER NOT NULL, expiresAtMs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS httpLoginsByName ON httpLogins (name, createdAtMs);
`;

/** How the store around it runs what reads, and what writes. Both throw BRG_STORE, BRG_DISK_FULL. */
interface Runner {
  prepared(sql: string): Database.Statement;
  read<T>(work: () => T): T;
  write<T>(work: () => T): T;
}

/** See the head of this file. */
export class HttpAccessRows {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Whether anybody may come over HTTP with something that is in here. */
  isEmpty(): boolean {
    const sql = 'SELECT 1 WHERE EXISTS (SELECT 1 FROM httpTokens) OR EXISTS (SELECT 1 FROM httpUsers)';
    return this.#get(sql, []) === undefined;
  }

  tokens(): HttpTokenRow[] {
    const { prepared, read } = this.#runner;
    return read(() => prepared('SELECT * FROM httpTokens ORDER BY name').all() as HttpTokenRow[]); // the schema
  }

  tokenByHash(hash: string): HttpTokenRow | undefined {
    return this.#get('SELECT * FROM httpTokens WHERE hash = ?', [hash]) as HttpTokenRow | undefined; // the schema
  }

  tokenByName(name: string): HttpTokenRow | undefined {
    return this.#get('SELECT * FROM httpTokens WHERE name = ?', [name]) as HttpTokenRow | undefined; // the schema
  }

  addToken({ name, hash, scopes, agents, createdAtMs, expiresAtMs }: HttpTokenRow): void {
    const sql = 'INSERT INTO httpTokens VALUES (?, ?, ?, ?, ?, ?)';
    this.#run(sql, [name, hash, scopes, agents, createdAtMs, expiresAtMs]);
  }

  /** @returns whether there was one */
  removeToken(name: string): boolean {
    return this.#run('DELETE FROM httpTokens WHERE name = ?', [name]) > 0;
  }

  user(name: string): HttpUserRow | undefined {
    return this.#get('SELECT * FROM httpUsers WHERE name = ?', [name]) as HttpUserRow | undefined; // the schema
  }

  users(): HttpUserRow[] {
    const { prepared, read } = this.#runner;
    return read(() => prepared('SELECT * FROM httpUsers ORDER BY name').all() as HttpUserRow[]); // the schema
  }

  putUser({ name, scopes, agents }: HttpUserRow): void {
    this.#run('INSERT OR REPLACE INTO httpUsers VALUES (?, ?, ?)', [name, scopes, agents]);
  }

  removeUser(name: string): void {
    this.#run('DELETE FROM httpUsers WHERE name = ?', [name]);
    this.#run('DELETE FROM httpLogins WHERE name = ?', [name]);
  }

  login(hash: string): HttpLoginRow | undefined {
    return this.#get('SELECT * FROM httpLogins WHERE hash = ?', [hash]) as HttpLoginRow | undefined; // the schema
  }

  /** Adds one; those that have ended go, and the oldest of the same name beyond `loginsMax`. */
  addLogin({ hash, name, version, createdAtMs, expiresAtMs }: HttpLoginRow, loginsMax: number): void {
    const { prepared, write } = this.#runner;
    write(() => {
      prepared('DELETE FROM httpLogins WHERE expiresAtMs <= ?').run(createdAtMs);
      prepared('INSERT INTO httpLogins VALUES (?, ?, ?, ?, ?)').run(
        hash,
        name,
        version,
        createdAtMs,
        expiresAtMs,
      );
      const kept =
        'SELECT hash FROM httpLogins WHERE name = @name ORDER BY createdAtMs DESC LIMIT @loginsMax';
      prepared(`DELETE FROM httpLogins WHERE name = @name AND hash NOT IN (${kept})`).run({
        name,
        loginsMax,
      });
    });
  }

  /** @returns whether there was one */
  removeLogin(hash: string): boolean {
    return this.#run('DELETE FROM httpLogins WHERE hash = ?', [hash]) > 0;
  }

  #get(sql: string, values: readonly unknown[]): unknown {
    const { prepared, read } = this.#runner;
    return read(() => prepared(sql).get(...values));
  }

  #run(sql: string, values: readonly unknown[]): number {
    const { prepared, write } = this.#runner;
    return write(() => prepared(sql).run(...values).changes);
  }
}
