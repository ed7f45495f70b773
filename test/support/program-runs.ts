/** Runs programs through an executor as the bridge would: with tools and a canary port. */
import { createServer, type Server } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { budgetOf, type Budget } from '../../src/tools/codemode/budget.ts';
import { ProgramCompiler } from '../../src/tools/codemode/compile.ts';
import { openExecutor, type Executor } from '../../src/tools/codemode/executor.ts';
import { createRedactor } from '../../src/tools/codemode/redact.ts';
import type { RunRequest, RunResult } from '../../src/tools/codemode/run-result.ts';
import { ToolHost, type ToolAnswer, type ToolBinding } from '../../src/tools/codemode/tool-host.ts';

export const SECRET = 'correct-horse-battery-staple-9000';

function tool(name: string, call: (args: unknown) => ToolAnswer | Promise<ToolAnswer>): ToolBinding {
  return { namespace: 't', name, description: name, inputSchema: true, call };
}

const value = (of: unknown): ToolAnswer => ({ kind: 'value', value: of });

/** Tools of namespace `t`: some answer, some hang, some tell secrets. */
export const hostileTools: readonly ToolBinding[] = [
  tool('echo', (args) => value(args)),
  tool('hang', () => new Promise(() => undefined)),
  tool('fail', () => {
    throw new Error(`upstream https://admin:${SECRET}@10.0.0.1/ said: key ${SECRET} is wrong`);
  }),
  tool('leak', () =>
    value({ token: SECRET, list: [`a ${SECRET} b`], encoded: Buffer.from(SECRET).toString('base64') }),
  ),
  tool('deep', () => value(JSON.parse('['.repeat(5000) + ']'.repeat(5000)))),
  tool('big', () => value('x'.repeat(3_000_000))),
  tool('proto', () => value(JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}},"ok":1}'))),
  tool('cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle['cycle'] = cycle;
    return value(cycle);
  }),
  tool('throwsNull', () => {
    throw null;
  }),
];

/** One place to run programs in. */
export class ProgramRuns {
  readonly executor: Executor;
  readonly compiler = new ProgramCompiler(systemClock);
  readonly #canary: Server;
  #connections = 0;

  constructor(executor: Executor) {
    this.executor = executor;
    this.#canary = createServer((socket) => {
      this.#connections++;
      socket.destroy();
    });
  }

  static async open(engine: 'workerd' | 'quickjs', idleMax = 2): Promise<ProgramRuns> {
    const runs = new ProgramRuns(await openExecutor({ engine, clock: systemClock, idleMax }));
    await new Promise<void>((resolve) => runs.#canary.listen(0, '127.0.0.1', resolve));
    return runs;
  }

  get connections(): number {
    return this.#connections;
  }

  get canaryPort(): number {
    const address = this.#canary.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Compiles and runs; a text that is no program is a result too. */
  async run(
    code: string,
    options: Partial<RunRequest> & {
      readonly limits?: Partial<Budget>;
      readonly bindings?: readonly ToolBinding[];
    } = {},
  ): Promise<RunResult> {
    const { limits, bindings = hostileTools, ...rest } = options;
    const compiled = await this.compiler.compile(code.replaceAll('CANARY', String(this.canaryPort)));
    if (!compiled.ok) return refused(compiled.error.message);
    return this.executor.execute({
      program: compiled.program,
      tools: new ToolHost(bindings),
      budget: budgetOf(limits),
      seed: 1,
      nowMs: 1_790_000_000_000,
      redactor: createRedactor([SECRET]),
      ...rest,
    });
  }

  async close(): Promise<void> {
    await Promise.all([
      this.executor.close(),
      this.compiler.close(),
      new Promise((resolve) => this.#canary.close(resolve)),
    ]);
  }
}

function refused(message: string): RunResult {
  return {
    id: 'refused',
    end: { kind: 'failed', error: { code: 'syntax', message } },
    logs: [],
    calls: [],
    programHash: '',
    seed: 0,
    nowMs: 0,
    engine: { name: '', version: '', isolation: [] },
    timings: { queuedMs: 0, startMs: 0, isWarm: false, runMs: 0 },
    used: { cpuMs: 0, memoryBytes: 0, bytesIn: 0, bytesOut: 0 },
  };
}
