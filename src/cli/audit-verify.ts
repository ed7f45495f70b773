/** `mooring audit verify`: whether the records of programs that models ran are whole. */
import { parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { AuditRecord } from '../tools/index.ts';
import {
  asObject,
  CLIENT_OPTIONS,
  clientOf,
  objectsOf,
  RefusedError,
  type BridgeClient,
  type Json,
} from './bridge-client.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { verifyChain, type ChainRow, type ChainVerdict } from './program-chain.ts';
import { textTable } from './text-table.ts';

/** Characters of a hash in the table. */
const HASH_CHARACTERS = 16;

interface AgentVerdict extends ChainVerdict {
  readonly agent: string;
  readonly kept: number;
  /** Runs since the agent exists; null: it is gone. */
  readonly count: number | null;
}

export const verifyCommand: Command = {
  summary: 'whether the records of programs that models ran (Code Mode) are whole',
  usage: '[<model>/<id>]',
  arguments: { min: 0, max: 1 },
  options: {
    head: {
      type: 'string',
      value: '<hash>',
      meaning: 'with an agent: a hash it has shown before has to be in the chain still',
    },
    ...CLIENT_OPTIONS,
  },
  details:
    'Of one agent or of all, and of all that is kept: hashes are computed again and held against the audit log.\n' +
    'Exits 1 when something was changed, removed or slipped in.',
  examples: ['mooring audit verify', 'mooring audit verify pump/p1 --json'],
  run: verify,
};

async function verify(invocation: Invocation): Promise<number> {
  const [agent] = invocation.positionals;
  const { head } = invocation.values;
  if (agent === undefined && head !== undefined) throw new UsageError('--head needs an agent');
  const client = clientOf(invocation);
  const agents = agent === undefined ? await agentsWithPrograms(client) : [agent];
  const verdicts: AgentVerdict[] = [];
  for (const address of agents) verdicts.push(await verdictOf(client, address, head));
  const isSound = verdicts.every((verdict) => verdict.isSound);
  if (invocation.isJson) printJson({ isSound, agents: verdicts });
  else process.stdout.write(verdictText(verdicts));
  return isSound ? EXIT.ok : EXIT.failed;
}

async function agentsWithPrograms(client: BridgeClient): Promise<string[]> {
  const rows = await auditRows(client, { kind: 'program' });
  return [...new Set(rows.map(({ agent }) => String(agent)))].toSorted();
}

async function verdictOf(client: BridgeClient, agent: string, head?: string): Promise<AgentVerdict> {
  const before = await programsOf(client, agent);
  const rows = [
    ...(await auditRows(client, { agent, kind: 'program' })),
    ...(await auditRows(client, { agent, kind: 'agent' })),
  ];
  const answer = await programsOf(client, agent);
  // What ran meanwhile may be in one and not in the other.
  if (countOf(before) !== countOf(answer)) return verdictOf(client, agent, head);
  const records = objectsOf(answer?.['runs']).toReversed() as unknown as AuditRecord[]; // the route's schema
  const count = countOf(answer);
  const verdict = verifyChain({
    ...{ records, count, keptMax: limits.programRunsKept, head },
    rows: rows.map(rowOf).toSorted((one, other) => one.ts - other.ts),
    logFromMs: Date.now() - limits.auditKeptMs,
  });
  return { agent, kept: records.length, count, ...verdict };
}

/** Null when there is no such agent (any more). */
async function programsOf(client: BridgeClient, agent: string): Promise<Json | null> {
  const address = parseAddress(agent);
  if (address === undefined) throw new UsageError(`${JSON.stringify(agent)} is no agent`);
  try {
    const path = `/api/agents/${address.model}/${encodeURIComponent(address.id)}/programs`;
    return asObject(await client.ask('GET', path));
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'BRG_UNKNOWN_AGENT') return null;
    throw error;
  }
}

function countOf(answer: Json | null): number | null {
  return answer === null ? null : Number(asObject(answer['chain'])['count']);
}

/** All pages, oldest first. */
async function auditRows(client: BridgeClient, filter: Readonly<Record<string, string>>): Promise<Json[]> {
  const rows: Json[] = [];
  let cursor: unknown = null;
  do {
    const query = new URLSearchParams({ ...filter, limit: String(limits.auditListMax) });
    if (typeof cursor === 'string') query.set('cursor', cursor);
    const page = asObject(await client.ask('GET', `/api/audit?${query}`));
    rows.push(...objectsOf(page['items']));
    cursor = page['cursor'];
  } while (typeof cursor === 'string');
  return rows.toReversed();
}

function rowOf({ ts, kind, event, subject, detail }: Json): ChainRow {
  const { hash, previous } = asObject(detail);
  return {
    ...{ ts: Number(ts), kind: String(kind), event: String(event), subject: String(subject) },
    hash: typeof hash === 'string' ? hash : null,
    previous: typeof previous === 'string' ? previous : null,
  };
}

function verdictText(verdicts: readonly AgentVerdict[]): string {
  if (verdicts.length === 0) return 'no programs were run\n';
  const rows = verdicts.map(({ agent, kept, count, isSound, head }) => [
    agent,
    count === null ? 'gone' : `${kept} of ${count}`,
    isSound ? 'sound' : 'BROKEN',
    head.slice(0, HASH_CHARACTERS),
  ]);
  const problems = verdicts.flatMap(({ agent, problems: said }) => said.map((one) => [agent, one]));
  return (
    textTable(['AGENT', 'RECORDS', 'CHAIN', 'HEAD'], rows) +
    (problems.length === 0 ? '' : `\n${textTable(null, problems)}`)
  );
}
