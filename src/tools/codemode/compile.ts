/**
 * Compiles programs in a thread that can be given up. The parser of types is WebAssembly shared by everything in its
 * thread: 64 KB of opening brackets end it for good (measured on Node 24.21), so it must not be the bridge's own.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { CompiledText, CompileError, ProgramStart } from './compile-text.ts';
import { sha256 } from './hostile-json.ts';

/** A program ready to be run, as often as one likes. */
export interface CompiledProgram {
  /** As the model wrote it. */
  readonly text: string;
  /** SHA-256 of `text`: what approvals are bound to. */
  readonly hash: string;
  /** Body of an async function of `env`; lines are those of `text`. */
  readonly code: string;
  /** Characters put before the first line of `code`. */
  readonly firstLineShift: number;
  /** The same body with its types, without its start: what a type checker reads. */
  readonly typed: string;
  readonly start: ProgramStart;
}

export type Compilation =
  | { readonly ok: true; readonly program: CompiledProgram }
  | { readonly ok: false; readonly error: CompileError };

interface Job {
  readonly text: string;
  readonly resolve: (outcome: CompiledText) => void;
}

/** Compiles one program after the other; its thread starts with the first and ends when there was nothing to do for a while. */
export class ProgramCompiler {
  readonly #clock: Clock;
  readonly #waiting: Job[] = [];
  #thread: Worker | undefined;
  #running: Job | undefined;
  #cancelIdle: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The program of `text`, or what is wrong with it. Never rejects. */
  async compile(text: string): Promise<Compilation> {
    if (text.length > limits.programCharactersMax) {
      return failure(`the program has more than ${limits.programCharactersMax} characters`);
    }
    if (this.#waiting.length >= limits.programsCompilingMax)
      return failure('too many programs are being compiled');
    const outcome = await new Promise<CompiledText>((resolve) => {
      this.#waiting.push({ text, resolve });
      this.#next();
    });
    if (!outcome.ok) return { ok: false, error: outcome.error };
    const { code, firstLineShift, typed, start } = outcome;
    return { ok: true, program: { text, hash: sha256(text), code, firstLineShift, typed, start } };
  }

  /** Starts the thread, so that the first program need not wait for it. */
  async warm(): Promise<void> {
    await this.compile('return 1 as number');
  }

  async close(): Promise<void> {
    for (const { resolve } of this.#waiting.splice(0)) resolve(giveUp('the bridge is stopping'));
    this.#settle(giveUp('the bridge is stopping'));
    this.#cancelIdle?.();
    await this.#dropThread();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) return this.#rest();
    this.#running = job;
    this.#cancelIdle?.();
    const thread = (this.#thread ??= this.#startThread());
    const cancel = this.#clock.after(limits.programCompileMs, () => {
      void this.#dropThread(); // a thread can always be ended
      this.#settle(giveUp(`the program was not parsed within ${limits.programCompileMs} ms`));
    });
    this.#running = {
      text: job.text,
      resolve: (outcome) => {
        cancel();
        job.resolve(outcome);
      },
    };
    thread.postMessage(job.text);
  }

  #startThread(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const thread = new Worker(new URL(`./compile-thread.${extension}`, import.meta.url), {
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: limits.compilerHeapMiB },
    });
    thread.unref();
    thread.on('message', (outcome: CompiledText) => {
      if (thread !== this.#thread) return;
      if (!outcome.ok && outcome.isPoisoned) void this.#dropThread();
      this.#settle(outcome);
    });
    const lost = (error?: unknown): void => {
      if (thread !== this.#thread) return;
      this.#thread = undefined;
      this.#settle(
        giveUp(error instanceof Error ? `the parser ended: ${error.message}` : 'the parser ended'),
      );
    };
    thread.on('error', lost).on('exit', () => lost());
    return thread;
  }

  #settle(outcome: CompiledText): void {
    const job = this.#running;
    this.#running = undefined;
    job?.resolve(outcome);
    this.#next();
  }

  #rest(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = this.#clock.after(limits.compilerIdleMs, () => void this.#dropThread());
  }

  async #dropThread(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}

function failure(message: string): Compilation {
  return { ok: false, error: { message } };
}

function giveUp(message: string): CompiledText {
  return { ok: false, error: { message }, isPoisoned: false };
}
