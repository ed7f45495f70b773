/** What the machine itself must offer: Node, open files, a clock; and what makes it nicer. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '../base/limits.ts';
import type { Check } from './doctor.ts';

const NODE_MAJOR_MIN = 24;
/** Files of the databases, the log, listening sockets, with room to spare. */
const FILES_BESIDES_CONNECTIONS = 256;
const FILES_MIN = 1024;
/** Enough for the fleets most people have. */
const FILES_MANY = 8192;
const FILES_FULL =
  limits.mqttConnectionsMax +
  limits.webSocketConnectionsMax +
  limits.httpConnectionsMax +
  FILES_BESIDES_CONNECTIONS;
const CLOCK_PROBE_MS = 50;
const CLOCK_SLACK_MS = 25;
/** No machine that runs this was set to a time before it was written. */
const YEAR_MIN = 2026;
const YEAR_MAX = 2099;

export function checkNode(): Check {
  const { version, versions } = process;
  if (Number(versions.node.split('.')[0]) >= NODE_MAJOR_MIN)
    return { name: 'Node', status: 'ok', text: version };
  const fix = 'run `npm ci`, which installs Node 24 with the project, and start with `npm start`';
  return { name: 'Node', status: 'fail', text: `${version} is older than ${NODE_MAJOR_MIN}`, fix };
}

export function checkFileDescriptors(): Check {
  const name = 'open files';
  const files = openFilesMax();
  if (files === undefined) return { name, status: 'info', text: 'the limit is not known on this system' };
  const connections = Math.max(0, files - FILES_BESIDES_CONNECTIONS);
  const fix = `raise it to ${FILES_FULL}: \`ulimit -n ${FILES_FULL}\`, LimitNOFILE= (systemd), --ulimit nofile= (docker)`;
  if (files >= FILES_FULL) return { name, status: 'ok', text: 'enough for all connections a bridge takes' };
  const text = `at most ${files}: enough for about ${connections} connections`;
  if (files >= FILES_MANY) return { name, status: 'ok', text };
  return { name, status: files < FILES_MIN ? 'fail' : 'warn', text, fix };
}

/** The soft limit of this process; Node has already raised it to the hard one. */
function openFilesMax(): number | undefined {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (soft === undefined) return undefined;
    return soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    return undefined;
  }
}

export async function checkClock(): Promise<Check> {
  const name = 'clock';
  const fix =
    'set the time and keep it with NTP (`timedatectl set-ntp true`): history and expiry depend on it';
  const wallMs = Date.now();
  const steadyMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, CLOCK_PROBE_MS));
  const driftMs = Date.now() - wallMs - (performance.now() - steadyMs);
  const text = new Date(wallMs).toISOString();
  const year = new Date(wallMs).getUTCFullYear();
  if (year < YEAR_MIN || year > YEAR_MAX)
    return { name, status: 'fail', text: `${text} cannot be right`, fix };
  if (Math.abs(driftMs) > CLOCK_SLACK_MS) {
    return { name, status: 'warn', text: `${text}, and it jumped ${Math.round(driftMs)} ms just now`, fix };
  }
  return { name, status: 'ok', text };
}

export function checkDashboard(): Check {
  const up = import.meta.url.endsWith('.ts') ? '../..' : '../../..';
  const index = fileURLToPath(new URL(`${up}/dist/dashboard/index.html`, import.meta.url));
  if (existsSync(index)) return { name: 'dashboard', status: 'ok', text: 'built' };
  const fix = 'run `npm run build:dashboard`';
  return { name: 'dashboard', status: 'warn', text: 'not built: / shows no page', fix };
}

export function checkMosquitto(): Check {
  const name = 'mosquitto clients';
  if (isInPath('mosquitto_pub')) return { name, status: 'info', text: 'installed' };
  return {
    name,
    status: 'info',
    text: 'not installed; handy for a first try: apt-get install mosquitto-clients',
  };
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
