/** `mooring approvals`: what agents of a running bridge want to do and wait for a person to approve. */
import { userInfo } from 'node:os';
import { limits } from '../base/limits.ts';
import { agentPath } from './agent-path.ts';
import {
  asObject,
  CLIENT_OPTIONS,
  clientOf,
  objectsOf,
  RefusedError,
  type BridgeClient,
  type Json,
} from './bridge-client.ts';
import {
  EXIT,
  printJson,
  UsageError,
  wholeNumber,
  type Command,
  type Invocation,
  type Option,
} from './command.ts';
import { cut, localTime, printable, textTable } from './text-table.ts';

/** Characters of an explanation in the table. */
const EXPLANATION_CHARACTERS_MAX = 60;
const STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled', 'all'];

const ONE_APPROVAL = { usage: '<model>/<id> <approval>', arguments: { min: 2, max: 2 } };

const DECIDE_OPTIONS: Readonly<Record<string, Option>> = {
  by: { type: 'string', value: '<person>', meaning: 'who decides (default: your user name)' },
  reason: { type: 'string', value: '<text>', meaning: 'why; the model is told when it was denied' },
  ...CLIENT_OPTIONS,
};

export const approvalsCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'what waits for a person, of one agent or of all',
    usage: '[<model>/<id>]',
    arguments: { min: 0, max: 1 },
    options: {
      status: {
        type: 'string',
        value: '<status>',
        meaning: `${STATUSES.join(', ')} (default pending)`,
      },
      limit: {
        type: 'string',
        value: '<n>',
        meaning: `at most so many, newest first (default ${limits.approvalListDefault})`,
      },
      ...CLIENT_OPTIONS,
    },
    examples: ['mooring approvals', 'mooring approvals list pump/p1 --status all --json'],
    run: list,
  },
  show: {
    summary: 'one approval: what would happen, who said what, and what came of it',
    ...ONE_APPROVAL,
    options: CLIENT_OPTIONS,
    examples: ['mooring approvals show pump/p1 moqx3f.9a.0'],
    run: show,
  },
  approve: {
    summary: 'approve a call: it runs once, as it was asked',
    ...ONE_APPROVAL,
    options: DECIDE_OPTIONS,
    details:
      'Exits 1 when it was decided already, and when you have approved it before and another person has to.',
    examples: ['mooring approvals approve pump/p1 moqx3f.9a.0 --by Anna'],
    run: deciding(true),
  },
  deny: {
    summary: 'deny a call: nothing runs',
    ...ONE_APPROVAL,
    options: DECIDE_OPTIONS,
    examples: ['mooring approvals deny pump/p1 moqx3f.9a.0 --reason "somebody is at the pump"'],
    run: deciding(false),
  },
};

async function list(invocation: Invocation): Promise<number> {
  const { status = 'pending' } = invocation.values;
  if (!STATUSES.includes(status)) {
    throw new UsageError(`--status is ${JSON.stringify(status)}; allowed are ${STATUSES.join(', ')}`);
  }
  const itemsMax =
    wholeNumber(invocation, 'limit', { min: 1, max: limits.approvalListMax }) ?? limits.approvalListDefault;
  const query = new URLSearchParams({ limit: String(itemsMax), ...(status === 'all' ? {} : { status }) });
  const path = invocation.positionals.length === 0 ? '/api/approvals' : approvalsPath(invocation);
  const answer = asObject(await clientOf(invocation).ask('GET', `${path}?${query}`));
  if (invocation.isJson) return printJson(answer);
  process.stdout.write(approvalTable(objectsOf(answer['items']), status));
  if (typeof answer['cursor'] === 'string')
    process.stderr.write(`there are more: --limit ${itemsMax * 10}\n`);
  return EXIT.ok;
}

async function show(invocation: Invocation): Promise<number> {
  const [, id] = invocation.positionals;
  const client = clientOf(invocation);
  const path = approvalsPath(invocation);
  const items = objectsOf(
    asObject(await client.ask('GET', `${path}?limit=${limits.approvalListMax}`))['items'],
  );
  const found = items.find((item) => item['id'] === id);
  if (found === undefined) {
    throw new UsageError(`${invocation.positionals[0]} has no approval ${JSON.stringify(id)}`);
  }
  const { kind, runId } = asObject(found['origin']);
  const program = kind === 'program' ? await programText(client, path, String(runId)) : undefined;
  if (invocation.isJson) return printJson(program === undefined ? found : { ...found, program });
  process.stdout.write(approvalText(found) + (program === undefined ? '' : programBlock(program)));
  return EXIT.ok;
}

/** The program that wants the call, so that nobody need approve it unread; null when it is not kept. */
async function programText(client: BridgeClient, approvals: string, run: string): Promise<string | null> {
  try {
    const path = approvals.replace(/approvals$/, `programs/${encodeURIComponent(run)}`);
    const { text } = asObject(await client.ask('GET', path));
    return typeof text === 'string' ? text : null;
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'BRG_UNKNOWN_PROGRAM') return null;
    throw error;
  }
}

function programBlock(program: string | null): string {
  if (program === null) return 'program   (not kept)\n';
  const lines = program.replaceAll('\t', '  ').split(/\r?\n/);
  return `program\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`;
}

function deciding(approved: boolean): Command['run'] {
  return async (invocation) => {
    const [agent = '', id = ''] = invocation.positionals;
    const { by = userInfo().username, reason } = invocation.values;
    const path = `${approvalsPath(invocation)}/${encodeURIComponent(id)}`;
    const body = { approved, by, ...(reason === undefined ? {} : { reason }) };
    const answer = asObject(await clientOf(invocation).ask('POST', path, { body }));
    if (invocation.isJson) return printJson(answer);
    const isOpen = answer['status'] === 'pending';
    const more = isOpen ? ': another person has to approve it as well' : '';
    process.stdout.write(`${String(answer['tool'])} of ${agent} is ${String(answer['status'])}${more}\n`);
    return EXIT.ok;
  };
}

/** @throws UsageError when the first argument is no address */
function approvalsPath(invocation: Invocation): string {
  return `${agentPath(invocation)}/approvals`;
}

function approvalTable(items: readonly Json[], status: string): string {
  if (items.length === 0)
    return status === 'pending' ? 'nothing waits for a person\n' : 'no such approvals\n';
  const rows = items.map(({ agent, id, status: stands, tool, explanation, expiresAtMs, needed, votes }) => [
    String(agent),
    String(id),
    needed === 2 && stands === 'pending' ? `pending ${objectsOf(votes).length}/2` : String(stands),
    stands === 'pending' ? localTime(Number(expiresAtMs)) : '-',
    String(tool),
    cut(String(explanation), EXPLANATION_CHARACTERS_MAX),
  ]);
  return textTable(['AGENT', 'APPROVAL', 'STATUS', 'UNTIL', 'TOOL', 'WHAT'], rows);
}

function approvalText(item: Json): string {
  const { agent, id, status, tool, arguments: input, explanation, requestedBy, outcome } = item;
  const votes = objectsOf(item['votes']).map(({ by, via, approved, atMs, reason }) => {
    const why = reason === undefined ? '' : `: ${String(reason)}`;
    return `${localTime(Number(atMs))} ${String(by)} (${String(via)}) ${approved === true ? 'approved' : 'denied'}${why}`;
  });
  const lines: [string, string][] = [
    ['agent', String(agent)],
    ['approval', String(id)],
    ['status', String(status)],
    ['what', String(explanation)],
    ['call', `${String(tool)} ${JSON.stringify(input)}`],
    ['asked', `${localTime(Number(item['createdAtMs']))} by ${String(requestedBy)}`],
    ['until', localTime(Number(item['expiresAtMs']))],
    ['people', `${votes.length === 0 ? 'nobody yet' : votes.join('; ')} (needed: ${String(item['needed'])})`],
    ['outcome', outcome === null ? '-' : JSON.stringify(outcome)],
  ];
  return lines.map(([name, value]) => `${name.padEnd(9)} ${printable(value)}\n`).join('');
}
