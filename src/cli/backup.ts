/** `mooring backup` and `mooring restore`: everything a bridge has, as a directory. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BridgeError, ERRORS, type ErrorCode } from '../base/errors.ts';
import { restoreBackup, verifyCopy } from '../store/index.ts';
import {
  asObject,
  CLIENT_OPTIONS,
  clientOf,
  objectsOf,
  type BridgeClient,
  type Json,
} from './bridge-client.ts';
import { EXIT, printJson, wholeNumber, type Command, type Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { configOf, settingOptions } from './settings.ts';
import { localTime, sizeText, textTable } from './text-table.ts';

const POLL_MS = 200;

const listCommand: Command = {
  summary: 'the backups a running bridge has',
  usage: '',
  arguments: { min: 0, max: 0 },
  options: CLIENT_OPTIONS,
  examples: ['mooring backup list', "mooring backup list --json | jq -r '.items[].name'"],
  run: list,
};

export const backupCommand: Command = {
  summary: 'copy everything of a running bridge, consistently',
  usage: '',
  arguments: { min: 0, max: 0 },
  options: {
    to: {
      type: 'string',
      value: '<directory>',
      meaning: 'move the backup there (on the machine of the bridge)',
    },
    keep: {
      type: 'string',
      value: '<n>',
      meaning: 'delete all but the newest n afterwards (default: keep all)',
    },
    ...CLIENT_OPTIONS,
  },
  details:
    'The bridge goes on taking messages. The copy is made in `backups` of its data directory and holds everything\n' +
    'that was acknowledged before it ended. `mooring restore` puts it into a data directory.',
  examples: ['mooring backup', 'mooring backup --keep 7', 'mooring backup --to /mnt/safe'],
  words: { list: listCommand },
  run: backup,
};

export const restoreCommand: Command = {
  summary: 'put a backup into a data directory on which no bridge runs',
  usage: '<backup directory>',
  arguments: { min: 1, max: 1 },
  options: {
    ...settingOptions(['data-dir']),
    force: { type: 'boolean', meaning: 'what is in the data directory is moved aside (never deleted)' },
  },
  details: 'Every file is compared with the checksums of the backup before anything is touched.',
  examples: [
    'mooring restore data/backups/2026-01-31T12-00-00.000Z --data-dir ./data2',
    'mooring restore /mnt/safe/2026-01-31T12-00-00.000Z --force',
  ],
  run: restore,
};

async function backup(invocation: Invocation): Promise<number> {
  const keep = wholeNumber(invocation, 'keep', { min: 1, max: 10_000 });
  const client = clientOf(invocation);
  await client.ask('POST', '/api/backup', { body: keep === undefined ? {} : { keep } });
  const done = await untilDone(client);
  const summary = asObject(done['summary']);
  const made = String(done['path']);
  const { to } = invocation.values;
  const path = to === undefined ? made : await moveTo(made, to, String(summary['name']));
  if (invocation.isJson) return printJson({ ...summary, path, pruned: done['pruned'] });
  const unreadable = Array.isArray(summary['unreadable']) ? summary['unreadable'] : [];
  process.stdout.write(
    `${path} (${sizeText(Number(summary['bytes']))}, ${String(summary['agents'])} agents, ` +
      `all that was acknowledged before ${localTime(Number(summary['throughMs']))})\n`,
  );
  if (unreadable.length > 0)
    process.stderr.write(`not in it, their files cannot be read: ${unreadable.join(', ')}\n`);
  return EXIT.ok;
}

async function untilDone(client: BridgeClient): Promise<Json> {
  const progress = createProgress(process.stderr, 'backing up', sizeText);
  try {
    for (;;) {
      const status = asObject(await client.ask('GET', '/api/backup'));
      if (status['state'] === 'done') return status;
      if (status['state'] === 'failed') throw failed(status);
      if (status['state'] !== 'running') {
        throw new BridgeError('BRG_SHARD_RESTARTED', 'the bridge was restarted during the backup; try again');
      }
      progress.update(Number(status['bytes']), Number(status['bytesTotal']));
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
  } finally {
    progress.end();
  }
}

function failed({ code, message }: Json): BridgeError {
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code);
  // Just compared with the table.
  return new BridgeError(
    known ? (code as ErrorCode) : 'BRG_INTERNAL',
    `no backup was made: ${String(message)}`,
  );
}

/** Answers where it is then. @throws BridgeError BRG_BACKUP */
async function moveTo(made: string, directory: string, name: string): Promise<string> {
  const target = join(resolve(directory), name);
  if (!existsSync(made)) {
    const message = `the backup is made, but ${made} is not to be seen from here: fetch it from the machine of the bridge`;
    throw new BridgeError('BRG_BACKUP', message);
  }
  mkdirSync(resolve(directory), { recursive: true });
  try {
    renameSync(made, target);
  } catch {
    // Another file system: copied, compared, and only then deleted.
    cpSync(made, `${target}.part`, { recursive: true });
    await verifyCopy(`${target}.part`);
    renameSync(`${target}.part`, target);
    rmSync(made, { recursive: true });
  }
  return target;
}

async function list(invocation: Invocation): Promise<number> {
  const answer = asObject(await clientOf(invocation).ask('GET', '/api/backups'));
  if (invocation.isJson) return printJson(answer);
  const rows = objectsOf(answer['items']).map(({ name, throughMs, agents, bytes }) => [
    String(name),
    localTime(Number(throughMs)),
    String(agents),
    sizeText(Number(bytes)),
  ]);
  if (rows.length === 0) process.stdout.write('no backups; `mooring backup` makes one\n');
  else process.stdout.write(textTable(['NAME', 'THROUGH', 'AGENTS', 'SIZE'], rows));
  return EXIT.ok;
}

async function restore(invocation: Invocation): Promise<number> {
  const [from = ''] = invocation.positionals;
  const { dataDir } = configOf(invocation);
  const progress = createProgress(process.stderr, 'comparing', sizeText);
  const force = invocation.values['force'] !== undefined;
  const { manifest, aside } = await restoreBackup(resolve(from), dataDir, {
    force,
    nowMs: Date.now(),
    onBytes: progress.update,
  }).finally(progress.end);
  const { agents, bytes, throughMs } = manifest;
  if (invocation.isJson) return printJson({ dataDir, agents, bytes, throughMs, aside });
  process.stdout.write(
    `restored ${agents} agents (${sizeText(bytes)}) into ${dataDir}\n` +
      (aside === null ? '' : `what was there is in ${aside}\n`) +
      `now start the bridge: mooring serve --data-dir ${dataDir}\n`,
  );
  return EXIT.ok;
}
