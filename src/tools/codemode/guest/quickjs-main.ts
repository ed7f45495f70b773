/**
 * The program of the child process of the QuickJS engine, handed to it as text: a process that strips no types starts
 * three times as fast. Frames come on stdin and go to stdout, a line each; `run` is the only one it looks into. It
 * ends with its parent: when stdin closes.
 */
import {
  newQuickJSWASMModule,
  newVariant,
  RELEASE_SYNC,
  type CustomizeVariantOptions,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten';

/** What Node has and the types of this project do not name. */
declare const WebAssembly: { Memory: new (pages: { initial: number; maximum: number }) => WasmMemory };
type WasmMemory = Exclude<CustomizeVariantOptions['wasmMemory'], undefined>;

const PAGE_BYTES = 64 * 1024;
/** What Emscripten compiled in as the memory's initial size. */
const INITIAL_PAGES = 256;

/** Exit code that tells the host why; sysexits.h ends at 78. */
const EXIT_CPU = 79;

/** What the host says about it, in the first argument. */
interface Settings {
  /** A script that answers the function `prepare` of prelude.ts. */
  readonly prelude: string;
  readonly stackBytes: number;
  readonly memoryMaxBytes: number;
}

class QuickjsChild {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #receive: QuickJSHandle;
  readonly #send: (line: string) => void;
  /** CPU time of this process at which the program is interrupted; the host's own limit comes first where it can look. */
  #cpuEndMs = Infinity;

  constructor(runtime: QuickJSRuntime, { prelude, stackBytes }: Settings, send: (line: string) => void) {
    this.#send = send;
    this.#runtime = runtime;
    runtime.setMaxStackSize(stackBytes);
    runtime.setInterruptHandler(() => cpuMs() > this.#cpuEndMs && process.exit(EXIT_CPU));
    this.#context = runtime.newContext();
    this.#receive = this.#prepare(prelude);
  }

  take(line: string): void {
    if (line.startsWith('{"kind":"run"'))
      this.#limit(JSON.parse(line) as { cpuMs: number; memoryBytes: number }); // the host wrote it
    this.#call(this.#receive, this.#context.newString(line));
  }

  #limit({ cpuMs: allowedMs, memoryBytes }: { cpuMs: number; memoryBytes: number }): void {
    // A little more than the host allows: where it can look, its word comes first.
    this.#cpuEndMs = cpuMs() + allowedMs * 1.2 + 100;
    this.#runtime.setMemoryLimit(memoryBytes);
  }

  #prepare(prelude: string): QuickJSHandle {
    const context = this.#context;
    const prepare = context.unwrapResult(context.evalCode(prelude, 'prelude'));
    const port = context.newObject();
    const offer = (name: string, handle: QuickJSHandle): void => {
      context.setProp(port, name, handle);
      handle.dispose();
    };
    offer(
      'send',
      context.newFunction('send', (text) => this.#send(context.getString(text))),
    );
    offer(
      'later',
      context.newFunction('later', (callback, delayMs) => this.#later(callback, context.getNumber(delayMs))),
    );
    offer(
      'compile',
      context.newFunction('compile', (code) => this.#compile(context.getString(code))),
    );
    return context.unwrapResult(context.callFunction(prepare, context.undefined, port));
  }

  #compile(code: string): ReturnType<QuickJSContext['evalCode']> {
    return this.#context.evalCode(`(async function program(env) { 'use strict';\n${code}\n})`, 'program');
  }

  #later(callback: QuickJSHandle, delayMs: number): void {
    const kept = callback.dup();
    setTimeout(() => {
      this.#call(kept);
      kept.dispose();
    }, delayMs);
  }

  /** Calls into the realm and runs all jobs this set in motion. */
  #call(callee: QuickJSHandle, ...args: QuickJSHandle[]): void {
    const result = this.#context.callFunction(callee, this.#context.undefined, ...args);
    for (const handle of args) handle.dispose();
    // What a program throws in a timer or a job is nobody's and ends that job only.
    result.dispose();
    while (this.#runtime.hasPendingJob()) this.#runtime.executePendingJobs(1000).dispose();
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs a program of ours in a realm of its own: WebAssembly is compiled function by function, when first called. */
function rehearse(child: QuickjsChild): void {
  const code =
    'console.log([1]); const a = await env.t.x({ a: [1, "x"] }); return [a, Math.random(), new Date()]';
  const bounds = {
    argumentBytesMax: 100,
    resultBytesMax: 100,
    logLinesMax: 1,
    logBytesMax: 100,
    timersMax: 1,
  };
  const budget = { cpuMs: 10_000, memoryBytes: 64 * 1024 * 1024 };
  child.take(
    JSON.stringify({ kind: 'run', code, seed: 1, nowMs: 1, tools: [['t', ['x']]], ...bounds, ...budget }),
  );
  child.take(JSON.stringify({ kind: 'answer', id: 0, value: [1] }));
}

async function main(): Promise<void> {
  const settings = JSON.parse(process.argv[1] ?? '{}') as Settings; // the host wrote it
  const maximum = Math.ceil(settings.memoryMaxBytes / PAGE_BYTES) + INITIAL_PAGES;
  const wasmMemory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  const engine = await newQuickJSWASMModule(newVariant(RELEASE_SYNC, { wasmMemory }));
  rehearse(new QuickjsChild(engine.newRuntime(), settings, () => undefined));
  const child = new QuickjsChild(
    engine.newRuntime(),
    settings,
    (line) => void process.stdout.write(`${line}\n`),
  );
  let rest = '';
  // Not `readline`: to it U+2028 ends a line, to JSON it does not.
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) child.take(line);
  });
  process.stdin.on('end', () => process.exit(0));
}

await main();
