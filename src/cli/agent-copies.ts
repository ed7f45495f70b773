/** `mooring agent export` and `import`: an agent as one file. */
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { addressKey, parseAddress, type AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { describeExport } from '../store/index.ts';
import { asObject, CLIENT_OPTIONS, clientOf } from './bridge-client.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { sizeText } from './text-table.ts';

const MEDIA = 'application/vnd.sqlite3';

export const exportCommand: Command = {
  summary: 'save all of an agent as one file',
  usage: '<model>/<id>',
  arguments: { min: 1, max: 1 },
  options: {
    to: { type: 'string', value: '<file>', meaning: 'default: <model>-<id>.mooring.db in this directory' },
    force: { type: 'boolean', meaning: 'replace a file that is there' },
    ...CLIENT_OPTIONS,
  },
  details:
    'The file is a SQLite database of one moment: documents, the tables and keys of the agent’s author, history. The\n' +
    'agent goes on working. `mooring agent import` brings it back, to this bridge or another one.',
  examples: ['mooring agent export greenhouse/g7', 'mooring agent export greenhouse/g7 --to g7.db --force'],
  run: exportAgent,
};

export const importCommand: Command = {
  summary: 'bring an exported agent to a running bridge',
  usage: '<file>',
  arguments: { min: 1, max: 1 },
  options: {
    as: { type: 'string', value: '<model>/<id>', meaning: 'who it becomes (default: who it was)' },
    replace: { type: 'boolean', meaning: 'an agent that has the address may go, with all it has' },
    ...CLIENT_OPTIONS,
  },
  details:
    'The file is checked before anything changes. Connections of the address stay open and get the new state; schedules\n' +
    'and alarms stay, those that are overdue by now run at once.',
  examples: [
    'mooring agent import greenhouse-g7.mooring.db',
    'mooring agent import greenhouse-g7.mooring.db --as greenhouse/g8',
    'mooring agent import greenhouse-g7.mooring.db --replace',
  ],
  run: importAgent,
};

async function exportAgent(invocation: Invocation): Promise<number> {
  const address = addressOf(invocation.positionals[0] ?? '');
  const { to = defaultName(address), force } = invocation.values;
  if (existsSync(to) && force === undefined) throw new UsageError(`${to} exists; add --force to replace it`);
  const response = await clientOf(invocation).open('GET', `${pathOf(address)}/export`);
  const partial = `${to}.part`;
  try {
    await receive(response, partial);
    const { storage, ...rows } = describeExport(partial);
    renameSync(partial, to);
    const { size: bytes } = statSync(to);
    if (invocation.isJson)
      return printJson({ agent: addressKey(address), file: to, bytes, storage, ...rows });
    process.stdout.write(
      `${addressKey(address)} -> ${to} (${sizeText(bytes)}: ${rows.documents} documents, ` +
        `${rows.rows} rows of its own, ${rows.history} blocks of history)\n`,
    );
    return EXIT.ok;
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

async function receive(response: Response, path: string): Promise<void> {
  const progress = createProgress(process.stderr, 'exporting', sizeText);
  const total = Number(response.headers.get('content-length') ?? 0);
  // The types of fetch and of node:stream describe the same stream.
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  try {
    await pipeline(body, counting(total, progress.update), createWriteStream(path, { flush: true }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('E'))
      throw new BridgeError('BRG_BAD_REQUEST', `${path} cannot be written (${code})`, { cause: error });
    throw new BridgeError('BRG_BAD_REQUEST', 'the connection ended within the file; try again', {
      cause: error,
    });
  } finally {
    progress.end();
  }
}

async function importAgent(invocation: Invocation): Promise<number> {
  const [file = ''] = invocation.positionals;
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const { as, replace } = invocation.values;
  const { model, id } = describeExport(file);
  const address = as === undefined ? { model, id } : addressOf(as);
  const client = clientOf(invocation);
  // Who is refused should hear of it before the file is on its way.
  await client.ask('GET', '/api/models');
  const query = new URLSearchParams({
    replace: String(replace !== undefined),
    rename: String(as !== undefined),
  });
  const progress = createProgress(process.stderr, 'importing', sizeText);
  const body = createReadStream(file).pipe(counting(statSync(file).size, progress.update));
  try {
    const path = `${pathOf(address)}/import?${query}`;
    const answer = asObject(await (await client.open('PUT', path, { body, contentType: MEDIA })).json());
    progress.end();
    if (invocation.isJson) return printJson(answer);
    process.stdout.write(`${basename(file)} -> ${addressKey(address)} (${String(answer['storage'])})\n`);
    return EXIT.ok;
  } finally {
    progress.end();
  }
}

function counting(total: number, update: (done: number, total: number) => void): Transform {
  let done = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      update(done, total);
      next(null, chunk);
    },
  });
}

/** @throws UsageError */
function addressOf(text: string): AgentAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(`${JSON.stringify(text)} is no agent; allowed is <model>/<id>, e.g. greenhouse/g7`);
}

function pathOf({ model, id }: AgentAddress): string {
  return `/api/agents/${model}/${encodeURIComponent(id)}`;
}

/** Some systems take no colons in file names. */
function defaultName({ model, id }: AgentAddress): string {
  return `${model}-${id.replaceAll(/[:~]/g, '_')}.mooring.db`;
}
