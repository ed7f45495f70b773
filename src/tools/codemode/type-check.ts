/**
 * Checks programs against the declarations of their tools before anything of them runs, if TypeScript is installed. A
 * help, never a gate: who cannot be asked in time, or ends, has nothing to say, and the program runs. Arguments are held
 * against the schema when a call is made in any case.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { CheckJob } from './check-thread.ts';
import type { CompiledProgram } from './compile.ts';
import type { CompileError } from './compile-text.ts';
import { envType, type DeclaredTool } from './declarations.ts';

/** Why programs cannot be checked here; undefined when they can. Loads nothing. */
export function whyNoTypeCheck(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const { version } = require('typescript/package.json') as { version: string }; // every package has one
    const major = Number.parseInt(version, 10);
    if (major === 5 || major === 6) return undefined;
    return `TypeScript ${version} is installed; programs are checked by 5 or 6`;
  } catch {
    return 'TypeScript is not installed: npm install typescript@6';
  }
}

/** Its thread starts with the first call, and ends when there was nothing to check for a while. */
export class ProgramChecker {
  readonly #clock: Clock;
  readonly #open = new Map<number, (errors: readonly CompileError[]) => void>();
  #thread: Worker | undefined;
  #isReady = false;
  #cancelWait: (() => void) | undefined;
  #jobs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts the thread, so that it is ready when a model has written its program. */
  warm(): void {
    this.#thread ??= this.#startThread();
    this.#rest();
  }

  /** What is wrong with a program, as far as that was found in time. Never rejects. */
  async check(
    { typed, start }: CompiledProgram,
    tools: readonly DeclaredTool[],
  ): Promise<readonly CompileError[]> {
    const env = envType(tools);
    if (env.length > limits.checkedDeclarationsMax || this.#open.size >= limits.programsCheckingMax)
      return [];
    const thread = (this.#thread ??= this.#startThread());
    this.#cancelWait?.();
    const id = ++this.#jobs;
    const errors = await new Promise<readonly CompileError[]>((resolve) => {
      const cancel = this.#clock.after(limits.programCheckMs, () => {
        // One that is still starting is ready for the next program.
        if (this.#isReady) this.#drop();
        else this.#settle(id, []);
      });
      this.#open.set(id, (found) => {
        cancel();
        resolve(found);
      });
      thread.postMessage({ id, typed, start, env } satisfies CheckJob);
    });
    if (this.#open.size === 0) this.#rest();
    return errors;
  }

  close(): void {
    this.#cancelWait?.();
    this.#drop();
  }

  #startThread(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const thread = new Worker(new URL(`./check-thread.${extension}`, import.meta.url), {
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: limits.checkerHeapMiB },
    });
    thread.unref();
    thread.on(
      'message',
      (said: 'ready' | { readonly id: number; readonly errors: readonly CompileError[] }) => {
        if (thread !== this.#thread) return;
        if (said === 'ready') this.#isReady = true;
        else this.#settle(said.id, said.errors);
      },
    );
    const lost = (): void => {
      if (thread === this.#thread) this.#drop();
    };
    thread.on('error', lost).on('exit', lost);
    return thread;
  }

  #settle(id: number, errors: readonly CompileError[]): void {
    const resolve = this.#open.get(id);
    this.#open.delete(id);
    resolve?.(errors);
  }

  #rest(): void {
    this.#cancelWait?.();
    this.#cancelWait = this.#clock.after(limits.checkerIdleMs, () => this.#drop());
  }

  /** Ends the thread; programs that wait for it are not checked. */
  #drop(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#isReady = false;
    void thread?.terminate(); // a thread can always be ended
    for (const id of [...this.#open.keys()]) this.#settle(id, []);
  }
}
