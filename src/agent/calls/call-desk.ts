/**
 * Takes calls of an agent's methods, whatever way they came, and runs each as a turn.
 *
 * I1 Every call gets exactly one last answer: a value, an error, or the end of its stream.
 * I2 A call without stream runs in the device lane, in order with telemetry; a streaming one in the
 *    thought lane, so that telemetry never waits for it.
 * I3 At its deadline a call is answered with an error; the signal of its stream is aborted and later
 *    writes to it go nowhere. Its lane is free from then on, although the method may run on.
 */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError, publicMessage, type ErrorCode } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { limits } from '../../base/limits.ts';
import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import { onBehalfOf, traced } from '../author-code.ts';
import type { AgentConnection } from '../connection.ts';
import { runAs } from '../current-agent.ts';
import { authorMethod, callableOptions, type CallableOptions } from './callable.ts';
import { StreamingResponse, type StreamPart } from './streaming-response.ts';

/** Where the answers of one call go. */
export interface Caller {
  /** Calls of one source count against one limit. */
  readonly source: string;
  readonly callsMax: number;
  /** False: only the last value is wanted, chunks are dropped. */
  readonly wantsChunks: boolean;
  /** On whose behalf the method runs; a readonly one cannot make it set the state. */
  readonly connection?: AgentConnection;
  /** Who calls, as the audit log names it; not needed with a connection. */
  readonly by?: string;
  answer(part: CallAnswer): void;
}

export type CallAnswer =
  | { readonly kind: 'chunk'; readonly value: unknown }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };

interface OpenCall {
  readonly caller: Caller;
  readonly name: string;
  readonly options: CallableOptions;
  readonly abort: AbortController;
  /** Resolves when the call has its last answer. */
  readonly ended: Promise<void>;
  isRunning: boolean;
  /** Undefined: without an answer. */
  end(answer: CallAnswer | undefined): void;
}

export class CallDesk {
  readonly #agent: Agent;
  readonly #context: ActorContext;
  readonly #open = new Map<string, OpenCall>();

  constructor(agent: Agent, context: ActorContext) {
    this.#agent = agent;
    this.#context = context;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Whether a call of this id is under way. */
  isOpen(source: string, id: string): boolean {
    return this.#open.has(`${source} ${id}`);
  }

  /** Runs a call; `id` is the caller's, unique among its open ones. */
  call(caller: Caller, id: string, name: string, args: readonly unknown[]): void | Promise<void> {
    const refusal = this.#refusal(caller, id, name);
    if (refusal !== undefined) {
      const { code, message } = refusal;
      caller.answer({ kind: 'error', code, message });
      const isStreaming = callableOptions(this.#agent, name)?.streaming === true;
      if (channels.rpc.hasSubscribers) this.#tell(caller, name, isStreaming, undefined, refusal);
      return undefined;
    }
    const options = callableOptions(this.#agent, name) ?? {};
    const call = this.#start(caller, id, name, options);
    if (options.streaming !== true) {
      this.#context.turn.ownDeadline();
      return this.#run(call, args);
    }
    this.#context.later(() => this.#run(call, args));
    return undefined;
  }

  /** The caller does not want the answer any more. */
  cancel(source: string, id: string): void {
    this.#open
      .get(`${source} ${id}`)
      ?.end({ kind: 'error', code: 'BRG_ABORTED', message: 'the call was cancelled' });
  }

  /** The source has gone: nobody gets answers. */
  gone(source: string): void {
    for (const call of this.#open.values()) {
      if (call.caller.source === source)
        call.end({ kind: 'error', code: 'BRG_ABORTED', message: 'the caller has gone' });
    }
  }

  /** The agent is given up, and will do again what it had not committed: only calls that run get an answer. */
  abandon({ code, message }: BridgeError): void {
    for (const call of this.#open.values())
      call.end(call.isRunning ? { kind: 'error', code, message } : undefined);
  }

  #refusal(caller: Caller, id: string, name: string): BridgeError | undefined {
    if (this.#agent[PARTS].isHeld) {
      return new BridgeError(
        'BRG_AGENT_HELD',
        'the agent runs without its own code for a while: it failed too often',
      );
    }
    if (callableOptions(this.#agent, name) === undefined) {
      return authorMethod(this.#agent, name) === undefined
        ? new BridgeError('BRG_UNKNOWN_METHOD', `Method ${name} does not exist`)
        : new BridgeError('BRG_UNKNOWN_METHOD', `Method ${name} is not callable`);
    }
    if (this.isOpen(caller.source, id)) {
      return new BridgeError('BRG_BAD_REQUEST', `a call with the id ${id} is open already`);
    }
    let open = 0;
    for (const call of this.#open.values()) if (call.caller.source === caller.source) open++;
    if (open < caller.callsMax) return undefined;
    return new BridgeError('BRG_BUSY', `${open} calls are open on this connection; wait for answers`);
  }

  #start(caller: Caller, id: string, name: string, options: CallableOptions): OpenCall {
    const key = `${caller.source} ${id}`;
    const deadlineMs = options.deadlineMs ?? limits.callDeadlineMs;
    const startedAtMs = this.#context.now();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const call: OpenCall = {
      caller,
      name,
      options,
      abort: new AbortController(),
      ended,
      isRunning: false,
      end: (answer) => {
        // I1: the first end counts.
        if (!this.#open.delete(key)) return;
        cancelTimer();
        // A stream runs after the turn that asked for it, in turns of its own that no replay repeats.
        if (options.streaming === true) this.#context.turn.tellSynced('everything');
        if (answer !== undefined) deliver(caller, answer);
        if (channels.rpc.hasSubscribers) {
          const failed = answer?.kind === 'error' ? answer : undefined;
          this.#tell(caller, name, options.streaming === true, startedAtMs, failed);
        }
        if (answer?.kind === 'error') call.abort.abort(new Error(answer.message));
        resolve();
      },
    };
    const cancelTimer = this.#context.shard.after(deadlineMs, () => {
      const message = `Method ${name} did not answer within ${deadlineMs} ms`;
      call.end({ kind: 'error', code: 'BRG_TIMEOUT', message });
    });
    this.#open.set(key, call);
    return call;
  }

  #run(call: OpenCall, args: readonly unknown[]): void | Promise<void> {
    const schema = call.options.args;
    call.isRunning = true;
    try {
      const checked = schema === undefined ? args : checkArguments(schema, args);
      const running =
        checked instanceof Promise
          ? checked.then((list) => this.#invoke(call, list))
          : this.#invoke(call, checked);
      if (!(running instanceof Promise)) return running;
      // I3: what a method that was given up still throws has been answered already.
      return Promise.race([running.catch((error: unknown) => call.end(failure(error))), call.ended]);
    } catch (error) {
      call.end(failure(error));
    }
    return undefined;
  }

  #invoke(call: OpenCall, args: readonly unknown[]): void | Promise<void> {
    const { caller, name, options } = call;
    const method = authorMethod(this.#agent, name);
    if (method === undefined || call.abort.signal.aborted) return undefined;
    const stream =
      options.streaming === true
        ? new StreamingResponse((part) => relay(call, part), call.abort.signal)
        : undefined;
    const all = stream === undefined ? args : [stream, ...args];
    let result: unknown;
    try {
      // What a callable takes is for its schema and its author to check.
      result = this.#perform(call, () => Reflect.apply(method, this.#agent, all) as unknown);
    } catch (error) {
      // I1: a last answer that the method gave before it threw is taken back with all it did.
      if (stream?.isClosed === true) caller.answer(failure(error));
      else call.end(failure(error));
      return undefined;
    }
    const finish = (value: unknown): void => {
      // A stream that returned without end() has ended all the same.
      if (stream !== undefined) stream.end();
      else call.end({ kind: 'value', value });
    };
    if (result instanceof Promise) return result.then(finish);
    finish(result);
    return undefined;
  }

  #perform(call: OpenCall, method: () => unknown): unknown {
    const { connection, by } = call.caller;
    const run = (): unknown => runAs(this.#agent, connection, method);
    const code = by === undefined ? run : (): unknown => onBehalfOf(this.#agent, by, run);
    return this.#context.attempt(() => traced(this.#agent, `call ${call.name}`, connection, code));
  }

  #tell(
    { source }: Caller,
    name: string,
    streaming: boolean,
    startedAtMs: number | undefined,
    failed: { readonly code: string; readonly message: string } | undefined,
  ): void {
    const durationMs = startedAtMs === undefined ? 0 : this.#context.now() - startedAtMs;
    const method = name.slice(0, limits.eventErrorCharactersMax);
    const facts = { method, source, streaming, durationMs };
    if (failed === undefined) return tell('rpc', this.#context, facts);
    const error = failed.message.slice(0, limits.eventErrorCharactersMax);
    tell('rpc:error', this.#context, { ...facts, code: failed.code, error });
  }
}

/** A method may return what no codec can carry: that, too, is an answer (I1). */
function deliver(caller: Caller, answer: CallAnswer): void {
  try {
    caller.answer(answer);
  } catch (error) {
    caller.answer(unsendable('the result', error));
  }
}

function unsendable(what: string, error: unknown): CallAnswer {
  const why = error instanceof Error ? error.message : String(error);
  return { kind: 'error', code: 'BRG_CALL_FAILED', message: `${what} cannot be sent: ${why}` };
}

function relay(call: OpenCall, part: StreamPart): void {
  const { caller } = call;
  switch (part.kind) {
    case 'chunk':
      try {
        if (caller.wantsChunks) caller.answer(part);
      } catch (error) {
        call.end(unsendable('a chunk', error));
      }
      return;
    case 'end':
      call.end({ kind: 'value', value: part.value });
      return;
    case 'error':
      call.end({ kind: 'error', code: 'BRG_CALL_FAILED', message: part.message });
  }
}

function checkArguments(
  schema: NonNullable<CallableOptions['args']>,
  args: readonly unknown[],
): readonly unknown[] | Promise<readonly unknown[]> {
  const result = schema['~standard'].validate(args);
  return result instanceof Promise ? result.then(checkedValue) : checkedValue(result);
}

function checkedValue(result: {
  value?: readonly unknown[];
  issues?: readonly { message: string }[] | undefined;
}): readonly unknown[] {
  if (result.issues === undefined) return result.value ?? [];
  const reasons = result.issues.map(({ message }) => message).join('; ');
  throw new BridgeError('BRG_CALL_ARGUMENTS', `arguments: ${reasons}`);
}

/** A thrown Error's message is the author's word to the caller (Agents SDK 0.5); its stack is not. */
function failure(error: unknown): CallAnswer {
  if (error instanceof BridgeError) {
    return { kind: 'error', code: error.code, message: publicMessage(error) };
  }
  const message = error instanceof Error ? error.message : 'Unknown error occurred';
  return { kind: 'error', code: 'BRG_CALL_FAILED', message };
}
