/**
 * How a sandbox's process is started with as little as the system lets us take away: an empty network namespace, no
 * new privileges, an end with its parent, limits of CPU time and data segment. What the system does not allow (user
 * namespaces in some containers, another system than Linux) is left out and said in `isolation`.
 */
import { execFile } from 'node:child_process';

export interface LaunchLimits {
  readonly cpuSeconds: number;
  /** RLIMIT_DATA; undefined: none. RLIMIT_AS would be useless with V8, which reserves address space. */
  readonly dataBytes?: number;
}

export interface Launcher {
  /** What holds beside the process itself, e.g. `network-namespace`. */
  readonly isolation: readonly string[];
  wrap(
    command: string,
    args: readonly string[],
    limits: LaunchLimits,
  ): readonly [command: string, args: readonly string[]];
}

interface Layer {
  readonly name: string;
  readonly command: readonly string[];
}

const LAYERS: readonly Layer[] = [
  { name: 'network-namespace', command: ['unshare', '--map-root-user', '--net', '--ipc', '--'] },
  { name: 'no-new-privileges', command: ['setpriv', '--no-new-privs', '--pdeathsig', 'KILL', '--'] },
];

/** Finds out what this system allows, by trying it. Never rejects. */
export async function probeLauncher(): Promise<Launcher> {
  if (process.platform === 'win32') return { isolation: [], wrap: (command, args) => [command, args] };
  const isWorking = await Promise.all(LAYERS.map(({ command }) => succeeds([...command, 'true'])));
  const layers = LAYERS.filter((_, i) => isWorking[i]);
  const prefix = layers.flatMap(({ command }) => command);
  return {
    isolation: [...layers.map(({ name }) => name), 'resource-limits'],
    wrap(command, args, { cpuSeconds, dataBytes }) {
      const data = dataBytes === undefined ? '' : `ulimit -d ${Math.ceil(dataBytes / 1024)} && `;
      const script = `ulimit -c 0; ulimit -t ${Math.ceil(cpuSeconds)} && ${data}exec "$0" "$@"`;
      const [first = 'sh', ...rest] = [...prefix, 'sh', '-c', script, command, ...args];
      return [first, rest];
    },
  };
}

function succeeds([command = '', ...args]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 10_000, env: { PATH: process.env['PATH'] } }, (error) =>
      resolve(error === null),
    );
  });
}
