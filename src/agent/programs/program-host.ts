/**
 * What runs programs for all agents of a shard: one executor with its warm sandboxes and one compiler, both opened with
 * the first program, so that a bridge whose models write none has neither.
 */
import { systemClock, type Clock } from '../../base/clock.ts';
import {
  createRedactor,
  openExecutor,
  ProgramChecker,
  ProgramCompiler,
  type CompileError,
  type CompiledProgram,
  type DeclaredTool,
  type Executor,
  type ExecutorOptions,
  type Redactor,
  type RunRequest,
  type RunResult,
} from '../../tools/index.ts';

export interface ProgramHostOptions {
  /** Default `auto`. */
  readonly engine?: ExecutorOptions['engine'];
  readonly clock?: Clock;
  /** Taken out of whatever crosses the border of a sandbox. */
  readonly secrets?: readonly string[];
  /** Programs are held against the types of their tools before they run; TypeScript has to be there. */
  readonly checksTypes?: boolean;
}

/** Why a text is not run: it is no program, or goes wrong with the tools it calls. */
export interface ProgramRefusal extends CompileError {
  readonly code: 'syntax' | 'types';
}

export class ProgramHost {
  readonly redactor: Redactor;
  readonly #engine: ExecutorOptions['engine'];
  readonly #clock: Clock;
  readonly #checker: ProgramChecker | undefined;
  #compiler: ProgramCompiler | undefined;
  #executor: Promise<Executor> | undefined;
  #isClosed = false;

  constructor({
    engine = 'auto',
    clock = systemClock,
    secrets = [],
    checksTypes = false,
  }: ProgramHostOptions = {}) {
    this.redactor = createRedactor(secrets);
    this.#engine = engine;
    this.#clock = clock;
    this.#checker = checksTypes ? new ProgramChecker(clock) : undefined;
  }

  /** A model is about to write a program. */
  warmCheck(): void {
    if (!this.#isClosed) this.#checker?.warm();
  }

  /** The program of a text, or what is wrong with it. @param tools to hold it against, for a first run. Never rejects. */
  async compile(
    text: string,
    tools?: readonly DeclaredTool[],
  ): Promise<
    | { readonly ok: true; readonly program: CompiledProgram }
    | { readonly ok: false; readonly error: ProgramRefusal }
  > {
    const compiled = await (this.#compiler ??= new ProgramCompiler(this.#clock)).compile(text);
    if (!compiled.ok) return { ok: false, error: { code: 'syntax', ...compiled.error } };
    if (tools === undefined || this.#checker === undefined || this.#isClosed) return compiled;
    const [first, ...more] = await this.#checker.check(compiled.program, tools);
    if (first === undefined) return compiled;
    const others = more.map(({ message, line, column }) => `line ${line}, column ${column}: ${message}`);
    const message = [`${first.message}`, ...others, 'Nothing was run.'].join('\n');
    return { ok: false, error: { ...first, code: 'types', message } };
  }

  /** Runs it beside everything else. Rejects with BRG_SANDBOX when no engine can run here, and after `close`. */
  async run(program: CompiledProgram, request: Omit<RunRequest, 'program' | 'redactor'>): Promise<RunResult> {
    const executor = await (this.#executor ??= this.#open());
    return executor.execute({ ...request, program, redactor: this.redactor });
  }

  /** Ends idle sandboxes at once; runs under way end by their agents' signals. */
  close(): void {
    this.#isClosed = true;
    this.#checker?.close();
    // Neither rejects; the thread of a compiler and a sandbox hold no process back.
    void this.#compiler?.close();
    void this.#executor?.then((executor) => executor.close()).catch(() => undefined);
  }

  async #open(): Promise<Executor> {
    try {
      const executor = await openExecutor({ engine: this.#engine, clock: this.#clock });
      if (this.#isClosed) await executor.close();
      return executor;
    } catch (error) {
      // The next program tries again.
      this.#executor = undefined;
      throw error;
    }
  }
}
