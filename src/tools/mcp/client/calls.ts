/**
 * Calls of foreign tools. One that needs a person's word answers `waiting`, in both eras of the protocol; the call goes
 * on when the last of its questions was answered, hours or a restart later.
 *
 * 2026-07-28: the server has ended the round with its questions and a state; the next round takes both back.
 * 2025: the server asks while it works. As long as the connection lives, the call goes on; after a restart it is made
 * again, and the same question (same words, same form) gets the answer that was given.
 *
 * I1 A call that is not sound by its own schema is not sent.
 * I2 `waiting` is only said when the question is stored.
 */
import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client';
import type { Clock } from '../../../base/clock.ts';
import { BridgeError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { limits } from '../../../base/limits.ts';
import type { Json } from '../../codemode/hostile-json.ts';
import { asResult, checkAnswer, checkArguments } from './call-checks.ts';
import { cleanText, type McpToolEntry } from './catalogue.ts';
import type { McpConnection } from './connection.ts';
import { ElicitationDesk, fingerprint, readAsk } from './elicitations.ts';
import { callRound, type RoundInput } from './rounds.ts';
import type { McpElicitation, McpElicitationAnswer, McpStorage } from './server-row.ts';
import { readToolResult, type McpToolResult } from './tool-result.ts';

/** How long a call may take, and what ends it. */
export interface McpCallOptions {
  readonly signal?: AbortSignal;
  /** ms the server may take, the time a person takes not counted; default `mcpCallMs`, at most `mcpCallMaxMs`. */
  readonly deadlineMs?: number;
}

/** A call has ended, or waits for a person's answers to questions of its server. */
export type McpCallOutcome =
  | { readonly kind: 'done'; readonly result: McpToolResult }
  | { readonly kind: 'waiting'; readonly elicitations: readonly McpElicitation[] };

/** A call that runs in this process. */
interface ActiveCall {
  readonly id: string;
  readonly connection: McpConnection;
  readonly tool: McpToolEntry;
  readonly args: Json;
  /** Answers to questions it will ask again, by fingerprint. */
  readonly prepared: Map<string, McpElicitationAnswer>;
  /** The server's time, ms; counts anew after each answer. */
  readonly deadlineMs: number;
  readonly stop: AbortController;
  /** Tells whoever waits for the call that it waits for a person. */
  ask: (elicitation: McpElicitation) => void;
  /** Questions it waits for. */
  open: number;
  stopClock: () => void;
  /** Its caller's signal counts no more: it has been told that the call waits. */
  detach: () => void;
  run: Promise<McpCallOutcome>;
}

export interface CallsContext {
  readonly storage: McpStorage;
  readonly clock: Clock;
  /** @throws BridgeError BRG_MCP_UNKNOWN */
  connectionOf(serverId: string): McpConnection;
  onChange(): void;
}

export class McpCalls {
  readonly #context: CallsContext;
  readonly #desk: ElicitationDesk;
  readonly #active = new Map<string, ActiveCall>();
  /** Questions of living connections, and how to answer them. */
  readonly #asking = new Map<string, (answer: McpElicitationAnswer) => void>();

  constructor(context: CallsContext) {
    this.#context = context;
    this.#desk = new ElicitationDesk(context.storage, context.clock);
  }

  get elicitations(): readonly McpElicitation[] {
    return this.#desk.open;
  }

  /** @throws BridgeError BRG_MCP_* */
  async call(
    serverId: string,
    name: string,
    input: unknown,
    options: McpCallOptions,
  ): Promise<McpCallOutcome> {
    const connection = this.#context.connectionOf(serverId);
    if (connection.row.catalogue === null) await connection.ready();
    const tool = connection.row.catalogue?.tools.find((one) => one.name === name);
    if (tool === undefined)
      throw new BridgeError('BRG_MCP_UNKNOWN', `${connection.row.name} has no tool ${name}`);
    const args = checkArguments(tool, input);
    return this.#begin(newId(), connection, { tool, args, round: null, prepared: new Map() }, options);
  }

  /**
   * A person's word on a question; the outcome of the call when it was the last one. Null: the call is not ours to
   * follow, its server has got the answer.
   * @throws BridgeError BRG_MCP_UNKNOWN, BRG_MCP_ARGUMENTS when a form is not filled rightly; as `call`
   */
  async answer(
    id: string,
    answer: McpElicitationAnswer,
    options: McpCallOptions,
  ): Promise<McpCallOutcome | null> {
    const elicitation = this.#desk.find(id);
    if (elicitation === undefined)
      throw new BridgeError('BRG_MCP_UNKNOWN', `no question ${id} waits for an answer`);
    checkAnswer(elicitation, answer);
    const { call } = elicitation;
    const living = this.#asking.get(id);
    if (living !== undefined) return this.#answerLiving(elicitation, answer, living);
    if (call === null) {
      this.#desk.remove([elicitation]);
      this.#context.onChange();
      throw new BridgeError('BRG_MCP_UNKNOWN', 'the connection that asked is gone, and with it the question');
    }
    this.#desk.keep(elicitation, answer);
    this.#context.onChange();
    const all = this.#desk.ofCall(call.id);
    const waiting = all.filter((one) => one.answer === null);
    if (waiting.length > 0) return { kind: 'waiting', elicitations: waiting };
    return this.#resume(elicitation.serverId, call.id, all, options);
  }

  /** A 2025 server asks, within one of its calls. Never rejects. */
  async asked(serverId: string, params: ElicitRequest['params'], signal: AbortSignal): Promise<ElicitResult> {
    const calls = [...this.#active.values()].filter(({ connection }) => connection.row.id === serverId);
    // It does not say for which call: only of one can be said that it is that one.
    const active = calls.length === 1 ? calls[0] : undefined;
    const ask = readAsk(params);
    const message = cleanText(params.message, limits.mcpDescriptionCharactersMax);
    const known = ask === null ? undefined : active?.prepared.get(fingerprint({ message, ask }));
    if (known !== undefined) return asResult(known);
    const { id, tool, args } = active ?? {};
    const call = id === undefined ? null : { id, tool: tool?.name ?? '', args: args ?? null, round: null };
    const elicitation = this.#desk.add(serverId, params, call);
    if (elicitation === null) return { action: 'cancel' };
    const { promise, resolve } = Promise.withResolvers<McpElicitationAnswer>();
    this.#asking.set(elicitation.id, resolve);
    // The connection is lost, its agent goes to sleep, or the server asks no more: nobody waits here any longer. A
    // question whose call is known stays until that has ended (#settle).
    const leave = (): void => {
      if (call === null) this.#desk.remove([elicitation]);
      resolve({ action: 'cancel' });
    };
    signal.addEventListener('abort', leave, { once: true });
    active?.ask(elicitation);
    this.#context.onChange();
    const answer = await promise;
    this.#asking.delete(elicitation.id);
    return asResult(answer);
  }

  async #answerLiving(
    elicitation: McpElicitation,
    answer: McpElicitationAnswer,
    living: (answer: McpElicitationAnswer) => void,
  ): Promise<McpCallOutcome | null> {
    const active = elicitation.call === null ? undefined : this.#active.get(elicitation.call.id);
    this.#desk.remove([elicitation]);
    this.#context.onChange();
    if (active !== undefined && --active.open === 0) this.#startClock(active);
    const waiting = active === undefined ? [] : this.#desk.ofCall(active.id);
    const outcome = active === undefined || waiting.length > 0 ? null : this.#follow(active);
    living(answer);
    return waiting.length > 0 ? { kind: 'waiting', elicitations: waiting } : outcome;
  }

  /** Goes on with a call whose questions are all answered. */
  async #resume(
    serverId: string,
    callId: string,
    answered: readonly McpElicitation[],
    options: McpCallOptions,
  ): Promise<McpCallOutcome> {
    const connection = this.#context.connectionOf(serverId);
    // A server that is not there now must not cost the person's words: they can be said again.
    await connection.ready().catch((error: unknown) => {
      for (const one of answered) this.#desk.keep(one, null);
      throw error;
    });
    // Before the call, not after it: what may act is rather not done than done twice.
    this.#desk.remove(answered);
    this.#context.onChange();
    const call = answered[0]?.call;
    const tool = connection.row.catalogue?.tools.find((one) => one.name === call?.tool);
    if (call == null || tool === undefined) {
      throw new BridgeError('BRG_MCP_UNKNOWN', `${connection.row.name} has no tool ${call?.tool ?? ''} now`);
    }
    const given = answered.map((one) => ({ one, answer: one.answer ?? ({ action: 'cancel' } as const) }));
    const round: RoundInput | null =
      call.round === null
        ? null
        : {
            requestState: call.round.requestState,
            responses: Object.fromEntries(
              given.map(({ one, answer }) => [one.call?.round?.key ?? '', asResult(answer)]),
            ),
          };
    const prepared = new Map(given.map(({ one, answer }) => [fingerprint(one), answer]));
    return this.#begin(callId, connection, { tool, args: call.args, round, prepared }, options);
  }

  async #begin(
    id: string,
    connection: McpConnection,
    call: Pick<ActiveCall, 'tool' | 'args' | 'prepared'> & { readonly round: RoundInput | null },
    { signal, deadlineMs = limits.mcpCallMs }: McpCallOptions,
  ): Promise<McpCallOutcome> {
    signal?.throwIfAborted();
    const { tool, args, prepared, round } = call;
    const ofServer = [...this.#active.values()].filter((one) => one.connection === connection);
    if (ofServer.length >= limits.mcpCallsMax) {
      throw new BridgeError('BRG_MCP_FULL', `${connection.row.name} has ${ofServer.length} calls to answer`);
    }
    const stop = new AbortController();
    const nothing = (): void => undefined;
    const idle = { open: 0, ask: nothing, stopClock: nothing, detach: nothing };
    const active: ActiveCall = {
      ...{ id, connection, tool, args, prepared, stop, ...idle },
      deadlineMs: Math.min(deadlineMs, limits.mcpCallMaxMs),
      run: Promise.reject(new BridgeError('BRG_INTERNAL', 'a call that was not begun')),
    };
    active.run.catch(nothing);
    const abort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    active.detach = () => signal?.removeEventListener('abort', abort);
    this.#active.set(id, active);
    this.#startClock(active);
    active.run = this.#run(active, round).finally(() => {
      active.stopClock();
      active.detach();
      this.#active.delete(id);
    });
    active.run.then(
      (outcome) => this.#settle(id, outcome.kind === 'waiting'),
      // Only the connection was lost: an answer makes the call again.
      (error: unknown) =>
        this.#settle(id, error instanceof BridgeError && error.code === 'BRG_MCP_UNAVAILABLE'),
    );
    return this.#follow(active);
  }

  /** A call has ended: what it asked is of no use any more, unless it `isWaiting` for the answers. */
  #settle(id: string, isWaiting: boolean): void {
    if (!isWaiting) this.#desk.remove(this.#desk.ofCall(id));
    this.#context.onChange();
  }

  /** Until the call ends or waits for a person. */
  #follow(active: ActiveCall): Promise<McpCallOutcome> {
    const { promise, resolve } = Promise.withResolvers<McpCallOutcome>();
    active.ask = (elicitation) => {
      active.open++;
      active.stopClock();
      active.detach();
      resolve({ kind: 'waiting', elicitations: [elicitation] });
    };
    active.run.catch(() => undefined); // whoever follows it last hears of it
    return Promise.race([active.run, promise]);
  }

  async #run(active: ActiveCall, round: RoundInput | null): Promise<McpCallOutcome> {
    const { connection, tool, args, id, stop } = active;
    const answer = await callRound(connection, { tool, args, round, signal: stop.signal });
    if (answer.kind === 'result') return { kind: 'done', result: readToolResult(tool, answer.raw) };
    const { requestState } = answer;
    const elicitations: McpElicitation[] = [];
    for (const [key, params] of answer.questions) {
      const call = { id, tool: tool.name, args, round: { key, requestState } };
      const elicitation = this.#desk.add(connection.row.id, params, call);
      if (elicitation === null) {
        this.#desk.remove(elicitations);
        throw new BridgeError(
          'BRG_MCP_FULL',
          `${connection.row.name} asks more of a person than can be kept`,
        );
      }
      elicitations.push(elicitation);
    }
    this.#context.onChange();
    return { kind: 'waiting', elicitations };
  }

  #startClock(active: ActiveCall): void {
    const { deadlineMs, stop, tool, connection } = active;
    active.stopClock = this.#context.clock.after(deadlineMs, () =>
      stop.abort(
        new BridgeError(
          'BRG_MCP_TIMEOUT',
          `${connection.row.name}: ${tool.name} took longer than ${deadlineMs} ms`,
        ),
      ),
    );
  }
}
