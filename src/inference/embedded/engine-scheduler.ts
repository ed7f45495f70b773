/**
 * Who gets on in the next step of the engine: continuous batching over one model. No threads, no timers, no time of
 * its own: whoever has it calls `step` as long as there is work. Each step reads the next token of every run that is
 * answering, and with the rows that are left pieces of prompts.
 *
 * I1 Runs have an order that never changes (their turn). For blocks, a run takes from later ones only: the first run
 *    always gets on, and one run alone always fits (checked when it is asked), so everything ends.
 * I2 An agent has one run at work.
 * I3 Each request ends once, with `done` or `failed`; then none of its blocks is referenced.
 * I4 A run waits when another one is reading what both begin with: it is read once.
 */
import { assert, BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { BlockPool } from './block-pool.ts';
import { ChatMemory, type KvBlob } from './chat-memory.ts';
import type { Engine } from './engine.ts';
import { EngineCounters } from './engine-counters.ts';
import type { Choice, ChoiceRequest, Generation, GenerationRequest } from './generation.ts';
import { RequestReader } from './request-reader.ts';
import { RowBudget, shareRows } from './row-budget.ts';
import type { Run } from './run.ts';
import { RunMemory } from './run-memory.ts';
import { resultsOf, StepPlans, type Piece } from './step-plan.ts';
import { forceTokens, outcomeOf, scoreOption, takeToken, type TextEnd } from './run-progress.ts';
import { nextWaiting } from './admission.ts';
import { WaitingLine } from './waiting-line.ts';

/** What a request is told, from within `submit`, `step` or `abort`. */
export interface RequestEvents {
  text(delta: string): void;
  done(result: Generation | Choice): void;
  failed(error: BridgeError): void;
}

export interface SchedulerEnvironment {
  /** Of a clock that never goes back. */
  readonly elapsedMs: () => number;
  /** [0, 1): seeds of requests that bring none. */
  readonly random: () => number;
}

export class EngineScheduler {
  readonly counters = new EngineCounters();
  readonly memory: ChatMemory;
  readonly #engine: Engine;
  readonly #env: SchedulerEnvironment;
  readonly #pool: BlockPool;
  readonly #blocks: RunMemory;
  readonly #reader: RequestReader;
  readonly #plans: StepPlans;
  readonly #budget = new RowBudget();
  readonly #waiting = new WaitingLine();
  readonly #running = new Map<string, Run>();
  readonly #bytesOf: (token: number) => Uint8Array;
  #expireAtMs = 0;

  constructor(engine: Engine, environment: SchedulerEnvironment) {
    this.#engine = engine;
    this.#env = environment;
    this.#pool = new BlockPool(engine.info.blocks, engine.info.blockTokens);
    this.#blocks = new RunMemory(this.#pool, engine);
    this.#reader = new RequestReader(engine, environment);
    this.#plans = new StepPlans(engine);
    this.#bytesOf = (token) => engine.tokenizer.bytesOf(token);
    this.memory = new ChatMemory(engine, this.#pool, this.counters);
  }

  get hasWork(): boolean {
    return this.#running.size > 0 || this.#waiting.length > 0;
  }

  /** For metrics and tests: blocks in use, cached and in all; runs at work and waiting. */
  get state(): { used: number; cached: number; blocks: number; running: number; waiting: number } {
    const { used, cached, blocks } = this.#pool;
    return { used, cached, blocks, running: this.#running.size, waiting: this.#waiting.length };
  }

  /**
   * Takes a request, and what its agent kept of the last one; the answer is a function that gives it up, without effect when it has ended.
   * @throws BridgeError BRG_MODEL_CONTEXT, BRG_MODEL_PATTERN, BRG_MODEL_REQUEST; BRG_MODEL_OVERLOADED with `retryAfterMs`
   */
  submit(request: GenerationRequest | ChoiceRequest, events: RequestEvents, blob?: KvBlob): () => void {
    this.counters.requests++;
    const run = this.#reader.read(request, events);
    if (blob !== undefined) this.memory.restore(run.agent, blob, Int32Array.from(run.tokens));
    this.#replaceOlder(run);
    this.#assertRoom(run);
    const end = forceTokens(run, this.#limitOf(run), this.#bytesOf);
    if (end === undefined) this.#waiting.add(run);
    else this.#finish(run, end);
    return () =>
      this.#fail(run, new BridgeError('BRG_ABORTED', 'the request to the language model was given up'));
  }

  /** One step, if there is work: at most so long as the budget of rows allows. */
  step(): void {
    const nowMs = this.#env.elapsedMs();
    this.#expire(nowMs);
    this.#admit(nowMs);
    const pieces = this.#plan();
    if (pieces.length === 0) {
      assert(!this.hasWork, 'work that is there gets on');
      return;
    }
    const rows = pieces.reduce(
      (sum, piece) => sum + (piece.kind === 'rows' ? piece.count : resultsOf(piece)),
      0,
    );
    const startMs = this.#env.elapsedMs();
    const { tokens, logProbabilities } = this.#plans.run(pieces);
    const endMs = this.#env.elapsedMs();
    this.#budget.observe(rows, endMs - startMs);
    this.counters.stepped(rows, endMs - startMs);
    let at = 0;
    for (const piece of pieces) {
      const results = resultsOf(piece);
      if (piece.kind === 'rows') this.#advance(piece, tokens[at] ?? 0, logProbabilities[at] ?? 0, endMs);
      else this.#score(piece, logProbabilities.subarray(at, at + results), endMs);
      at += results;
    }
  }

  #limitOf(run: Run): number {
    const { contextTokens } = this.#engine.info;
    return run.work.kind === 'text'
      ? Math.min(run.promptTokens + run.work.maxTokens, contextTokens)
      : Infinity;
  }

  #replaceOlder(run: Run): void {
    const { replaces, agent } = run.work.request;
    if (replaces === undefined) return;
    const older = this.#waiting.find(
      ({ work }) => work.request.replaces === replaces && work.request.agent === agent,
    );
    if (older === undefined) return;
    this.counters.replaced++;
    this.#fail(older, new BridgeError('BRG_MODEL_REPLACED', 'a newer request of the agent took its place'));
  }

  /** @throws BridgeError BRG_MODEL_OVERLOADED */
  #assertRoom(run: Run): void {
    const { tokensPerMs } = this.#budget;
    const waitMs = tokensPerMs === 0 ? 0 : this.#waiting.tokens / tokensPerMs;
    const isLate = waitMs > (run.work.request.deadlineMs ?? limits.modelQueueWaitBackgroundMs);
    if (!isLate && this.#waiting.length < limits.engineQueueMax) return;
    this.counters.rejected++;
    const retryAfterMs = Math.ceil(Math.max(waitMs, limits.engineRetryAfterMsMin));
    throw new BridgeError('BRG_MODEL_OVERLOADED', `too many requests wait for the language model`, {
      details: { by: 'engine', retryAfterMs },
    });
  }

  #expire(nowMs: number): void {
    if (nowMs < this.#expireAtMs) return;
    this.#expireAtMs = nowMs + limits.engineDeadlineStepMs;
    for (const run of [...this.#running.values(), ...this.#waiting]) {
      if (nowMs < run.deadlineMs) continue;
      const { deadlineMs } = run.work.request;
      const text = `the language model was not done within ${deadlineMs} ms`;
      this.#fail(run, new BridgeError('BRG_MODEL_TIMEOUT', text, { details: { timeoutMs: deadlineMs } }));
    }
  }

  #admit(nowMs: number): void {
    for (;;) {
      const run = nextWaiting(this.#waiting, this.#running, this.#pool, nowMs);
      if (run === undefined) return;
      // Room for the prompt and a beginning of the answer: a run that has to stop at once has been read for nothing.
      const found = run.peeked?.tokens ?? 0;
      const wanted = this.#blocks.blocksOf(run.tokens.length + limits.engineAnswerTokensAhead - found);
      const isRoom = this.#running.size === 0 || this.#pool.free + this.#pool.cached >= wanted;
      if (this.#running.size >= limits.engineRunsMax || !isRoom) {
        const victim = this.#lastOf((other) => run.isMoreUrgentThan(other));
        if (victim === undefined) return;
        this.#preempt(victim);
        continue;
      }
      this.#waiting.remove(run);
      this.#running.set(run.agent, run);
      this.#blocks.begin(run);
      if (run.startedMs === undefined) this.counters.started(nowMs - run.submittedMs, run);
      run.startedMs ??= nowMs;
    }
  }

  /** What the next step reads. */
  #plan(): Piece[] {
    const inTurn = [...this.#running.values()].sort((a, b) => (a.isBefore(b) ? -1 : 1));
    const pieces: Piece[] = [];
    for (const [run, count] of shareRows(inTurn, this.#budget.rows)) {
      // Whose turn is later may have lost its blocks to one before it.
      if (this.#running.get(run.agent) === run) pieces.push(...this.#piecesOf(run, count));
    }
    return pieces;
  }

  #piecesOf(run: Run, count: number): Piece[] {
    if (run.work.kind === 'choice' && run.unread === 0) return this.#optionsOf(run, count);
    if (!this.#withRoom(run, () => this.#blocks.grow(run, count))) return [];
    const wantsToken = run.work.kind === 'text' && count === run.unread;
    return [{ kind: 'rows', run, count, wantsToken }];
  }

  /** As many options as the rows allow, at least one. */
  #optionsOf(run: Run, rows: number): Piece[] {
    assert(run.work.kind === 'choice', 'options are of a choice');
    const pieces: Piece[] = [];
    let left = Math.max(rows, this.#budget.rows);
    for (let option = run.work.logProbabilities.length; option < run.work.options.length; option++) {
      const length = run.work.options[option]?.length ?? 0;
      if (pieces.length > 0 && length > left) break;
      const fork =
        pieces.length === 0
          ? this.#withRoom(run, () => this.#blocks.fork(run, length))
          : this.#blocks.fork(run, length);
      if (fork === undefined) break;
      pieces.push({ kind: 'option', run, option, fork });
      left -= length;
    }
    return pieces;
  }

  /** What `take` gets, if need be from runs whose turn is later; `run` itself steps back when there are none. */
  #withRoom<T>(run: Run, take: () => T): T | undefined {
    for (;;) {
      const taken = take();
      if (taken !== false && taken !== undefined) return taken;
      const victim = this.#lastOf((other) => run.isBefore(other)) ?? run;
      this.#preempt(victim);
      if (victim === run) return undefined;
    }
  }

  /** Of those that may be stopped, the one whose turn is last. */
  #lastOf(may: (run: Run) => boolean): Run | undefined {
    let last: Run | undefined;
    for (const run of this.#running.values())
      if (may(run) && (last === undefined || last.isBefore(run))) last = run;
    return last;
  }

  #preempt(run: Run): void {
    this.counters.preempted++;
    this.#running.delete(run.agent);
    this.#blocks.release(run);
    this.#waiting.add(run);
  }

  #advance(
    { run, count, wantsToken }: Piece & { kind: 'rows' },
    token: number,
    logProbability: number,
    nowMs: number,
  ): void {
    // Somebody may have given it up when told of another one.
    if (this.#running.get(run.agent) !== run) return;
    run.computed += count;
    this.#blocks.publish(run);
    if (!wantsToken) return;
    this.counters.tokenCame(run, nowMs);
    const end = this.#reader.ends.has(token)
      ? 'stop'
      : takeToken(run, token, logProbability, this.#limitOf(run), this.#bytesOf);
    if (end !== undefined) this.#finish(run, end);
  }

  #score({ run, fork }: Piece & { kind: 'option' }, logProbabilities: Float32Array, nowMs: number): void {
    this.#blocks.drop(fork);
    if (this.#running.get(run.agent) !== run || !scoreOption(run, logProbabilities)) return;
    run.firstTokenMs ??= nowMs;
    this.#finish(run, 'stop');
  }

  #finish(run: Run, end: TextEnd): void {
    this.memory.note(run);
    this.#leave(run);
    const result = outcomeOf(run, end, this.#env.elapsedMs());
    this.counters.done(result);
    run.events.done(result);
  }

  #fail(run: Run, error: BridgeError): void {
    if (this.#running.get(run.agent) !== run && !this.#waiting.remove(run)) return;
    this.#leave(run);
    this.counters.failed(error);
    run.events.failed(error);
  }

  #leave(run: Run): void {
    if (this.#running.get(run.agent) === run) this.#running.delete(run.agent);
    this.#blocks.release(run);
  }
}
