/** `mooring audit`: who made agents of a running bridge do something, and what became of it. */
import { parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { AUDIT_KINDS } from '../store/index.ts';
import { verifyAudit } from './audit-verify.ts';
import { asObject, CLIENT_OPTIONS, clientOf, objectsOf, type Json } from './bridge-client.ts';
import { EXIT, printJson, UsageError, wholeNumber, type Command, type Invocation } from './command.ts';
import { cut, localTime, textTable } from './text-table.ts';

/** Characters of a detail in the table. */
const DETAIL_CHARACTERS_MAX = 80;

export const auditCommand: Command = {
  summary: 'who sent commands, changed desired state or rules, or deleted agents',
  usage: '[verify] [<model>/<id>]',
  arguments: { min: 0, max: 2 },
  options: {
    kind: {
      type: 'string',
      value: '<kind>',
      meaning: `only one of ${AUDIT_KINDS.join(', ')}`,
    },
    from: {
      type: 'string',
      value: '<time>',
      meaning: 'start: -1h, -7d, an ISO 8601 date or ms (default: all)',
    },
    to: { type: 'string', value: '<time>', meaning: 'end (default now)' },
    limit: {
      type: 'string',
      value: '<n>',
      meaning: `at most so many, newest first (default ${limits.auditListDefault})`,
    },
    head: {
      type: 'string',
      value: '<hash>',
      meaning: 'with verify and an agent: a hash it has shown before has to be in the chain still',
    },
    ...CLIENT_OPTIONS,
  },
  details:
    'A command has two rows: who asked for it (created), and how it ended (done, failed, expired, dropped).\n' +
    'Rows stay when their agent is forgotten.\n' +
    'verify checks the records of programs that models ran (Code Mode), of one agent or of all: hashes are computed\n' +
    'again and held against the audit log. Exits 1 when something was changed, removed or slipped in.',
  examples: [
    'mooring audit',
    'mooring audit greenhouse/g7 --from -24h',
    'mooring audit verify',
    'mooring audit verify pump/p1 --json',
    `mooring audit --kind command --json | jq '.items[].by'`,
  ],
  run: audit,
};

async function audit(invocation: Invocation): Promise<number> {
  const [agent, ...more] = invocation.positionals;
  if (agent === 'verify') return verifyAudit(invocation);
  if (more.length > 0) throw new UsageError('one agent, or all');
  if (invocation.values['head'] !== undefined) throw new UsageError('--head goes with verify only');
  if (agent !== undefined && parseAddress(agent) === undefined) {
    throw new UsageError(
      `${JSON.stringify(agent)} is no agent; an agent is <model>/<id>, e.g. greenhouse/g7`,
    );
  }
  const { kind, from, to } = invocation.values;
  if (kind !== undefined && !AUDIT_KINDS.some((known) => known === kind)) {
    throw new UsageError(`--kind is ${JSON.stringify(kind)}; allowed are ${AUDIT_KINDS.join(', ')}`);
  }
  const rowsMax =
    wholeNumber(invocation, 'limit', { min: 1, max: limits.auditListMax }) ?? limits.auditListDefault;
  const query = new URLSearchParams({ limit: String(rowsMax) });
  for (const [name, value] of Object.entries({ agent, kind, from, to })) {
    if (value !== undefined) query.set(name, value);
  }
  const answer = asObject(await clientOf(invocation).ask('GET', `/api/audit?${query}`));
  if (invocation.isJson) return printJson(answer);
  process.stdout.write(auditTable(objectsOf(answer['items'])));
  if (answer['cursor'] !== null) process.stderr.write(moreHint(rowsMax));
  return EXIT.ok;
}

function moreHint(rowsMax: number): string {
  return rowsMax < limits.auditListMax
    ? `there are more: --limit ${Math.min(rowsMax * 10, limits.auditListMax)}\n`
    : 'there are more: narrow it with --from, --to or an agent\n';
}

function auditTable(items: readonly Json[]): string {
  if (items.length === 0) return 'nothing was noted\n';
  const rows = items.map(({ ts, agent, kind, event, subject, by, detail }) => [
    localTime(Number(ts)),
    String(agent),
    `${String(kind)} ${String(event)}`,
    subject === agent ? '-' : String(subject),
    String(by),
    detail === null ? '-' : cut(JSON.stringify(detail), DETAIL_CHARACTERS_MAX),
  ]);
  return textTable(['TIME', 'AGENT', 'WHAT', 'SUBJECT', 'BY', 'DETAIL'], rows);
}
