import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { BridgeError } from '../../base/errors.ts';
import type { Sandbox, SandboxListener } from './sandbox.ts';

/** Bytes of what a sandbox says on stderr that are kept for the reason of its end. */
const STDERR_BYTES_MAX = 2048;

export interface SandboxCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Removes what was made for the process. Called after its end; may have been called before. */
  cleanUp(): void;
}

/** The process of a sandbox, from its start: nothing of the bridge's environment goes with it. */
export class SandboxProcess implements Sandbox {
  readonly child: ChildProcess;
  readonly #cleanUp: () => void;
  #stderr = '';
  #end: string | undefined;
  #output: Writable | undefined;
  #input: Readable | undefined;
  #listener: SandboxListener | undefined;
  readonly #ended = Promise.withResolvers<string>();

  /** File descriptor 3 of the process is a pipe to us, for what it says about itself. */
  constructor({ command, args, directory, environment, cleanUp }: SandboxCommand) {
    this.#cleanUp = cleanUp;
    this.child = spawn(command, args, {
      cwd: directory,
      env: { ...environment },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    // A child that ended closes its pipes under us; its end is reported by 'close'.
    for (const stream of this.child.stdio) stream?.on('error', () => undefined);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_BYTES_MAX);
    });
    this.child.once('error', (error) => this.#finish(error.message));
    this.child.once('exit', (code, signal) =>
      this.#finish(signal === null ? `exit code ${code}` : `ended by ${signal}`),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#end === undefined;
  }

  /** Resolves with the reason when it has ended. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** The streams that carry frames, when they are there. What was read before belongs to the caller. */
  connect(input: Readable, output: Writable): void {
    this.#input = input;
    this.#output = output;
    input.on('error', () => this.kill());
    output.on('error', () => undefined); // its end is reported as that of the process
  }

  send(line: string): void {
    if (this.#end === undefined && this.#output?.writable === true) this.#output.write(`${line}\n`);
  }

  listen(listener: SandboxListener): void {
    this.#listener = listener;
    this.#input?.on('data', (bytes: Uint8Array) => listener.data(bytes)).resume();
    // A runtime that gives the program up closes the channel and lives on.
    this.#input?.once('close', () => this.kill());
    if (this.#end !== undefined) listener.end(this.#end);
  }

  kill(): void {
    if (this.#end === undefined) this.child.kill('SIGKILL');
    this.#input?.destroy();
    this.#output?.destroy();
  }

  #finish(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = this.#stderr === '' ? reason : `${reason}: ${this.#stderr.trim()}`;
    this.#input?.destroy();
    this.#output?.destroy();
    this.#cleanUp();
    this.#ended.resolve(this.#end);
    this.#listener?.end(this.#end);
  }
}

/** Resolves with the first line of `input`, which is all it says until it is answered. */
export function firstLine(input: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (bytes: Uint8Array): void => {
      text += Buffer.from(bytes).toString('latin1');
      if (text.includes('\n')) settle(() => resolve(text.slice(0, text.indexOf('\n'))));
      else if (text.length > STDERR_BYTES_MAX)
        settle(() => reject(new Error('it did not say that it is ready')));
    };
    const onClose = (): void => settle(() => reject(new Error('its channel closed')));
    const settle = (then: () => void): void => {
      input.off('data', onData).off('close', onClose).pause();
      then();
    };
    input.on('data', onData).once('close', onClose);
  });
}

/** `starting`, or BRG_SANDBOX when the process ends first or takes longer than `startMs`; then it is killed. */
export async function startWithin<T>(
  sandbox: SandboxProcess,
  startMs: number,
  starting: Promise<T>,
): Promise<T> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    sandbox.kill();
  }, startMs);
  try {
    return await Promise.race([starting, sandbox.ended.then((why) => Promise.reject(new Error(why)))]);
  } catch (error) {
    sandbox.kill();
    const why = isLate ? `not ready after ${startMs} ms` : await sandbox.ended;
    throw new BridgeError('BRG_SANDBOX', `a sandbox did not start: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
