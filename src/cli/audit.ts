/** `mooring audit`: who made agents of a running bridge do something, and what became of it. */
import { parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { AUDIT_KINDS } from '../store/index.ts';
import { verifyCommand } from './audit-verify.ts';
import { asObject, CLIENT_OPTIONS, clientOf, objectsOf, type Json } from './bridge-client.ts';
import { EXIT, printJson, UsageError, wholeNumber, type Command, type Invocation } from './command.ts';
import { cut, localTime, textTable } from './text-table.ts';

/** Characters of a detail in the table. */
const DETAIL_CHARACTERS_MAX = 80;

export const auditCommand: Command = {
  summary: 'who sent commands, changed desired state or rules, or deleted agents',
  usage: '[<model>/<id>]',
  arguments: { min: 0, max: 1 },
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
    ...CLIENT_OPTIONS,
  },
  details:
    'A command has two rows: who asked for it (created), and how it ended (done, failed, expired, dropped).\n' +
    'Rows stay when their agent is forgotten.',
  examples: [
    'mooring audit',
    'mooring audit greenhouse/g7 --from -24h',
    `mooring audit --kind command --json | jq '.items[].by'`,
  ],
  words: { verify: verifyCommand },
  run: audit,
};

async function audit(invocation: Invocation): Promise<number> {
  const [agent] = invocation.positionals;
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
