/**
 * Who may connect: `identity.db` of the data directory. Unlike the other databases it is shared: the command line writes
 * while a bridge reads, and each change is durable before it is confirmed. Secrets are kept as hashes only.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { limits } from '../base/limits.ts';
import { storeError } from './database.ts';
import { HTTP_ACCESS_SCHEMA, HttpAccessRows } from './http-access.ts';

export type Role = 'device' | 'user' | 'admin';

/** A row of `identity`. */
export interface IdentityRow {
  readonly name: string;
  readonly role: Role;
  /** Of a device; empty for others. */
  readonly model: string;
  readonly id: string;
  /** A hash with its algorithm in front; empty: no password, e.g. where a certificate is asked for. */
  readonly secret: string;
  readonly createdAtMs: number;
  /** Changes with every change of the identity and of its grants. */
  readonly version: number;
}

/** A row of `grants`: what one identity, or with the name `*` everybody, may do besides. */
export interface GrantRow {
  readonly name: string;
  readonly action: 'publish' | 'subscribe';
  readonly filter: string;
}

/** A row of `claims`. */
interface ClaimRow {
  readonly hash: string;
  readonly model: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Name of the device that came with it; null: nobody yet. */
  readonly claimedBy: string | null;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS identity (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, model TEXT NOT NULL, id TEXT NOT NULL, secret TEXT NOT NULL,
  createdAtMs INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grants (
  name TEXT NOT NULL, action TEXT NOT NULL, filter TEXT NOT NULL, PRIMARY KEY (name, action, filter)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
  hash TEXT PRIMARY KEY, model TEXT NOT NULL, createdAtMs INTEGER NOT NULL, expiresAtMs INTEGER NOT NULL, claimedBy TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS version (n INTEGER NOT NULL) STRICT;
INSERT INTO version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM version);
`;

export const IDENTITY_FILE = 'identity.db';
/** The other process holds the lock for one small transaction. */
const LOCK_TIMEOUT_MS = 2000;

/** Whether anybody was ever made known in this data directory. */
export function hasIdentityFile(dataDir: string): boolean {
  return existsSync(join(dataDir, IDENTITY_FILE));
}

/** See the head of this file. All methods throw BRG_STORE, BRG_DISK_FULL. */
export class IdentityStore {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #statements = new Map<string, Database.Statement>();
  /** What there is about HTTP. */
  readonly http: HttpAccessRows;

  /** Opens the file, or makes it. @throws BridgeError BRG_DATA_DIR */
  constructor(dataDir: string) {
    this.#path = join(dataDir, IDENTITY_FILE);
    try {
      mkdirSync(dataDir, { recursive: true });
      this.#db = new Database(this.#path, { timeout: LOCK_TIMEOUT_MS });
      chmodSync(this.#path, 0o600);
      this.#db.pragma('journal_mode=WAL');
      this.#db.pragma('synchronous=FULL');
      this.#db.exec(SCHEMA + HTTP_ACCESS_SCHEMA);
    } catch (error) {
      throw storeError(error, this.#path);
    }
    this.http = new HttpAccessRows({
      prepared: (sql) => this.#prepared(sql),
      read: (work) => this.#run(work),
      write: (work) => this.#write(work),
    });
  }

  /** Grows when another process has changed something. */
  dataVersion(): number {
    return Number(this.#run(() => this.#db.pragma('data_version', { simple: true })));
  }

  /** Whether somebody may connect, or become somebody who may. */
  isEmpty(): boolean {
    const sql = 'SELECT 1 WHERE EXISTS (SELECT 1 FROM identity) OR EXISTS (SELECT 1 FROM claims)';
    return this.#run(() => this.#prepared(sql).get()) === undefined;
  }

  find(name: string): IdentityRow | undefined {
    return this.#run(
      () => this.#prepared('SELECT * FROM identity WHERE name = ?').get(name) as IdentityRow | undefined, // the schema
    );
  }

  /** In the order of their names, behind `after`. */
  list(after: string, itemsMax: number): IdentityRow[] {
    const sql = 'SELECT * FROM identity WHERE name > ? ORDER BY name LIMIT ?';
    return this.#run(() => this.#prepared(sql).all(after, itemsMax) as IdentityRow[]); // the schema
  }

  /** Adds an identity, or replaces the one of this name. */
  put(row: Omit<IdentityRow, 'version'>): void {
    this.#write(() => {
      const sql =
        'INSERT INTO identity VALUES (@name, @role, @model, @id, @secret, @createdAtMs, @version) ' +
        'ON CONFLICT (name) DO UPDATE SET role = @role, model = @model, id = @id, secret = @secret, version = @version';
      this.#prepared(sql).run({ ...row, version: this.#nextVersion() });
    });
  }

  /** @returns whether there was one */
  remove(name: string): boolean {
    return this.#write(() => {
      this.#prepared('DELETE FROM grants WHERE name = ?').run(name);
      this.#prepared('DELETE FROM httpUsers WHERE name = ?').run(name);
      this.#prepared('DELETE FROM httpLogins WHERE name = ?').run(name);
      return this.#prepared('DELETE FROM identity WHERE name = ?').run(name).changes > 0;
    });
  }

  /** What these names were granted. */
  grants(names: readonly string[]): GrantRow[] {
    const sql = 'SELECT * FROM grants WHERE name = ? ORDER BY action, filter LIMIT ?';
    return this.#run(
      () => names.flatMap((name) => this.#prepared(sql).all(name, limits.grantsPerIdentityMax) as GrantRow[]), // the schema
    );
  }

  allGrants(): GrantRow[] {
    return this.#run(
      () => this.#prepared('SELECT * FROM grants ORDER BY name, action, filter').all() as GrantRow[],
    ); // the schema
  }

  grant({ name, action, filter }: GrantRow): void {
    this.#write(() => {
      this.#prepared('INSERT OR IGNORE INTO grants VALUES (?, ?, ?)').run(name, action, filter);
      this.#touch(name);
    });
  }

  /** @returns whether there was one */
  revoke({ name, action, filter }: GrantRow): boolean {
    return this.#write(() => {
      const sql = 'DELETE FROM grants WHERE name = ? AND action = ? AND filter = ?';
      const isGone = this.#prepared(sql).run(name, action, filter).changes > 0;
      this.#touch(name);
      return isGone;
    });
  }

  addClaims(claims: readonly Omit<ClaimRow, 'claimedBy'>[]): void {
    this.#write(() => {
      const insert = this.#prepared(
        'INSERT INTO claims VALUES (@hash, @model, @createdAtMs, @expiresAtMs, NULL)',
      );
      for (const claim of claims) insert.run(claim);
    });
  }

  /** Claims that nobody came with yet, by model. */
  openClaims(nowMs: number): { model: string; count: number }[] {
    const sql =
      'SELECT model, count(*) AS count FROM claims WHERE claimedBy IS NULL AND expiresAtMs > ? GROUP BY model ORDER BY model';
    return this.#run(() => this.#prepared(sql).all(nowMs) as { model: string; count: number }[]); // the query
  }

  /** Makes the device known whose claim this is, unless somebody came with it before. @returns whether it is now */
  claim(hash: string, device: Omit<IdentityRow, 'version'>): boolean {
    return this.#write(() => {
      const sql =
        'UPDATE claims SET claimedBy = ? WHERE hash = ? AND model = ? AND claimedBy IS NULL AND expiresAtMs > ?';
      const { name, role, model, id, secret, createdAtMs } = device;
      if (this.#prepared(sql).run(name, hash, model, createdAtMs).changes === 0) return false;
      this.#prepared('INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)').run(
        ...[name, role, model, id, secret, createdAtMs, this.#nextVersion()],
      );
      return true;
    });
  }

  /** Throws away claims nobody came with. @returns how many */
  removeClaims(model: string): number {
    return this.#write(
      () => this.#prepared('DELETE FROM claims WHERE model = ? AND claimedBy IS NULL').run(model).changes,
    );
  }

  close(): void {
    this.#db.close();
  }

  #touch(name: string): void {
    const version = this.#nextVersion();
    if (name === '*') this.#prepared('UPDATE identity SET version = ?').run(version);
    else this.#prepared('UPDATE identity SET version = ? WHERE name = ?').run(version, name);
  }

  #nextVersion(): number {
    const row = this.#prepared('UPDATE version SET n = n + 1 RETURNING n').get() as { n: number }; // the schema
    return row.n;
  }

  #prepared(sql: string): Database.Statement {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  /** In a transaction that takes the lock at once, so that it cannot fail halfway for want of it. */
  #write<T>(change: () => T): T {
    return this.#run(() => this.#db.transaction(change).immediate());
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }
}
