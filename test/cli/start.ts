/** Real processes: the command line as a user's shell runs it, and a bridge on free ports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { cleanEnvironment } from '../support/bridge-child.ts';

const root = resolve(import.meta.dirname, '../..');
export const MAIN = join(root, 'src/main.ts');
export const BIN = join(root, 'bin/mooring');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Before the script, for Node itself. */
  readonly nodeArguments?: readonly string[];
  readonly script?: string;
}

/** An empty directory that goes when the test ends. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function start(args: readonly string[], options: RunOptions) {
  const { env = {}, cwd = temporaryDirectory(), nodeArguments = [], script = MAIN } = options;
  const child = spawn(process.execPath, [...nodeArguments, script, ...args], {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs a command line to its end. */
export async function mooring(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

export interface StartedBridge {
  readonly url: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  /** Signals it and resolves with how it ended, and all it ever wrote to stdout. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; stdout: string }>;
}

/** `mooring serve` on free ports; resolves at its ready line. */
export async function startBridge(dataDir: string, options: RunOptions = {}): Promise<StartedBridge> {
  const child = start(['serve', '--mqtt-port', '0', '--http-port', '0', '--data-dir', dataDir], options);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const closed = once(child, 'close');
  await Promise.race([once(reader, 'line'), closed]);
  const match = /^mooring ready mqtt=127\.0\.0\.1:(\d+) http=(http:\/\/127\.0\.0\.1:(\d+))$/.exec(
    lines[0] ?? '',
  );
  if (match === null) throw new Error(`no ready line: ${lines[0] ?? ''} ${stderr}`);
  return {
    url: String(match[2]),
    mqttPort: Number(match[1]),
    httpPort: Number(match[3]),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await closed;
      return { code: child.exitCode, stdout: lines.join('\n') };
    },
  };
}
