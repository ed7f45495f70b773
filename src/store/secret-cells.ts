/**
 * Documents that leave the machine with backups only, and never with the export of one agent: secrets of the servers it
 * uses. An export is given to others.
 */
import type Database from 'better-sqlite3';

/** What the names of such documents begin with. */
const SECRET_PREFIX = 'mcp-secrets';

/** Takes them out of a copy, with the bytes they had in it. */
export function removeSecrets(copy: Database.Database): void {
  copy.pragma('secure_delete=ON');
  copy
    .prepare('DELETE FROM mooring_cells WHERE substr(name, 1, ?) = ?')
    .run(SECRET_PREFIX.length, SECRET_PREFIX);
}
