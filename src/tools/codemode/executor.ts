/**
 * Runs programs a model wrote. Expected ends are data: a program that fails, exhausts its budget, is cancelled, waits
 * for a person, or takes its sandbox with it. See docs/design/code-mode.md.
 */
import { availableParallelism } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { openQuickjs } from './engine-quickjs.ts';
import { openWorkerd } from './engine-workerd.ts';
import type { RunEnd, RunRequest, RunResult } from './run-result.ts';
import { RunSession, type SessionOutcome } from './run-session.ts';
import type { Engine } from './sandbox.ts';
import { SandboxPool } from './sandbox-pool.ts';

/** The port to whatever runs programs. */
export interface Executor {
  readonly engine: { readonly name: string; readonly version: string; readonly isolation: readonly string[] };
  /** Runs one program in a sandbox of its own. Never rejects. */
  execute(request: RunRequest): Promise<RunResult>;
  /** Starts sandboxes ahead. Never rejects. */
  warm(): Promise<void>;
  /** Ends idle sandboxes; runs end by their own signals. */
  close(): Promise<void>;
}

export interface ExecutorOptions {
  /** `auto`: workerd where it can run, else QuickJS. Never `node:vm`, which is no sandbox. */
  readonly engine: 'auto' | 'workerd' | 'quickjs';
  readonly clock: Clock;
  /** Sandboxes kept ready; 0 starts each when it is needed. */
  readonly idleMax?: number;
  /** Runs at once; more wait. */
  readonly runsMax?: number;
}

/** Finds the engine. Rejects with BRG_SANDBOX when the wanted one, or with `auto` both, cannot run here; the message says why. */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const reasons: string[] = [];
  const candidates = [
    ...(options.engine === 'quickjs' ? [] : [openWorkerd]),
    ...(options.engine === 'workerd' ? [] : [openQuickjs]),
  ];
  for (const open of candidates) {
    const engine = await open();
    if (!('unavailable' in engine)) return new SandboxExecutor(engine, options);
    reasons.push(engine.unavailable);
  }
  throw new BridgeError('BRG_SANDBOX', `no engine for programs: ${reasons.join('; ')}`);
}

class SandboxExecutor implements Executor {
  readonly engine: Executor['engine'];
  readonly #clock: Clock;
  readonly #pool: SandboxPool;
  readonly #runsMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #isClosed = false;

  constructor(engine: Engine, { clock, idleMax = limits.sandboxesIdleMax, runsMax }: ExecutorOptions) {
    this.engine = { name: engine.name, version: engine.version, isolation: engine.isolation };
    this.#clock = clock;
    this.#pool = new SandboxPool({ engine, clock, idleMax });
    this.#runsMax = runsMax ?? limits.programRunsPerCore * availableParallelism();
  }

  async execute(request: RunRequest): Promise<RunResult> {
    const askedMs = performance.now();
    const refusal = await this.#turn(request.signal);
    const queuedMs = performance.now() - askedMs;
    if (refusal !== undefined)
      return this.#result(request, { end: refusal }, { queuedMs, startMs: 0, isWarm: false });
    try {
      return await this.#run(request, queuedMs);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
      if (this.#running * 2 < this.#runsMax) void this.#pool.fill(); // never rejects
    }
  }

  warm(): Promise<void> {
    return this.#pool.fill();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    await this.#pool.close();
  }

  /** Waits until it may run; what ends it before. A turn that was taken is counted. */
  async #turn(signal: AbortSignal | undefined): Promise<RunEnd | undefined> {
    while (this.#running >= this.#runsMax && !this.#isClosed) {
      if (this.#waiting.length >= limits.programRunsWaitingMax) {
        return {
          kind: 'failed',
          error: { code: 'busy', message: 'too many programs are waiting to be run' },
        };
      }
      await this.#waitForEnd(signal);
      if (signal?.aborted === true) return this.#passOn({ kind: 'cancelled' });
    }
    if (this.#isClosed || signal?.aborted === true) return this.#passOn({ kind: 'cancelled' });
    this.#running++;
    return undefined;
  }

  #waitForEnd(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.#waiting.indexOf(wake);
        if (place !== -1) this.#waiting.splice(place, 1);
        resolve();
      };
      this.#waiting.push(wake);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Who was woken and does not run wakes the next. */
  #passOn(end: RunEnd): RunEnd {
    if (this.#running < this.#runsMax) this.#waiting.shift()?.();
    return end;
  }

  async #run(request: RunRequest, queuedMs: number): Promise<RunResult> {
    const startedMs = performance.now();
    try {
      const { sandbox, isWarm } = await this.#pool.take();
      const startMs = performance.now() - startedMs;
      const outcome = await new RunSession(request, sandbox, this.#clock).run();
      return this.#result(request, outcome, { queuedMs, startMs, isWarm });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const startMs = performance.now() - startedMs;
      return this.#result(
        request,
        { end: { kind: 'crashed', message } },
        { queuedMs, startMs, isWarm: false },
      );
    }
  }

  #result(
    { program, seed, nowMs }: RunRequest,
    outcome: Partial<SessionOutcome> & Pick<SessionOutcome, 'end'>,
    timings: Omit<RunResult['timings'], 'runMs'>,
  ): RunResult {
    const { end, logs = [], calls = [], runMs = 0 } = outcome;
    const used = outcome.used ?? { cpuMs: 0, memoryBytes: 0, bytesIn: 0, bytesOut: 0 };
    const facts = { programHash: program.hash, seed, nowMs, engine: this.engine };
    return { id: newId(), end, logs, calls, ...facts, timings: { ...timings, runMs }, used };
  }
}
