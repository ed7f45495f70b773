/** `mooring doctor`: looks at this machine as the bridge will find it, with a fix for each complaint. */
import { BridgeError } from '../base/errors.ts';
import { checkConfig, type Config } from '../config.ts';
import { EXIT, UsageError, type Command, type Invocation } from './command.ts';
import { checkStoredData } from './doctor-data.ts';
import { checkDataDir } from './doctor-disk.ts';
import {
  checkClock,
  checkDashboard,
  checkFileDescriptors,
  checkMosquitto,
  checkNode,
} from './doctor-machine.ts';
import { checkPorts } from './doctor-ports.ts';
import { configOf, settingOptions, SETTINGS_HELP } from './settings.ts';
import { printable } from './text-table.ts';

/** One finding. `fix` says what to do about a warning or a failure. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'info' | 'warn' | 'fail';
  readonly text: string;
  readonly fix?: string;
}

export const doctorCommand: Command = {
  summary: 'check this machine and say how to fix what is wrong',
  usage: '',
  arguments: { min: 0, max: 0 },
  options: {
    ...settingOptions(['host', 'mqtt-port', 'http-port', 'data-dir']),
    data: {
      type: 'boolean',
      meaning: 'look at what is in the data directory instead: every entry of the journal, every table',
    },
    'set-aside': {
      type: 'boolean',
      meaning:
        'with --data: take out of the journal what cannot be read, so that a bridge starts (the file is kept)',
    },
  },
  details:
    'Looks at the Node version, the ports, the data directory, the speed of fsync, the limit of open files, the\n' +
    'clock and the dashboard. It changes nothing, unless told to --set-aside. A warning leaves the exit code 0, a failure makes it 1.\n\n' +
    SETTINGS_HELP,
  examples: [
    'mooring doctor',
    'mooring doctor --data-dir /mnt/ssd/mooring',
    'mooring doctor --data                       # of a bridge that is stopped',
    'mooring doctor --json | jq .ok',
  ],
  run: doctor,
};

async function doctor(invocation: Invocation): Promise<number> {
  const { config, check } = readSettings(invocation);
  const { data, 'set-aside': setAside } = invocation.values;
  if (data === undefined && setAside !== undefined) throw new UsageError('--set-aside goes with --data');
  const checks =
    data !== undefined
      ? [check, ...checkStoredData(config.dataDir, setAside !== undefined)]
      : await checkMachine(config, check);
  const isOk = checks.every(({ status }) => status !== 'fail');
  process.stdout.write(
    invocation.isJson ? `${JSON.stringify({ ok: isOk, checks }, null, 2)}\n` : textOf(checks),
  );
  return isOk ? EXIT.ok : EXIT.failed;
}

async function checkMachine(config: Config, check: Check): Promise<Check[]> {
  return [
    checkNode(),
    check,
    ...(await checkPorts(config)),
    ...(await checkDataDir(config.dataDir)),
    checkFileDescriptors(),
    await checkClock(),
    checkDashboard(),
    checkMosquitto(),
  ];
}

/** Bad settings are a finding too; the rest is then checked with the defaults. */
function readSettings(invocation: Invocation): { config: Config; check: Check } {
  try {
    const config = configOf(invocation);
    return { config, check: { name: 'settings', status: 'ok', text: 'all are known and valid' } };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    const fix = 'correct it; `mooring serve --help` lists the settings (the checks below use the defaults)';
    return { config: checkConfig({}), check: { name: 'settings', status: 'fail', text: error.message, fix } };
  }
}

const COLORS: Readonly<Record<Check['status'], number>> = { ok: 32, info: 36, warn: 33, fail: 31 };

function textOf(checks: readonly Check[]): string {
  // https://no-color.org: set and not empty means no colour.
  const hasColor = process.stdout.isTTY && !process.env['NO_COLOR'];
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, text, fix }) => {
    const label = hasColor ? `\u001b[${COLORS[status]}m${status.padEnd(4)}\u001b[0m` : status.padEnd(4);
    const line = `${label}  ${name.padEnd(nameWidth)}  ${printable(text)}\n`;
    return fix === undefined ? [line] : [line, `${' '.repeat(8 + nameWidth)}fix: ${printable(fix)}\n`];
  });
  const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length;
  const [fails, warns] = [count('fail'), count('warn')];
  const verdict =
    fails > 0
      ? `${fails} to fix before the bridge can run well`
      : warns > 0
        ? 'ready, with warnings'
        : 'all well';
  return `${lines.join('')}\n${verdict}\n`;
}
