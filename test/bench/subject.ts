/** The programs that are measured, each in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cleanEnvironment } from '../support/bridge-child.ts';
import { projectRoot } from './machine.ts';

/** A started program that said it is ready. */
export interface Subject {
  readonly pid: number | undefined;
  readonly mqttPort: number;
  /** Empty for a program without HTTP. */
  readonly httpUrl: string;
  /** From spawn to the ready line. */
  readonly readyMs: number;
  /** Ends it and resolves when it has ended. Throws when it ended badly after SIGTERM. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** With these flags of node, SIGUSR2 collects the garbage of the main thread. */
export const COLLECT_ON_SIGNAL = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGUSR2", () => gc())',
];

const READY_LINE = / ready mqtt=\S+:(\d+)(?: http=(\S+))?$/;

/** Runs a script with this node and waits for its ready line. @param nodeFlags e.g. `COLLECT_ON_SIGNAL` */
export async function startSubject(
  script: string,
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<Subject> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, script, ...args], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const match = await readyLine(child, script);
  return {
    pid: child.pid,
    mqttPort: Number(match[1]),
    httpUrl: match[2] ?? '',
    readyMs: performance.now() - startMs,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = await exited;
      process.off('exit', kill);
      if (signal === 'SIGTERM' && code !== 0) throw new Error(`${script} ended with ${code} after SIGTERM`);
    },
  };
}

async function readyLine(child: ChildProcess, script: string): Promise<RegExpExecArray> {
  if (child.stdout === null) throw new Error('its output is a pipe');
  for await (const line of createInterface(child.stdout)) {
    const match = READY_LINE.exec(line);
    if (match === null) continue;
    child.stdout.resume();
    return match;
  }
  throw new Error(`${script} ended before it was ready`);
}

/** `mooring serve` with default settings on free ports. @param flags more of its flags, e.g. `--devices` */
export function startBridge(
  dataDir: string,
  flags: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Subject> {
  const ports = ['--mqtt-port', '0', '--http-port', '0'];
  const logs = ['--log-level', 'warn', '--log-format', 'json'];
  const args = ['serve', ...ports, ...logs, '--data-dir', dataDir, ...flags];
  return startSubject(join(projectRoot, 'src/main.ts'), args, nodeFlags);
}

/** Bare aedes. @param concurrency of its emitter; undefined: its default */
export function startAedes(concurrency?: number, nodeFlags: readonly string[] = []): Promise<Subject> {
  const args = concurrency === undefined ? [] : [String(concurrency)];
  return startSubject(join(import.meta.dirname, 'aedes-process.ts'), args, nodeFlags);
}
