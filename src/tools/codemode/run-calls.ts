/**
 * The calls of one run, on the host's side: counted, at most some at once, served from a record where there is one.
 * Invariants: C1 a call is made at most once. C2 an answer goes to the program only after `onCall` was told of it.
 * C3 answers of a replay go out in the order of the first run, before any live one. C4 once a call waits for people, those
 * of the same turn of the program are still made, no later ones, and no answer goes to it any more.
 */
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { parseHostileJson, type Json } from './hostile-json.ts';
import { hashArguments, ReplayLog, type CallIdentity } from './replay.ts';
import type { CallRecord, PendingApproval, RunRequest } from './run-result.ts';
import type { CallAnswer, HostAnswer } from './tool-host.ts';

/** What the run must learn. */
export interface RunCallsListener {
  /** The answer is for the program now. */
  deliver(sequence: number, answer: CallAnswer): void;
  diverged(message: string): void;
  /** A call was answered and could not be recorded: the program must not go on. */
  unrecorded(error: unknown): void;
  /** A call waits for a person: the program goes no further. */
  paused(): void;
  /** No call is open any more. */
  idle(): void;
}

interface OpenCall extends CallIdentity {
  readonly args: Json;
  readonly startedMs: number;
  readonly isApproved: boolean;
}

export class RunCalls {
  readonly #request: RunRequest;
  readonly #clock: Clock;
  readonly #listener: RunCallsListener;
  readonly #replay: ReplayLog;
  readonly #abort = new AbortController();
  readonly #records: CallRecord[] = [];
  readonly #waiting: OpenCall[] = [];
  readonly #held: { readonly sequence: number; readonly answer: CallAnswer }[] = [];
  readonly #pending: PendingApproval[] = [];
  #running = 0;
  #answered = 0;
  /** The program has made calls and may make more before it waits for their answers. */
  #isTurnOpen = false;
  /** A call waits for people, and its turn is over. */
  #isPaused = false;
  #stopWaiting: () => void = () => undefined;

  constructor(request: RunRequest, clock: Clock, listener: RunCallsListener) {
    const { recorded = [], decisions = [], program } = request;
    this.#request = request;
    this.#clock = clock;
    this.#listener = listener;
    this.#replay = new ReplayLog(recorded, decisions, program.hash);
  }

  /** Calls the program has made. */
  get count(): number {
    return this.#records.length;
  }

  get isIdle(): boolean {
    if (this.#pending.length > 0) return this.#running === 0 && this.#isPaused;
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /** Records whose calls the program has not made. */
  get isReplaying(): boolean {
    return this.#replay.isReplaying;
  }

  get pending(): readonly PendingApproval[] {
    return this.#pending;
  }

  get records(): readonly CallRecord[] {
    return this.#records;
  }

  /** A call the program makes; its number is the count of those before. */
  take(namespace: string, tool: string, argsText: string): void {
    const sequence = this.#records.length;
    const parsed = parseHostileJson(argsText, this.#request.budget.argumentBytesMax);
    const args = parsed.ok ? parsed.value : null;
    const identity = { sequence, namespace, tool, argumentsHash: hashArguments(args) };
    this.#records.push({
      ...identity,
      args: this.#request.redactor.json(args),
      durationMs: 0,
      decision: 'unanswered',
    });
    this.#isTurnOpen = true;
    if (this.#isPaused) return;
    const served = this.#replay.serve(identity);
    if (served.kind === 'diverged') return this.#listener.diverged(served.message);
    if (served.kind === 'denied') return this.#answer(sequence, served.answer, { decision: 'denied' });
    if (served.kind === 'recorded') return this.#replayOn();
    if (!parsed.ok) {
      return this.#answer(
        sequence,
        { kind: 'error', code: 'bad-arguments', message: parsed.why },
        { decision: 'live' },
      );
    }
    this.#waiting.push({ ...identity, args, startedMs: this.#clock.now(), isApproved: served.isApproved });
    this.#startWaiting();
  }

  /** The program says that it makes no further call before it has an answer. */
  turnEnded(): void {
    this.#isTurnOpen = false;
    if (this.#pending.length > 0) this.#pause();
  }

  /** Ends what is open: tools are told, their answers are dropped. */
  close(): void {
    this.#stopWaiting();
    this.#waiting.length = 0;
    this.#abort.abort();
  }

  #startWaiting(): void {
    while (this.#running < this.#request.budget.parallelCallsMax && !this.#isPaused) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#running++;
      void this.#make(call); // never rejects
    }
  }

  async #make(call: OpenCall): Promise<void> {
    const { budget, redactor, tools } = this.#request;
    const answer = await tools.call(call.namespace, call.tool, call.args, {
      clock: this.#clock,
      redactor,
      callMs: budget.callMs,
      answerBytesMax: budget.answerBytesMax,
      sequence: call.sequence,
      isApproved: call.isApproved,
      signal: this.#abort.signal,
    });
    this.#running--;
    if (this.#abort.signal.aborted) return;
    this.#settle(call, answer);
    this.#startWaiting();
    if (this.isIdle) this.#listener.idle();
  }

  #settle(call: OpenCall, answer: HostAnswer): void {
    const durationMs = this.#clock.now() - call.startedMs;
    if (answer.kind !== 'approval') {
      return this.#answer(call.sequence, answer, {
        durationMs,
        decision: call.isApproved ? 'approved' : 'live',
      });
    }
    const { program } = this.#request;
    const { sequence, namespace, tool, argumentsHash } = call;
    this.#change(sequence, { durationMs, decision: 'pending' });
    const args = this.#records[sequence]?.args ?? null;
    this.#pending.push({
      programHash: program.hash,
      sequence,
      namespace,
      tool,
      argumentsHash,
      args,
      reason: answer.reason,
    });
    if (!this.#isTurnOpen) this.#pause();
    // A program need not say that its turn is over.
    else if (this.#pending.length === 1)
      this.#stopWaiting = this.#clock.after(limits.programTurnMs, () => this.#pause());
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#stopWaiting();
    this.#listener.paused();
    if (this.isIdle) this.#listener.idle();
  }

  #answer(
    sequence: number,
    answer: CallAnswer,
    facts: Pick<CallRecord, 'decision'> & { durationMs?: number },
  ): void {
    const record = this.#change(sequence, { ...facts, answer, answered: this.#answered++ });
    try {
      if (record !== undefined) this.#request.onCall?.(record);
    } catch (error) {
      return this.#listener.unrecorded(error);
    }
    if (this.#replay.isReplaying) this.#held.push({ sequence, answer });
    else if (this.#pending.length === 0) this.#listener.deliver(sequence, answer);
  }

  #replayOn(): void {
    for (const { sequence, answer } of this.#replay.takeDeliverable()) {
      this.#change(sequence, { answer, answered: this.#answered++, decision: 'recorded' });
      this.#listener.deliver(sequence, answer);
    }
    if (this.#replay.isReplaying) return;
    for (const { sequence, answer } of this.#held.splice(0)) this.#listener.deliver(sequence, answer);
  }

  #change(sequence: number, facts: Partial<CallRecord>): CallRecord | undefined {
    const record = this.#records[sequence];
    if (record === undefined) return undefined;
    return (this.#records[sequence] = { ...record, ...facts });
  }
}
