/**
 * One program in one sandbox: hands it over, reads its frames, enforces its budget, and kills the sandbox at the end,
 * whatever the end was. A frame is what the program says, never what happened: numbers, states and limits are counted
 * here. Nothing a sandbox sends makes this code throw, wait or grow beyond the budget.
 */
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { BudgetLimit } from './budget.ts';
import { parseHostileJson, type Json } from './hostile-json.ts';
import { readUsage, type ProcessUsage } from './process-usage.ts';
import { programError } from './program-error.ts';
import { RunCalls } from './run-calls.ts';
import type { CallRecord, LogLine, RunEnd, RunRequest, RunResult } from './run-result.ts';
import type { Sandbox } from './sandbox.ts';
import { cut, type CallAnswer } from './tool-host.ts';

export interface SessionOutcome {
  readonly end: RunEnd;
  readonly logs: readonly LogLine[];
  readonly calls: readonly CallRecord[];
  readonly runMs: number;
  readonly used: RunResult['used'];
}

type Frame = { readonly [key: string]: Json };

export class RunSession {
  readonly #request: RunRequest;
  readonly #sandbox: Sandbox;
  readonly #clock: Clock;
  readonly #calls: RunCalls;
  readonly #logs: LogLine[] = [];
  readonly #outcome = Promise.withResolvers<SessionOutcome>();
  readonly #decoder = new TextDecoder();
  readonly #baseline: ProcessUsage | undefined;
  readonly #startedMs = performance.now();
  #usage: ProcessUsage | undefined;
  #peakBytes = 0;
  #logBytes = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #rest = '';
  /** What the program said last; it counts when its open calls have ended. */
  #said: RunEnd | undefined;
  #hasEnded = false;
  #cancels: (() => void)[] = [];

  constructor(request: RunRequest, sandbox: Sandbox, clock: Clock) {
    this.#request = request;
    this.#sandbox = sandbox;
    this.#clock = clock;
    this.#baseline = readUsage(sandbox.pid);
    this.#calls = new RunCalls(request, clock, {
      deliver: (sequence, answer) => this.#deliver(sequence, answer),
      diverged: (message) => this.#finish({ kind: 'failed', error: { code: 'diverged', message } }),
      unrecorded: (error) =>
        this.#finish({ kind: 'crashed', message: cut(`a call could not be recorded: ${String(error)}`) }),
      paused: () => sandbox.kill(),
      idle: () => this.#settle(),
    });
  }

  /** Runs the program to its end. Never rejects. */
  run(): Promise<SessionOutcome> {
    const { budget, signal } = this.#request;
    const cancel = (): void => this.#finish({ kind: 'cancelled' });
    signal?.addEventListener('abort', cancel, { once: true });
    this.#cancels = [
      () => signal?.removeEventListener('abort', cancel),
      this.#clock.after(budget.wallMs, () => this.#exhaust('wall')),
    ];
    this.#sandbox.listen({ data: (bytes) => this.#read(bytes), end: (reason) => this.#lost(reason) });
    this.#start();
    this.#sample();
    if (signal?.aborted === true) cancel();
    return this.#outcome.promise;
  }

  #start(): void {
    const { program, tools, budget, seed, nowMs } = this.#request;
    const { argumentBytesMax, resultBytesMax, logLinesMax, logBytesMax, cpuMs, memoryBytes } = budget;
    const given = { argumentBytesMax, resultBytesMax, logLinesMax, logBytesMax, cpuMs, memoryBytes };
    // `kind` first: the child of QuickJS looks for it.
    const frame = {
      kind: 'run',
      code: program.code,
      seed,
      nowMs,
      tools: tools.names,
      ...given,
      timersMax: limits.programTimersMax,
    };
    this.#sandbox.send(JSON.stringify(frame));
  }

  #sample(): void {
    if (this.#hasEnded) return;
    const usage = readUsage(this.#sandbox.pid);
    if (usage !== undefined && this.#baseline !== undefined) {
      const { budget } = this.#request;
      this.#usage = usage;
      this.#peakBytes = Math.max(this.#peakBytes, usage.memoryBytes - this.#baseline.memoryBytes);
      if (usage.cpuMs - this.#baseline.cpuMs > budget.cpuMs) return this.#exhaust('cpu');
      if (this.#peakBytes > budget.memoryBytes) return this.#exhaust('memory');
    }
    this.#cancels[2] = this.#clock.after(limits.sandboxSampleMs, () => this.#sample());
  }

  #read(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#bytesOut += bytes.byteLength;
    if (this.#bytesOut > this.#request.budget.bytesOutMax) return this.#exhaust('bytes-out');
    const text = this.#decoder.decode(bytes, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const line = this.#rest + text.slice(from, end);
      this.#rest = '';
      from = end + 1;
      this.#take(line);
      if (this.#hasEnded) return;
    }
    this.#rest += text.slice(from);
  }

  #take(line: string): void {
    // Whatever comes after its end comes too late.
    if (this.#said !== undefined) return;
    const parsed = parseHostileJson(line, this.#request.budget.bytesOutMax);
    if (!parsed.ok || !isFrame(parsed.value)) return this.#breach('no frame');
    const frame = parsed.value;
    if (frame['kind'] === 'call') this.#call(frame);
    else if (frame['kind'] === 'log') this.#log(frame);
    else if (frame['kind'] === 'turn') this.#calls.turnEnded();
    else if (frame['kind'] === 'end') this.#say(frame);
    else this.#breach('a frame of no kind');
  }

  #call({ id, namespace, tool, args }: Frame): void {
    const isSound = typeof namespace === 'string' && typeof tool === 'string' && typeof args === 'string';
    if (!isSound || id !== this.#calls.count) return this.#breach('a call out of turn');
    if (namespace.length > 128 || tool.length > 128) return this.#breach('a call of no tool');
    if (this.#calls.count >= this.#request.budget.callsMax) return this.#exhaust('calls');
    this.#calls.take(namespace, tool, args);
  }

  #log({ level, text }: Frame): void {
    const { logLinesMax, logBytesMax } = this.#request.budget;
    if (typeof text !== 'string') return this.#breach('a log line of no text');
    this.#logBytes += Buffer.byteLength(text);
    // The prelude stops at the limit by itself; who gets here has gone round it.
    if (this.#logs.length >= logLinesMax || this.#logBytes > logBytesMax * 2) return this.#exhaust('log');
    const known = level === 'warn' || level === 'error' ? level : 'log';
    this.#logs.push({ level: known, text: this.#request.redactor.text(text) });
  }

  #say({ value, error }: Frame): void {
    if (this.#calls.isReplaying) {
      return this.#finish({
        kind: 'failed',
        error: { code: 'diverged', message: 'the program ended before it made the calls of its first run' },
      });
    }
    this.#said = isFrame(error)
      ? { kind: 'failed', error: programError(error, this.#request.program, this.#request.redactor) }
      : this.#done(value);
    this.#settle();
  }

  #done(value: Json | undefined): RunEnd {
    const parsed = parseHostileJson(
      typeof value === 'string' ? value : '',
      this.#request.budget.resultBytesMax,
    );
    if (parsed.ok) return { kind: 'done', value: this.#request.redactor.json(parsed.value) };
    return {
      kind: 'failed',
      error: { code: 'result', message: `the result cannot be taken: ${parsed.why}` },
    };
  }

  /** Ends the run when all its calls have ended: what they did shall be known. */
  #settle(): void {
    if (!this.#calls.isIdle) return;
    const { pending } = this.#calls;
    if (pending.length > 0) this.#finish({ kind: 'paused', pending });
    else if (this.#said !== undefined) this.#finish(this.#said);
  }

  #deliver(sequence: number, answer: CallAnswer): void {
    if (this.#hasEnded) return;
    const { kind, ...rest } = answer;
    const line = JSON.stringify({
      kind: 'answer',
      id: sequence,
      ...(kind === 'value' ? rest : { error: rest }),
    });
    this.#bytesIn += Buffer.byteLength(line);
    if (this.#bytesIn > this.#request.budget.bytesInMax) return this.#exhaust('bytes-in');
    this.#sandbox.send(line);
  }

  #breach(what: string): void {
    this.#finish({ kind: 'crashed', message: `the sandbox broke the protocol: ${what}` });
  }

  #exhaust(limit: BudgetLimit): void {
    this.#finish({ kind: 'budget', limit });
  }

  #lost(reason: string): void {
    if (this.#calls.pending.length > 0 || this.#said !== undefined) return; // we ended it, or it is no longer needed
    if (/out of memory|allocation failed|heap limit|CodeRange/i.test(reason)) return this.#exhaust('memory');
    if (/SIGXCPU|exit code 79\b/.test(reason)) return this.#exhaust('cpu');
    this.#finish({ kind: 'crashed', message: cut(`the sandbox ended: ${reason}`) });
  }

  #finish(end: RunEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#usage = readUsage(this.#sandbox.pid) ?? this.#usage;
    for (const cancel of this.#cancels) cancel();
    this.#calls.close();
    this.#sandbox.kill();
    const [usage, baseline] = [this.#usage, this.#baseline];
    const isMeasured = usage !== undefined && baseline !== undefined;
    this.#outcome.resolve({
      end,
      logs: this.#logs,
      calls: this.#calls.records,
      runMs: performance.now() - this.#startedMs,
      used: {
        cpuMs: isMeasured ? usage.cpuMs - baseline.cpuMs : undefined,
        memoryBytes: isMeasured
          ? Math.max(this.#peakBytes, usage.memoryBytes - baseline.memoryBytes, 0)
          : undefined,
        bytesIn: this.#bytesIn,
        bytesOut: this.#bytesOut,
      },
    });
  }
}

function isFrame(value: Json | undefined): value is Frame {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
