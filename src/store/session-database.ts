/**
 * MQTT sessions, retained messages and wills: `sessions.db` of the data directory. The broker has them in memory and
 * reads them once, at its start; a commit is what has changed since the one before.
 *
 * I1 A commit is fsynced (WAL, synchronous=FULL) before `write` returns, and is there wholly or not at all.
 * I2 One process has the journal of a data directory, and writes here. Others may read: a backup copies it meanwhile.
 */
import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, BridgeError } from '../base/errors.ts';
import {
  NO_SESSION_ROWS,
  type OutgoingPhase,
  type OutgoingRow,
  type SessionChanges,
  type SessionRows,
  type WillRow,
} from '../base/session-rows.ts';
import { storeError } from './database.ts';

export const SESSIONS_FILE = 'sessions.db';
const VERSION = 1;
/** A backup that reads holds up no commit; only a checkpoint, which is tried again. */
const LOCK_TIMEOUT_MS = 2000;

const SCHEMA = `
CREATE TABLE sessions (session INTEGER PRIMARY KEY, client TEXT NOT NULL, endedAtMs INTEGER) STRICT;
CREATE TABLE filters (
  session INTEGER NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL, PRIMARY KEY (session, filter)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (message INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE outgoing (
  session INTEGER NOT NULL, place INTEGER NOT NULL, message INTEGER NOT NULL, qos INTEGER NOT NULL,
  isRetained INTEGER NOT NULL, packetId INTEGER NOT NULL, phase INTEGER NOT NULL, PRIMARY KEY (session, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE incoming (
  session INTEGER NOT NULL, packetId INTEGER NOT NULL, PRIMARY KEY (session, packetId)
) STRICT, WITHOUT ROWID;
CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL, setBy TEXT NOT NULL) STRICT;
CREATE TABLE wills (
  client TEXT PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL, isRetained INTEGER NOT NULL
) STRICT;
PRAGMA user_version = ${VERSION};
`;

/** As the table has them; their order is not to change. */
const PHASES: readonly OutgoingPhase[] = ['queued', 'sent', 'released'];

/** See the head of this file. */
export class SessionDatabase {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #writeTransaction: (changes: SessionChanges) => void;

  /** Opens the file, or makes it. @throws BridgeError BRG_DATA_DIR, BRG_DATA_VERSION, BRG_DISK_FULL */
  constructor(dataDir: string) {
    this.#path = join(dataDir, SESSIONS_FILE);
    let db: Database.Database | undefined;
    try {
      db = new Database(this.#path, { timeout: LOCK_TIMEOUT_MS });
      this.#db = db;
      db.pragma('journal_mode=WAL');
      db.pragma('synchronous=FULL');
      this.#migrate();
    } catch (error) {
      db?.close();
      throw storeError(error, this.#path);
    }
    this.#writeTransaction = this.#db.transaction((changes: SessionChanges) => this.#change(changes));
  }

  /** Everything. @throws BridgeError BRG_STORE */
  load(): SessionRows {
    const all = <T>(sql: string): T[] => this.#prepared(sql).all() as T[]; // the schema
    try {
      const outgoing = all<Omit<OutgoingRow, 'phase' | 'isRetained'> & { phase: number; isRetained: number }>(
        'SELECT * FROM outgoing ORDER BY session, place',
      );
      const wills = all<Omit<WillRow, 'isRetained'> & { isRetained: number }>('SELECT * FROM wills');
      return {
        sessions: all('SELECT * FROM sessions'),
        filters: all('SELECT * FROM filters'),
        messages: all('SELECT * FROM messages'),
        outgoing: outgoing.map((row) => ({
          ...row,
          isRetained: row.isRetained === 1,
          phase: phaseOf(row.phase),
        })),
        incoming: all('SELECT * FROM incoming'),
        retained: all('SELECT * FROM retained'),
        wills: wills.map((row) => ({ ...row, isRetained: row.isRetained === 1 })),
      };
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  /** One commit. @throws BridgeError BRG_DISK_FULL, BRG_STORE; nothing of it was kept then */
  write(changes: SessionChanges): void {
    try {
      this.#writeTransaction(changes);
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  close(): void {
    this.#db.close();
  }

  #migrate(): void {
    const version = Number(this.#db.pragma('user_version', { simple: true }));
    if (version === VERSION) return;
    if (version !== 0)
      throw new BridgeError('BRG_DATA_VERSION', `${this.#path} has version ${version}: use a newer program`);
    this.#db.transaction(() => this.#db.exec(SCHEMA)).immediate();
  }

  #change({ dropped, gone, put }: SessionChanges): void {
    for (const session of dropped)
      for (const table of ['sessions', 'filters', 'outgoing', 'incoming'])
        this.#run(`DELETE FROM ${table} WHERE session = ?`, session);
    for (const { session, filter } of gone.filters)
      this.#run('DELETE FROM filters WHERE session = ? AND filter = ?', session, filter);
    for (const message of gone.messages) this.#run('DELETE FROM messages WHERE message = ?', message);
    for (const { session, place } of gone.outgoing)
      this.#run('DELETE FROM outgoing WHERE session = ? AND place = ?', session, place);
    for (const { session, packetId } of gone.incoming)
      this.#run('DELETE FROM incoming WHERE session = ? AND packetId = ?', session, packetId);
    for (const topic of gone.retained) this.#run('DELETE FROM retained WHERE topic = ?', topic);
    for (const client of gone.wills) this.#run('DELETE FROM wills WHERE client = ?', client);
    this.#put(put);
  }

  #put(put: SessionRows): void {
    for (const { session, client, endedAtMs } of put.sessions)
      this.#run('REPLACE INTO sessions VALUES (?, ?, ?)', session, client, endedAtMs);
    for (const { session, filter, qos } of put.filters)
      this.#run('REPLACE INTO filters VALUES (?, ?, ?)', session, filter, qos);
    for (const { message, topic, payload } of put.messages)
      this.#run('REPLACE INTO messages VALUES (?, ?, ?)', message, topic, payload);
    for (const { session, place, message, qos, isRetained, packetId, phase } of put.outgoing)
      this.#run(
        'REPLACE INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[session, place, message, qos, Number(isRetained), packetId, PHASES.indexOf(phase)],
      );
    for (const { session, packetId } of put.incoming)
      this.#run('REPLACE INTO incoming VALUES (?, ?)', session, packetId);
    for (const { topic, payload, qos, setBy } of put.retained)
      this.#run('REPLACE INTO retained VALUES (?, ?, ?, ?)', topic, payload, qos, setBy);
    for (const { client, topic, payload, qos, isRetained } of put.wills)
      this.#run('REPLACE INTO wills VALUES (?, ?, ?, ?, ?)', client, topic, payload, qos, Number(isRetained));
  }

  #run(sql: string, ...values: unknown[]): void {
    this.#prepared(sql).run(...values);
  }

  #prepared(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
}

/** What a data directory has of sessions; nothing where there never were any. @throws BridgeError as `SessionDatabase` */
export function loadSessions(dataDir: string): SessionRows {
  if (!existsSync(join(dataDir, SESSIONS_FILE))) return NO_SESSION_ROWS;
  const database = new SessionDatabase(dataDir);
  try {
    return database.load();
  } finally {
    database.close();
  }
}

function phaseOf(value: number): OutgoingPhase {
  const phase = PHASES[value];
  assert(phase !== undefined, 'a row of outgoing has a phase that was written');
  return phase;
}
