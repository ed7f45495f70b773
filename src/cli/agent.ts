/** `mooring agent`: look at the agents of a running bridge and talk to their devices. */
import { parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { exportCommand, importCommand } from './agent-copies.ts';
import { mcpCommand } from './agent-mcp.ts';
import { agentPath } from './agent-path.ts';
import { rulesCommand } from './agent-rules.ts';
import {
  agentTable,
  agentText,
  commandTable,
  historyText,
  outcomeText,
  rejectedTable,
} from './agent-answers.ts';
import {
  asObject,
  CLIENT_OPTIONS,
  clientOf,
  objectsOf,
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

const HISTORY_POINTS = 20;
const LIMIT: Option = { type: 'string', value: '<n>', meaning: 'at most so many, newest first' };
const ONE_AGENT = { usage: '<model>/<id>', arguments: { min: 1, max: 1 } };

export const agentCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'the agents of a running bridge',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: {
      model: { type: 'string', value: '<model>', meaning: 'only of this model' },
      query: { type: 'string', value: '<text>', meaning: 'only with this text in the address' },
      presence: { type: 'string', value: '<presence>', meaning: 'only online, offline or never' },
      limit: {
        type: 'string',
        value: '<n>',
        meaning: `at most so many (default ${limits.listAgentsDefault})`,
      },
      ...CLIENT_OPTIONS,
    },
    examples: [
      'mooring agent list',
      'mooring agent list --model pump --presence offline',
      'mooring agent list --json',
    ],
    run: list,
  },
  show: {
    summary: 'one agent: presence, state, twin and counters',
    ...ONE_AGENT,
    options: CLIENT_OPTIONS,
    examples: ['mooring agent show greenhouse/g7', `mooring agent show greenhouse/g7 --json | jq .state`],
    run: reading('', agentText),
  },
  history: {
    summary: 'what a device has measured',
    usage: '<model>/<id> [metric]',
    arguments: { min: 1, max: 2 },
    options: {
      from: {
        type: 'string',
        value: '<time>',
        meaning: 'start: -1h, -7d, an ISO 8601 date or ms (default -24h)',
      },
      to: { type: 'string', value: '<time>', meaning: 'end (default now)' },
      points: {
        type: 'string',
        value: '<n>',
        meaning: `points a metric, at most (default ${HISTORY_POINTS})`,
      },
      ...CLIENT_OPTIONS,
    },
    examples: [
      'mooring agent history greenhouse/g7 temperature',
      'mooring agent history greenhouse/g7 --from -7d --points 7',
    ],
    run: history,
  },
  rejected: {
    summary: 'messages of a device that were not applied, and why',
    ...ONE_AGENT,
    options: { limit: LIMIT, ...CLIENT_OPTIONS },
    examples: ['mooring agent rejected greenhouse/g7'],
    run: reading('/rejected', rejectedTable),
  },
  commands: {
    summary: 'commands that wait for a device, and the last that ended',
    ...ONE_AGENT,
    options: { limit: LIMIT, ...CLIENT_OPTIONS },
    examples: ['mooring agent commands greenhouse/g7'],
    run: reading('/commands', commandTable),
  },
  send: {
    summary: 'send a command to a device and wait for its answer',
    usage: '<model>/<id> <command> [argument]',
    arguments: { min: 2, max: 3 },
    options: {
      timeout: { type: 'string', value: '<time>', meaning: 'how long to wait: 500ms, 10s, 2m (default 10s)' },
      ttl: { type: 'string', value: '<time>', meaning: 'how long a sleeping device may take (default 1h)' },
      ...CLIENT_OPTIONS,
    },
    details:
      'Exits 0 when the device has done it, or when it has not answered yet ("pending": it gets the command when\n' +
      'it wakes); 1 when it failed or expired. `mooring devices show <model>` lists the commands of a model.',
    examples: [
      'mooring agent send greenhouse/g7 vent open',
      'mooring agent send thermostat/hall set-target 21.5 --timeout 30s',
      'mooring agent send pump/p1 stop',
    ],
    run: send,
  },
  rules: rulesCommand,
  mcp: mcpCommand,
  hibernate: {
    summary: 'let an agent leave memory now; its next message wakes it',
    ...ONE_AGENT,
    options: CLIENT_OPTIONS,
    details: 'Exits 1, with the reason, when the agent has work. Connections, state and schedules stay.',
    examples: ['mooring agent hibernate greenhouse/g7'],
    run: hibernate,
  },
  export: exportCommand,
  import: importCommand,
  forget: {
    summary: 'delete an agent: its state, history, rules and commands',
    ...ONE_AGENT,
    options: { yes: { type: 'boolean', meaning: 'really; it cannot be undone' }, ...CLIENT_OPTIONS },
    examples: ['mooring agent forget greenhouse/g7 --yes'],
    run: forget,
  },
};

async function list(invocation: Invocation): Promise<number> {
  const { model, query, presence } = invocation.values;
  if (presence !== undefined && !['online', 'offline', 'never'].includes(presence)) {
    throw new UsageError(`--presence is ${JSON.stringify(presence)}; allowed are online, offline, never`);
  }
  const agentsMax =
    wholeNumber(invocation, 'limit', { min: 1, max: Number.MAX_SAFE_INTEGER }) ?? limits.listAgentsDefault;
  const { agents, cursor } = await pages(clientOf(invocation), { model, q: query, presence }, agentsMax);
  if (invocation.isJson) return printJson({ agents, cursor });
  if (agents.length > 0) process.stdout.write(agentTable(agents, Date.now()));
  else process.stdout.write('no such agents; one comes into being with the first message of its device\n');
  if (cursor !== null) process.stderr.write(`there are more: --limit ${agentsMax * 10}\n`);
  return EXIT.ok;
}

/** Agents page by page: a page of the API has at most `limits.listAgentsMax`. */
async function pages(
  client: BridgeClient,
  filter: Readonly<Record<string, string | undefined>>,
  agentsMax: number,
): Promise<{ agents: Json[]; cursor: string | null }> {
  const agents: Json[] = [];
  let cursor: string | null = null;
  do {
    const limit = String(Math.min(limits.listAgentsMax, agentsMax - agents.length));
    const path = `/api/agents${queryOf({ ...filter, limit, cursor: cursor ?? undefined })}`;
    const page = asObject(await client.ask('GET', path));
    agents.push(...objectsOf(page['agents']));
    cursor = typeof page['cursor'] === 'string' ? page['cursor'] : null;
  } while (cursor !== null && agents.length < agentsMax);
  return { agents, cursor };
}

/** A command that reads one route of an agent. */
function reading(route: string, describe: (answer: Json, nowMs: number) => string): Command['run'] {
  return async (invocation) => {
    const query = queryOf({ limit: invocation.values['limit'] });
    const answer = await clientOf(invocation).ask('GET', `${agentPath(invocation)}${route}${query}`);
    if (invocation.isJson) return printJson(answer);
    process.stdout.write(describe(asObject(answer), Date.now()));
    return EXIT.ok;
  };
}

async function history(invocation: Invocation): Promise<number> {
  const { from, to, points = String(HISTORY_POINTS) } = invocation.values;
  const query = queryOf({ metric: invocation.positionals[1], from, to, points });
  const answer = await clientOf(invocation).ask('GET', `${agentPath(invocation)}/telemetry${query}`);
  if (invocation.isJson) return printJson(answer);
  process.stdout.write(historyText(asObject(answer)));
  return EXIT.ok;
}

async function send(invocation: Invocation): Promise<number> {
  const [agent = '', name = '', text] = invocation.positionals;
  const { timeout, ttl } = invocation.values;
  const path = `${agentPath(invocation)}/commands/${encodeURIComponent(name)}${queryOf({ timeout, ttl })}`;
  const client = clientOf(invocation);
  const body = text === undefined ? undefined : await argumentOf(client, agent, name, text);
  // The bridge answers after its own timeout at the latest.
  const timeoutMs = limits.commandWaitMaxMs + limits.requestTimeoutMs;
  const answer = await client.ask('POST', path, { body, timeoutMs });
  if (invocation.isJson) printJson(answer);
  else process.stdout.write(outcomeText(answer, agent));
  const { status } = asObject(answer);
  return status === 'done' || status === 'pending' ? EXIT.ok : EXIT.failed;
}

/** The word as the kind of value the command takes; what is not plain is refused by the bridge. */
async function argumentOf(client: BridgeClient, agent: string, name: string, text: string): Promise<unknown> {
  const models = objectsOf(await client.ask('GET', '/api/models'));
  const model = models.find((candidate) => candidate['model'] === parseAddress(agent)?.model);
  const command = objectsOf(model?.['commands']).find((candidate) => candidate['name'] === name);
  const { kind } = asObject(command?.['argument']);
  if (kind !== 'numeric' && kind !== 'binary') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function hibernate(invocation: Invocation): Promise<number> {
  const answer = asObject(await clientOf(invocation).ask('POST', `${agentPath(invocation)}/hibernate`));
  const isAsleep = answer['hibernated'] === true;
  const outcome = isAsleep ? 'is asleep' : `stays awake: ${String(answer['reason'])}`;
  if (invocation.isJson) printJson(answer);
  else process.stdout.write(`${String(invocation.positionals[0])} ${outcome}\n`);
  return isAsleep ? EXIT.ok : EXIT.failed;
}

async function forget(invocation: Invocation): Promise<number> {
  const path = agentPath(invocation);
  const agent = String(invocation.positionals[0]);
  if (invocation.values['yes'] === undefined) {
    throw new UsageError(`this deletes all that is known of ${agent}; add --yes to do it`);
  }
  const answer = await clientOf(invocation).ask('DELETE', path);
  if (invocation.isJson) return printJson(answer);
  process.stdout.write(`${agent} is forgotten\n`);
  return EXIT.ok;
}

/** `?a=1&b=2` of what is defined; nothing when nothing is. */
function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
