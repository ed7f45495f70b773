/**
 * Entry of the child process of the QuickJS engine. Frames come on stdin and go to stdout, a line each; `run` is the
 * only one it looks into. It ends with its parent: when stdin closes.
 */
import { createInterface } from 'node:readline';
import {
  newQuickJSWASMModule,
  newVariant,
  RELEASE_SYNC,
  type CustomizeVariantOptions,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten';
import { limits } from '../../base/limits.ts';
import { guestSource } from './guest-source.ts';

/** What Node has and the types of this project do not name. */
declare const WebAssembly: { Memory: new (pages: { initial: number; maximum: number }) => WasmMemory };
type WasmMemory = Exclude<CustomizeVariantOptions['wasmMemory'], undefined>;

const PAGE_BYTES = 64 * 1024;
/** What Emscripten compiled in as the memory's initial size. */
const INITIAL_PAGES = 256;

class QuickjsChild {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #receive: QuickJSHandle;
  /** CPU time of this process at which the program is interrupted; the host's own limit comes first where it can look. */
  #cpuEndMs = Infinity;

  constructor(runtime: QuickJSRuntime) {
    this.#runtime = runtime;
    runtime.setMaxStackSize(limits.quickjsStackBytes);
    runtime.setInterruptHandler(() => cpuMs() > this.#cpuEndMs);
    this.#context = runtime.newContext();
    this.#receive = this.#prepare();
  }

  take(line: string): void {
    if (line.startsWith('{"kind":"run"')) this.#limit(JSON.parse(line) as { cpuMs: number; memoryBytes: number }); // the host wrote it
    this.#call(this.#receive, this.#context.newString(line));
  }

  #limit({ cpuMs: allowedMs, memoryBytes }: { cpuMs: number; memoryBytes: number }): void {
    this.#cpuEndMs = cpuMs() + allowedMs;
    this.#runtime.setMemoryLimit(memoryBytes);
  }

  #prepare(): QuickJSHandle {
    const context = this.#context;
    const text = guestSource('prelude').replaceAll(/^export /gm, '');
    const prepare = context.unwrapResult(context.evalCode(`(() => { 'use strict';\n${text}\nreturn prepare; })()`, 'prelude'));
    const port = context.newObject();
    const offer = (name: string, handle: QuickJSHandle): void => {
      context.setProp(port, name, handle);
      handle.dispose();
    };
    offer('send', context.newFunction('send', (text) => void process.stdout.write(`${context.getString(text)}\n`)));
    offer('later', context.newFunction('later', (callback, delayMs) => this.#later(callback, context.getNumber(delayMs))));
    offer('compile', context.newFunction('compile', (code) => this.#compile(context.getString(code))));
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
    this.#giveUpOn(result.error);
    if (result.error === undefined) result.value.dispose();
    while (this.#runtime.hasPendingJob()) {
      const jobs = this.#runtime.executePendingJobs(1000);
      this.#giveUpOn(jobs.error);
    }
  }

  /** An error that is nobody's: an interrupt (CPU) ends everything; what else a program throws in a job ends that job. */
  #giveUpOn(error: QuickJSHandle | undefined): void {
    if (error === undefined) return;
    error.dispose();
    if (cpuMs() > this.#cpuEndMs) process.exit(1);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function main(): Promise<void> {
  const maximum = Math.ceil(limits.programMemoryMaxBytes / PAGE_BYTES) + INITIAL_PAGES;
  const wasmMemory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  const engine = await newQuickJSWASMModule(newVariant(RELEASE_SYNC, { wasmMemory }));
  const child = new QuickjsChild(engine.newRuntime());
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on('line', (line) => child.take(line));
  lines.on('close', () => process.exit(0));
}

await main();
