/**
 * What runs programs for all agents of a shard: one executor with its warm sandboxes and one compiler, both opened with
 * the first program, so that a bridge whose models write none has neither.
 */
import { systemClock, type Clock } from '../../base/clock.ts';
import {
  createRedactor,
  openExecutor,
  ProgramCompiler,
  type CompiledProgram,
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
}

export class ProgramHost {
  readonly redactor: Redactor;
  readonly #engine: ExecutorOptions['engine'];
  readonly #clock: Clock;
  #compiler: ProgramCompiler | undefined;
  #executor: Promise<Executor> | undefined;
  #isClosed = false;

  constructor({ engine = 'auto', clock = systemClock, secrets = [] }: ProgramHostOptions = {}) {
    this.redactor = createRedactor(secrets);
    this.#engine = engine;
    this.#clock = clock;
  }

  /** The program of a text, or what is wrong with it. Never rejects. */
  compile(text: string): ReturnType<ProgramCompiler['compile']> {
    return (this.#compiler ??= new ProgramCompiler(this.#clock)).compile(text);
  }

  /** Runs it beside everything else. Rejects with BRG_SANDBOX when no engine can run here, and after `close`. */
  async run(program: CompiledProgram, request: Omit<RunRequest, 'program' | 'redactor'>): Promise<RunResult> {
    const executor = await (this.#executor ??= this.#open());
    return executor.execute({ ...request, program, redactor: this.redactor });
  }

  /** Ends idle sandboxes at once; runs under way end by their agents' signals. */
  close(): void {
    this.#isClosed = true;
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
