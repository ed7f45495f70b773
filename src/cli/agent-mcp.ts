/** `mooring agent mcp`: the MCP servers an agent uses, and what they ask people. */
import { readFileSync } from 'node:fs';
import { limits } from '../base/limits.ts';
import { agentPath, subcommand } from './agent-path.ts';
import { asObject, CLIENT_OPTIONS, clientOf, objectsOf, type Json } from './bridge-client.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { cut, localTime, textTable } from './text-table.ts';

const TRUSTS = ['none', 'read', 'full'];
/** Characters of an error in the table. */
const ERROR_CHARACTERS_MAX = 100;

export const mcpCommand: Command = {
  summary: 'MCP servers an agent uses: list them, add one, remove one, answer what they ask',
  usage:
    '<model>/<id> [list | add <name> <url> | remove <id> | questions | answer <question> <accept|decline>]',
  arguments: { min: 1, max: 4 },
  options: {
    id: { type: 'string', value: '<id>', meaning: 'with add: its id (default: made up)' },
    trust: {
      type: 'string',
      value: '<trust>',
      meaning: 'with add: what the model of the chat may call: none, read, full (default none)',
    },
    'headers-file': {
      type: 'string',
      value: '<file>',
      meaning: 'with add: JSON {"name": "value"} sent with every request; - reads stdin',
      note: 'no option takes a secret itself: command lines show in ps',
    },
    content: {
      type: 'string',
      value: '<json>',
      meaning: 'with answer accept: the form, filled: {"field": "value"}',
    },
    ...CLIENT_OPTIONS,
  },
  details:
    'A server that wants a person to agree is "authenticating": open the address that is printed.\n' +
    'Servers on this machine or in its network have to be allowed by the setting mcpAllow of the bridge.',
  examples: [
    'mooring agent mcp pump/p1',
    'mooring agent mcp pump/p1 add weather https://weather.example/mcp --trust read',
    'mooring agent mcp pump/p1 remove x7k2',
    'mooring agent mcp pump/p1 questions',
    `mooring agent mcp pump/p1 answer q5t1 accept --content '{"sure": true}'`,
  ],
  run: mcp,
};

async function mcp(invocation: Invocation): Promise<number> {
  const path = `${agentPath(invocation)}/mcp-servers`;
  const { name, words } = subcommand(invocation, {
    list: [],
    add: ['<name>', '<url>'],
    remove: ['<id>'],
    questions: [],
    answer: ['<question>', '<accept|decline>'],
  });
  checkOptions(invocation, name);
  const client = clientOf(invocation);
  switch (name) {
    case 'list': {
      const answer = await client.ask('GET', path);
      return invocation.isJson ? printJson(answer) : print(serverTable(objectsOf(asObject(answer)['items'])));
    }
    case 'add': {
      const body = newServer(invocation, words);
      const timeoutMs = limits.mcpConnectMs + limits.mcpListMs + 2 * limits.requestTimeoutMs;
      const answer = await client.ask('POST', path, { body, timeoutMs });
      return invocation.isJson ? printJson(answer) : print(added(asObject(answer)));
    }
    case 'remove': {
      const [id = ''] = words;
      const answer = await client.ask('DELETE', `${path}/${encodeURIComponent(id)}`);
      return invocation.isJson
        ? printJson(answer)
        : print(`${id} is removed, with its tokens and questions\n`);
    }
    case 'questions': {
      const answer = await client.ask('GET', `${agentPath(invocation)}/mcp-questions`);
      return invocation.isJson
        ? printJson(answer)
        : print(questionTable(objectsOf(asObject(answer)['items'])));
    }
    case 'answer': {
      const [question = '', word = ''] = words;
      const body = answerOf(invocation, word);
      const timeoutMs =
        limits.mcpCallMs + limits.mcpConnectMs + limits.mcpListMs + 2 * limits.requestTimeoutMs;
      const place = `${agentPath(invocation)}/mcp-questions/${encodeURIComponent(question)}`;
      const answer = await client.ask('POST', place, { body, timeoutMs });
      return invocation.isJson ? printJson(answer) : print(answered(asObject(answer)));
    }
  }
}

function checkOptions({ values }: Invocation, name: string): void {
  const { trust } = values;
  const given = ['id', 'trust', 'headers-file'].find((option) => values[option] !== undefined);
  if (given !== undefined && name !== 'add') throw new UsageError(`--${given} goes with add only`);
  if (values['content'] !== undefined && name !== 'answer')
    throw new UsageError('--content goes with answer only');
  if (trust !== undefined && !TRUSTS.includes(trust))
    throw new UsageError(`--trust is ${JSON.stringify(trust)}; allowed are ${TRUSTS.join(', ')}`);
}

function newServer({ values }: Invocation, [name, url]: readonly string[]): object {
  const { id, trust, 'headers-file': file } = values;
  return {
    ...{ name, url },
    ...(id === undefined ? {} : { id }),
    ...(trust === undefined ? {} : { trust }),
    ...(file === undefined ? {} : { headers: headersIn(file) }),
  };
}

/** What they have to be is checked by the bridge. @throws UsageError */
function headersIn(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UsageError(`--headers-file ${file} cannot be read${code}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--headers-file ${file} is not valid JSON`);
  }
}

function added({ id, state, authUrl }: Json): string {
  return state === 'authenticating'
    ? `${String(id)} waits for a person; open: ${String(authUrl)}\n`
    : `${String(id)} is ${String(state)}\n`;
}

function serverTable(items: readonly Json[]): string {
  if (items.length === 0) return 'no MCP servers\n';
  const rows = items.map(({ id, name, url, state, trust, tools, error, authUrl }) => [
    String(id),
    String(name),
    String(state),
    String(trust),
    String(objectsOf(tools).length),
    String(url),
    cut(String(error ?? authUrl ?? '-'), ERROR_CHARACTERS_MAX),
  ]);
  return textTable(['ID', 'NAME', 'STATE', 'TRUST', 'TOOLS', 'URL', 'SAYS'], rows);
}

function questionTable(items: readonly Json[]): string {
  if (items.length === 0) return 'no server asks anything\n';
  const rows = items.map(({ id, serverId, tool, message, ask, expiresAtMs }) => [
    String(id),
    String(serverId),
    String(tool ?? '-'),
    localTime(Number(expiresAtMs)),
    cut(String(message), ERROR_CHARACTERS_MAX),
    cut(wanted(asObject(ask)), ERROR_CHARACTERS_MAX),
  ]);
  return textTable(['QUESTION', 'SERVER', 'TOOL', 'UNTIL', 'SAYS', 'WANTS'], rows);
}

/** Fields of its form, those that may be left out with `?`; or the address to open. */
function wanted({ mode, url, requestedSchema }: Json): string {
  if (mode === 'url') return `open ${String(url)}`;
  const { properties, required } = asObject(requestedSchema);
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(asObject(properties)).map(([name, field]) => {
    const { type, enum: values } = asObject(field);
    const kind = Array.isArray(values) ? values.join('|') : String(type ?? 'any');
    return `${name}${needed.includes(name) ? '' : '?'}: ${kind}`;
  });
  return fields.join(', ') || 'a yes';
}

/** @throws UsageError */
function answerOf({ values: { content } }: Invocation, word: string): object {
  if (word !== 'accept' && word !== 'decline')
    throw new UsageError(`${JSON.stringify(word)} is none of: accept, decline`);
  if (content === undefined) return { action: word };
  if (word === 'decline') throw new UsageError('--content goes with accept only');
  try {
    return { action: word, content: JSON.parse(content) as unknown };
  } catch {
    throw new UsageError('--content is not valid JSON');
  }
}

function answered({ kind, result }: Json): string {
  if (kind === 'waiting') return 'taken; the server asks more: mooring agent mcp <model>/<id> questions\n';
  if (kind === 'taken') return 'taken\n';
  return `the call has ended: ${typeof result === 'string' ? result : JSON.stringify(result)}\n`;
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}
