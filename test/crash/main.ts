/** `npm run crash`: kills a bridge, takes its power, fails its disk, and looks whether anything is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileShim } from './fault-shim.ts';
import { CrashRun, type CrashReport } from './run.ts';

const HELP = `npm run crash [-- options]

  --minutes N   how long, at least (1)
  --kills N     how many lives that end badly, at least (10)
  --seed N      what it draws repeats with its seed; the moments do not (drawn)
  --faults on|off|auto  power losses and failing disks, by a shim that is compiled; auto: where a C compiler is (auto)
  --rate N      messages of volume a second, at most (6000)
  --life N      a life's length in seconds, at most (14)
  --shards N    threads of the bridge that hold agents (its default)
  --json        one object instead of lines
  --help        this text

Fails with the first life after which something that was acknowledged is not there, was done twice or out of order, a
file is damaged, or a bridge ended that should not have; its directory stays then.`;

const DELAY_SECONDS_MAX = 4;
/** /tmp may be memory, where an fsync means nothing; /var/tmp outlives a reboot (FHS 5.15). */
const TEMP_DIR = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();

function options(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      faults: { type: 'string', default: 'auto' },
      rate: { type: 'string', default: '6000' },
      life: { type: 'string', default: '14' },
      shards: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

/** Answers the exit code: 0 nothing was lost, 1 something was, 2 usage. */
async function main(args: readonly string[]): Promise<number> {
  const { help, json, faults, ...numbers } = options(args);
  if (help) {
    console.log(HELP);
    return 0;
  }
  const [minutes, kills, seed, rate, life, shards] = [
    Number(numbers.minutes),
    Number(numbers.kills),
    Number(numbers.seed),
    Number(numbers.rate),
    Number(numbers.life),
    Number(numbers.shards ?? 0),
  ];
  if (
    ![minutes, kills, seed, rate, life, shards].every((n) => n >= 0) ||
    !['on', 'off', 'auto'].includes(faults)
  ) {
    console.error('crash: npm run crash -- --help says what each option takes');
    return 2;
  }
  const made = faults === 'off' ? { reason: '--faults off' } : compileShim();
  const shim = 'path' in made ? made.path : null;
  if (shim === null && faults === 'on') throw new Error('reason' in made ? made.reason : '');
  if ('reason' in made) console.error(`crash: kills only, the disk keeps everything: ${made.reason}`);
  const directory = await mkdtemp(join(TEMP_DIR, 'mooring-crash-'));
  console.error(`crash: seed ${seed}`);
  const say = (line: string): void => console.error(line);
  const report = await new CrashRun({
    seed,
    kills,
    minutes,
    shim,
    directory,
    runMsMax: life * 1000,
    rate,
    delaySecondsMax: DELAY_SECONDS_MAX,
    shards: numbers.shards === undefined ? null : shards,
    say,
  }).run();
  if (report.wrong.length === 0) await rm(directory, { recursive: true, force: true });
  if (json) console.log(JSON.stringify(report));
  else console.log(told(report, directory));
  return report.wrong.length === 0 ? 0 : 1;
}

function told(report: CrashReport, directory: string): string {
  const { kills, acksTotal, acks, seconds, endings, endedInStart, disk, logged, wrong, seed } = report;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, n]) => `${name} ${n.toLocaleString('en-US')}`)
      .join(', ');
  const lines = [
    `seed ${seed}: ${kills} bad ends in ${seconds.toFixed(0)} s (${counts(endings)}; ${endedInStart} in a start)`,
    `acknowledged ${acksTotal.toLocaleString('en-US')}: ${counts(acks)}`,
    `disk: ${counts(disk)}`,
    `errors logged: ${counts(logged) || 'none'}`,
    wrong.length === 0 ? 'nothing acknowledged was lost' : `WRONG (${wrong.length}), see ${directory}:`,
    ...wrong.slice(0, 40),
  ];
  return lines.join('\n');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('crash:', error);
  process.exit(1);
}
