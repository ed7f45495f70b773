/** The statements of a shard's commit. */
import type Database from 'better-sqlite3';

export function prepareShard(db: Database.Database) {
  return {
    meta: db.prepare<[string], { value: unknown }>('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare(
      'INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value',
    ),
    insertAgent: db.prepare(
      'INSERT INTO agents(key, model, id, presence, last_seen, messages, rejected, applied, alarm_at, created_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    updateAgent: db.prepare(
      'UPDATE agents SET presence = ?, last_seen = ?, messages = ?, rejected = ?, applied = ?, alarm_at = ?, file = ? WHERE key = ?',
    ),
    cells: db.prepare<[number], { name: string; value: string }>(
      'SELECT name, value FROM cells WHERE agent = ?',
    ),
    cell: db.prepare<[number, string], { value: string }>(
      'SELECT value FROM cells WHERE agent = ? AND name = ?',
    ),
    setCell: db.prepare(
      'INSERT INTO cells(agent, name, value) VALUES(?, ?, ?) ON CONFLICT(agent, name) DO UPDATE SET value = excluded.value',
    ),
    deleteCell: db.prepare('DELETE FROM cells WHERE agent = ? AND name = ?'),
  };
}
