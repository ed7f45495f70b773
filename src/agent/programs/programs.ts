/**
 * The programs of one agent. They run beside both lanes: no telemetry waits for one.
 *
 *   run -> done | failed                                          its answer
 *       -> a call needs consent -> waiting, stored; people are asked
 *          -> (all of them decided) -> decided -> (that is committed) -> running: again from the beginning, calls that
 *             were made are answered from their records -> done | failed | waiting; the chat that asked gets the answer
 *          -> cancelled: nothing happens any more
 *
 * I1 A call is made once: what the first run had done is in the record, and what people approved begins with a commit
 *    that says so. A process that ended after that commit does not run the program again.
 * I2 Consent is to this call of this program with these arguments: a replay that asks for something else ends.
 */
import type { ActorContext } from '../../actor/index.ts';
import { asBridgeError, assert, BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import {
  budgetOf,
  ToolHost,
  type CallRecord,
  type CompiledProgram,
  type PendingApproval,
  type RunResult,
} from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import type { AgentParts } from '../agent-parts.ts';
import { approversOf, type Approval } from '../approvals/approval.ts';
import { sha256Of } from '../device-tools/binding.ts';
import { CellTable } from '../jobs/cell-table.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import {
  answerOf,
  compileFailure,
  waitingAnswer,
  type ProgramAnswer,
  type WaitingCall,
} from './program-answer.ts';
import { bindingsOf, declaredOf, type ConsentTerms, type ToolGroup } from './program-bindings.ts';
import { standardGroups } from './program-groups.ts';
import { ProgramHost } from './program-host.ts';
import { ProgramRuns } from './program-runs.ts';
import { consentIn, decisionsOf, outcomeOf, withDecision, type PausedProgram } from './paused-program.ts';

/** Kind of the documents of programs that wait. */
export const PROGRAM_KIND = 'program';

/** Who wants a program to be run. */
export interface ProgramCaller {
  /** As the audit log names them. */
  readonly by: string;
  /** The call of the chat that gets what comes of it later. */
  readonly toolCallId?: string | undefined;
  readonly signal: AbortSignal;
}

/** A program about to be run. */
type Attempt = Omit<PausedProgram, 'text' | 'state'> & { readonly program: CompiledProgram };

export class Programs {
  readonly runs: ProgramRuns;
  readonly #agent: Agent;
  readonly #context: ActorContext;
  readonly #parts: AgentParts;
  readonly #host: ProgramHost;
  readonly #table: CellTable<PausedProgram>;
  readonly #abort = new AbortController();
  #groups: readonly ToolGroup[] | undefined;
  #running = 0;

  constructor(agent: Agent, parts: AgentParts) {
    const { context } = parts;
    this.#agent = agent;
    this.#parts = parts;
    this.#context = context;
    this.#host = parts.programHost ?? new ProgramHost();
    this.runs = new ProgramRuns(context);
    this.#table = new CellTable<PausedProgram>(
      {
        cell: (name) => context.cell(name),
        setCell: (name, value) => context.setCell(name, value),
        cellNames: (prefix) => context.cellNames(prefix),
        onTakenBack: (listener) => context.onTakenBack(listener),
        rearm: () => undefined,
      },
      `${PROGRAM_KIND}:`,
    );
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Programs that wait for people. */
  get waiting(): readonly PausedProgram[] {
    return this.#table.all();
  }

  /** What programs that go on may call, from now on; default: the tools of the device and of trusted MCP servers. */
  offer(groups: readonly ToolGroup[]): void {
    this.#groups = groups;
  }

  /** The agent has entered memory. */
  wake(): void {
    for (const program of this.#table.all()) {
      if (program.state === 'decided') this.#context.aside(() => this.#resume(program.id));
      if (program.state !== 'running') continue;
      const error = 'the process ended while the program ran: what its last calls did is not known';
      this.#finish(program, { outcome: 'failed', error }, []);
    }
  }

  /** It leaves memory: what is under way ends, and nothing of it is written any more. */
  stop(): void {
    this.#abort.abort();
  }

  /**
   * Runs a program of a model. Rejects with BridgeError BRG_SANDBOX (nothing can run programs here), BRG_ABORTED (the
   * agent left memory), BRG_BAD_REQUEST (the tools cannot be offered).
   */
  async run(text: string, groups: readonly ToolGroup[], caller: ProgramCaller): Promise<ProgramAnswer> {
    const compiled = await this.#host.compile(text, declaredOf(groups));
    if (!compiled.ok) return compileFailure(compiled.error);
    const id = newId();
    const attempt: Attempt = {
      ...{ id, program: compiled.program, by: caller.by, toolCallId: caller.toolCallId ?? null },
      seed: Number.parseInt(sha256Of(id).slice(0, 8), 16),
      nowMs: this.#context.now(),
      calls: [],
      paused: [],
    };
    const { answer } = await this.#attempt(attempt, groups, caller.signal);
    return answer;
  }

  /** People have decided about a call, in this turn. */
  decided(approval: Approval): void {
    const { origin, status } = approval;
    if (origin.kind !== 'program') return;
    const program = this.#table.get(origin.runId);
    if (program === undefined) return;
    if (status === 'cancelled') return this.#drop(program);
    const next = withDecision(program, approval, status === 'approved' ? approversOf(approval) : '');
    if (next === undefined) return;
    this.#table.put(next);
    if (next.state === 'decided') this.#context.aside(() => this.#resume(next.id));
  }

  #drop(program: PausedProgram): void {
    this.#table.delete(program.id);
    for (const { approval } of program.paused) this.#parts.approvals.cancel(approval, program.by);
  }

  /** I1 */
  #resume(id: string): void {
    const program = this.#table.get(id);
    // Without its code the agent has no policy either: at its next wake.
    if (program?.state !== 'decided' || this.#parts.isHeld || this.#abort.signal.aborted) return;
    this.#context.attempt(() => {
      this.#table.put({ ...program, state: 'running' });
      for (const { approval, decision } of program.paused)
        if (decision?.kind === 'approved') this.#parts.approvals.begin(approval);
    });
    void this.#replay(program).catch((error: unknown) => {
      if (this.#isGone) return;
      const { code, message } = asBridgeError(error);
      this.#context.attempt(() =>
        this.#finish(program, { outcome: 'failed', error: `${code}: ${message}` }, []),
      );
    });
  }

  async #replay({ text, state: _, ...rest }: PausedProgram): Promise<void> {
    const compiled = await this.#host.compile(text);
    if (!compiled.ok) throw new BridgeError('BRG_SANDBOX', compiled.error.message);
    const groups = this.#groups ?? standardGroups(this.#agent, rest.by);
    const { signal } = this.#abort;
    await this.#attempt({ ...rest, program: compiled.program }, groups, signal);
  }

  async #attempt(
    attempt: Attempt,
    groups: readonly ToolGroup[],
    signal: AbortSignal,
  ): Promise<{ readonly answer: ProgramAnswer }> {
    const { program, seed, nowMs, calls: recorded } = attempt;
    const terms = new Map<number, ConsentTerms>();
    const ledger = {
      consentTo: (sequence: number) => consentIn(attempt, sequence),
      waits: (sequence: number, of: ConsentTerms): unknown => terms.set(sequence, of),
    };
    const tools = new ToolHost(bindingsOf(groups, ledger));
    const decisions = decisionsOf(attempt, program);
    this.#running++;
    let result: RunResult;
    try {
      const either = AbortSignal.any([signal, this.#abort.signal]);
      const facts = { tools, budget: budgetOf(), seed, nowMs, recorded, decisions };
      result = await this.#host.run(program, { ...facts, signal: either });
    } finally {
      this.#running--;
    }
    if (this.#isGone)
      throw new BridgeError('BRG_ABORTED', 'the agent left memory while its program was under way');
    const answer = this.#context.attempt(() => {
      this.runs.note(result, { runId: attempt.id, by: attempt.by, text: program.text, tools });
      return this.#ended(attempt, result, terms);
    });
    return { answer };
  }

  #ended(attempt: Attempt, result: RunResult, terms: ReadonlyMap<number, ConsentTerms>): ProgramAnswer {
    const { end, calls } = result;
    const answer = end.kind === 'paused' ? this.#pause(attempt, calls, end.pending, terms) : answerOf(result);
    const before = this.#table.get(attempt.id);
    if (answer.outcome !== 'waiting' && before !== undefined) this.#finish(before, answer, calls);
    return answer;
  }

  #pause(
    attempt: Attempt,
    calls: readonly CallRecord[],
    pending: readonly PendingApproval[],
    terms: ReadonlyMap<number, ConsentTerms>,
  ): ProgramAnswer {
    try {
      return this.#context.attempt(() => {
        const asked = pending.map((call) => this.#ask(attempt, call, terms.get(call.sequence)));
        this.#store(attempt, calls, pending, asked);
        return waitingAnswer(attempt.id, asked);
      });
    } catch (error) {
      // Nobody was asked.
      const { code, message } = asBridgeError(error);
      return { outcome: 'failed', error: `${code}: ${message}; calls before this one stand` };
    }
  }

  /** @throws BridgeError of `Approvals.ask` */
  #ask({ id: runId, by, toolCallId }: Attempt, call: PendingApproval, terms?: ConsentTerms): WaitingCall {
    const { programHash, sequence, namespace, tool: name, args, argumentsHash, reason } = call;
    const tool = namespace === 'device' ? name : `${namespace}.${name}`;
    const input: JsonObject = isJsonObject(args) ? args : { input: args };
    const { id: approval } = this.#parts.approvals.ask({
      origin: { kind: 'program', runId, sequence, ...(toolCallId === null ? {} : { toolCallId }) },
      ...{ tool, arguments: input, explanation: reason, requestedBy: by },
      binding: sha256Of({ programHash, tool, sequence, argumentsHash }), // I2
      ...(terms === undefined ? {} : { needed: terms.persons }),
      ...(terms?.ttlMs === undefined ? {} : { ttlMs: terms.ttlMs }),
    });
    return { approval, tool, arguments: args, explanation: reason };
  }

  /** @throws BridgeError BRG_BUSY, BRG_PAYLOAD_TOO_LARGE */
  #store(
    { program, paused: earlier, ...facts }: Attempt,
    calls: readonly CallRecord[],
    pending: readonly PendingApproval[],
    asked: readonly WaitingCall[],
  ): void {
    const paused = pending.map(({ sequence, argumentsHash }, i) => {
      const approval = asked[i]?.approval;
      assert(approval !== undefined, 'each call that waits was asked about');
      return { approval, sequence, argumentsHash, decision: null };
    });
    const recorded = calls.map(({ sequence, namespace, tool, argumentsHash, answer, answered }) => ({
      ...{ sequence, namespace, tool, argumentsHash },
      ...(answer === undefined ? {} : { answer }),
      ...(answered === undefined ? {} : { answered }),
    }));
    // Calls that were decided before are in the records now; who had approved them is still told.
    const kept = { ...facts, text: program.text, calls: recorded, paused: [...earlier, ...paused] };
    const bytes = Buffer.byteLength(JSON.stringify(kept));
    if (bytes > limits.programRecordBytesMax) {
      const message = `a program cannot wait with ${bytes} bytes of answers; the limit is ${limits.programRecordBytesMax}`;
      throw new BridgeError('BRG_PAYLOAD_TOO_LARGE', message);
    }
    const isNew = this.#table.get(facts.id) === undefined;
    if (isNew && this.#table.size >= limits.programsPausedMax)
      throw new BridgeError('BRG_BUSY', `${this.#table.size} programs wait for people already`);
    this.#table.put({ ...kept, state: 'waiting' });
  }

  /** Tells the chat, and whoever looks at the approvals, what came of a program that had waited. */
  #finish(program: PausedProgram, answer: ProgramAnswer, calls: readonly CallRecord[]): void {
    this.#table.delete(program.id);
    for (const { approval, sequence, decision } of program.paused) {
      if (decision?.kind !== 'approved') continue;
      const made = calls.find((call) => call.sequence === sequence);
      this.#parts.approvals.finish(approval, outcomeOf(made, answer));
    }
    if (program.toolCallId !== null) this.#parts.chat?.programEnded(program.toolCallId, answer);
  }

  get #isGone(): boolean {
    return this.#abort.signal.aborted || this.#context.turn.isAbandoned;
  }
}
