/** A bridge as its users run it, in a process of its own that is made to end badly. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { cleanEnvironment, readyAddress, type BridgeAddress } from '../support/bridge-child.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Long enough for a replay on a busy machine. */
const READY_DEADLINE_MS = 60_000;
const LOG_CHARACTERS_MAX = 4_000_000;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type { BridgeAddress };

export class Bridge {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #out = '';
  #log = '';

  /** @param environment of the fault shim, if it is to be there; settings */
  constructor(dataDir: string, environment: Readonly<Record<string, string>> = {}) {
    const ports = ['--mqtt-port', '0', '--http-port', '0'];
    const rest = ['--log-format', 'json', '--devices', join(import.meta.dirname, 'crash-devices.ts')];
    const child = spawn(
      process.execPath,
      ['src/main.ts', 'serve', ...ports, '--data-dir', dataDir, ...rest],
      { cwd: ROOT, env: { ...cleanEnvironment(), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    child.stdout.on('data', (chunk: Buffer) => (this.#out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.#log.length < LOG_CHARACTERS_MAX) this.#log += chunk.toString();
    });
    // 'close' and not 'exit': by then all of its output has come.
    this.ended = once(child, 'close').then(([code, signal]) => {
      process.off('exit', kill);
      return { code, signal } as Ending; // Node's types say any[]
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it logged: a JSON object a line. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when it says that it is ready; with null when it has ended before. */
  async ready(): Promise<BridgeAddress | null> {
    const giveUpMs = performance.now() + READY_DEADLINE_MS;
    while (this.isRunning) {
      const address = readyAddress(this.#out);
      if (address !== null) return address;
      if (performance.now() > giveUpMs)
        throw new Error(`not ready in time; its log:\n${this.#log.slice(-4000)}`);
      await new Promise((resume) => setTimeout(resume, 5));
    }
    return null;
  }

  async end(signal: NodeJS.Signals): Promise<Ending> {
    if (this.isRunning) this.#child.kill(signal);
    return this.ended;
  }
}
