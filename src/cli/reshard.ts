/** `mooring reshard`: another number of shards for a data directory on which no bridge runs. */
import { shardOf } from '../actor/index.ts';
import { reshard as moveRows } from '../store/index.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { configOf, settingOptions } from './settings.ts';

const SHARDS_MAX = 256;

export const reshardCommand: Command = {
  summary: 'move the agents of a data directory to another number of shards',
  usage: '<shards>',
  arguments: { min: 1, max: 1 },
  options: settingOptions(['data-dir']),
  details:
    'A shard is a thread that runs its part of the agents. The bridge must have been ended by SIGTERM or Ctrl-C. The\n' +
    'rows are written anew beside the old ones, which are moved aside then: it takes as much room again. What was\n' +
    'begun is finished by running it again.',
  examples: ['mooring reshard 3', 'mooring reshard 1 --data-dir /var/lib/mooring'],
  run: async (invocation) => Promise.resolve(reshard(invocation)),
};

function reshard(invocation: Invocation): number {
  const [given = ''] = invocation.positionals;
  const shards = Number(given);
  if (!/^[1-9]\d*$/.test(given) || shards > SHARDS_MAX)
    throw new UsageError(`${JSON.stringify(given)} is no number of shards: 1 to ${SHARDS_MAX}`);
  const { dataDir } = configOf(invocation);
  const progress = createProgress(process.stderr, 'moving agents', (count) => `${count} parts`);
  const onProgress = progress.update;
  let result;
  try {
    result = moveRows(dataDir, shards, { shardOf, nowMs: Date.now(), onProgress });
  } finally {
    progress.end();
  }
  if (invocation.isJson) return printJson({ dataDir, ...result });
  const { from, to, agents, aside } = result;
  if (aside === null) process.stdout.write(`${dataDir} has ${to} shards already\n`);
  else
    process.stdout.write(
      `moved ${agents} agents from ${from} to ${to} shards; the old rows are in ${aside}\n`,
    );
  return EXIT.ok;
}
