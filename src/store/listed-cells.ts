/** Documents that lists show without waking their agent: of heavy agents, shard.db keeps a copy of these. */

/** What stands before the id in the name of an approval's document. */
export const APPROVAL_PREFIX = 'approval:';

/** The same in SQL: exactly the condition of the partial index `cells_approvals`. */
export const IS_APPROVAL = "name >= 'approval:' AND name < 'approval;'";

/** The same in SQL: all of them. */
export const IS_LISTED = `(name = 'state' OR (${IS_APPROVAL}))`;

export function isListed(name: string): boolean {
  return name === 'state' || name.startsWith(APPROVAL_PREFIX);
}
