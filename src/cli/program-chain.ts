/**
 * Whether what is known of an agent's programs is what was noted when they ran. Records are kept with the agent, each with
 * the hash of the one before; the hash of each is in the audit log as well. Hashes are computed here again, so that nothing
 * is taken on the bridge's word. Pure.
 *
 * Seen: a record that was changed, removed or slipped in, at the end too; rows of the log that are missing in between.
 * Not seen: both chains written anew by somebody who can write the bridge's files. For that, keep a `head` elsewhere.
 */
import { brokenAt, CHAIN_START, type AuditRecord } from '../tools/index.ts';

/** A row of the audit log about a program, or about the agent itself. */
export interface ChainRow {
  readonly ts: number;
  readonly kind: string;
  readonly event: string;
  /** The run. */
  readonly subject: string;
  /** Null in rows about the agent. */
  readonly hash: string | null;
  readonly previous: string | null;
}

export interface ChainEvidence {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
  /** Runs since the agent exists, and how many of their records should be kept; null: there is no such agent. */
  readonly count: number | null;
  readonly keptMax: number;
  /** Oldest first. */
  readonly rows: readonly ChainRow[];
  /** Rows from before are no longer in the log. */
  readonly logFromMs: number;
  /** A hash that somebody has kept. */
  readonly head?: string | undefined;
}

export interface ChainVerdict {
  readonly isSound: boolean;
  /** Hash of the newest record; whoever keeps it can tell later that nothing before it was changed. */
  readonly head: string;
  readonly problems: readonly string[];
}

export function verifyChain(evidence: ChainEvidence): ChainVerdict {
  const { records, rows, head } = evidence;
  const known = [...records.map(({ hash }) => hash), ...rows.map(({ hash }) => hash)];
  const problems = [
    ...recordProblems(evidence),
    ...logProblems(evidence),
    ...(head === undefined || known.includes(head)
      ? []
      : [`nothing that is kept has the hash ${head}: it is older, or the history was written anew`]),
  ];
  return { isSound: problems.length === 0, head: records.at(-1)?.hash ?? CHAIN_START, problems };
}

function recordProblems({ records, count, keptMax }: ChainEvidence): string[] {
  const [oldest] = records;
  const expected = Math.min(count ?? 0, keptMax);
  const isWhole = (count ?? 0) <= keptMax;
  const broken = brokenAt(records, isWhole ? CHAIN_START : oldest?.previous);
  return [
    ...(records.length === expected
      ? []
      : [`${records.length} records are kept, and it should be ${expected}`]),
    ...(broken === -1
      ? []
      : [`the record of run ${runOf(records[broken])} was changed, or one before it removed or slipped in`]),
  ];
}

/** An import brings records that another log tells of, and takes those away that this one tells of. */
function logProblems({ records, count, rows, logFromMs }: ChainEvidence): string[] {
  const importedMs = rows.findLast(isEvent('imported'))?.ts ?? 0;
  const programs = rows.filter(({ kind }) => kind === 'program');
  const logged = new Set(programs.map(({ hash }) => hash));
  const unlogged = records.filter(
    ({ hash, body }) => !logged.has(hash) && atMsOf(body) > Math.max(importedMs, logFromMs),
  );
  return [
    ...unlogged.map((record) => `the audit log does not tell of run ${runOf(record)}`),
    ...gaps(rows, importedMs),
    ...cutOff(records.at(-1)?.hash, programs, { count, importedMs, endedMs: endOf(rows) }),
  ];
}

/** Each row follows the one before, unless its agent is another one by then. */
function gaps(rows: readonly ChainRow[], importedMs: number): string[] {
  const problems: string[] = [];
  let before: ChainRow | undefined;
  for (const row of rows) {
    const isAnew = row.event === 'destroyed' || row.event === 'imported';
    if (row.kind !== 'program') {
      if (isAnew) before = undefined;
      continue;
    }
    if (before !== undefined && before.hash !== row.previous && row.ts > importedMs)
      problems.push(`the audit log lacks what ran before run ${row.subject}`);
    before = row;
  }
  return problems;
}

/** Runs that the log tells of, and that came after the newest record. */
function cutOff(
  newest: string | undefined,
  programs: readonly ChainRow[],
  { count, importedMs, endedMs }: { count: number | null; importedMs: number; endedMs: number },
): string[] {
  const at = programs.findLastIndex(({ hash }) => hash === newest);
  const later = programs.slice(at + 1).filter(({ ts }) => ts > importedMs && ts > endedMs);
  if (later.length === 0) return [];
  const lost = later.map(({ subject }) => subject).join(', ');
  return [
    count === null
      ? `the agent is gone, and the log does not say who deleted it after run ${lost}`
      : `records are missing at the end: run ${lost}`,
  ];
}

function endOf(rows: readonly ChainRow[]): number {
  return rows.findLast(isEvent('destroyed'))?.ts ?? 0;
}

function isEvent(event: string): (row: ChainRow) => boolean {
  return (row) => row.kind === 'agent' && row.event === event;
}

/** Bodies come from a file that may have been written by anybody. */
function runOf(record: AuditRecord | undefined): string {
  const { run } = (record?.body ?? {}) as { run?: unknown }; // any JSON may be asked for a name
  return typeof run === 'string' ? run : '?';
}

function atMsOf(body: unknown): number {
  const { atMs } = (body ?? {}) as { atMs?: unknown }; // any JSON may be asked for a name
  return typeof atMs === 'number' ? atMs : Infinity;
}
