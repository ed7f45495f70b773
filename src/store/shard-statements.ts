/** The statements of a shard's commit. */
import type Database from 'better-sqlite3';

/** Named, so that `tsc` can write it into a declaration file. */
interface ShardStatements {
  readonly meta: Database.Statement<[string], { value: unknown }>;
  readonly setMeta: Database.Statement;
  readonly insertAgent: Database.Statement;
  readonly updateAgent: Database.Statement;
  readonly cells: Database.Statement<[number], { name: string; value: string }>;
  readonly cell: Database.Statement<[number, string], { value: string }>;
  readonly setCell: Database.Statement;
  readonly deleteCell: Database.Statement;
}

export function prepareShard(db: Database.Database): ShardStatements {
  return {
    meta: db.prepare('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare(
      'INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    ),
    insertAgent: db.prepare(
      'INSERT INTO agents(key, model, id, presence, last_seen, messages, rejected, applied, alarm_at, created_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    updateAgent: db.prepare(
      'UPDATE agents SET presence = ?, last_seen = ?, messages = ?, rejected = ?, applied = ?, alarm_at = ?, file = ? WHERE key = ?',
    ),
    cells: db.prepare('SELECT name, value FROM cells WHERE agent = ?'),
    cell: db.prepare('SELECT value FROM cells WHERE agent = ? AND name = ?'),
    setCell: db.prepare(
      'INSERT INTO cells(agent, name, value) VALUES(?, ?, ?) ON CONFLICT(agent, name) DO UPDATE SET value = excluded.value',
    ),
    deleteCell: db.prepare('DELETE FROM cells WHERE agent = ? AND name = ?'),
  };
}
