/**
 * The host's side of the tools of ONE run: a map of what this run may call. A program names a namespace and a tool;
 * nothing it sends is ever a URL, a header or a path, and no name it sends is looked up on an object.
 * Invariants: T1 what is not in the map does not exist. T2 arguments that do not fit the schema never reach a tool.
 * T3 a tool's error text reaches the program cut and redacted.
 */
import type { Clock } from '../../base/clock.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { toJson, type Json } from './hostile-json.ts';
import type { Redactor } from './redact.ts';
import { checkAgainstSchema, type JsonSchema } from './schema-check.ts';

/** What a tool says to a call. `approval`: it was not done, a person must agree first; the run ends as `paused`. */
export type ToolAnswer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'approval'; readonly reason: string };

export interface ToolCallContext {
  /** Aborted at the call's deadline and when the run ends. */
  readonly signal: AbortSignal;
  /** Number of the call within its run, from 0; the same in a replay. */
  readonly sequence: number;
  /** Whether a person agreed to this very call (program, sequence, tool, arguments). */
  readonly isApproved: boolean;
}

/** One tool a run may call. */
export interface ToolBinding {
  /** Identifier of its server or group, e.g. `device`. */
  readonly namespace: string;
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  /** Calls per time that are answered; further ones get the error `rate-limited`. */
  readonly rate?: { readonly callsMax: number; readonly perMs: number };
  /** Anything JSON takes is an answer's value; what it throws becomes an error the program can catch. */
  call(args: Json, context: ToolCallContext): Promise<ToolAnswer> | ToolAnswer;
}

/** An answer as it goes to the program: redacted, within its limit. */
export type CallAnswer =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

export type HostAnswer = CallAnswer | { readonly kind: 'approval'; readonly reason: string };

export interface HostCallOptions {
  readonly clock: Clock;
  readonly redactor: Redactor;
  readonly callMs: number;
  readonly answerBytesMax: number;
  readonly sequence: number;
  readonly isApproved: boolean;
  readonly signal: AbortSignal;
}

const SCHEMA_BYTES_MAX = 256 * 1024;
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]{0,127}$/;
/** Names that mean something else to a program: an object with `then` is awaited. */
const RESERVED = new Set(['then', 'constructor', 'prototype', '__proto__', 'toString', 'valueOf', 'toJSON']);

/** The tools of a run, by namespace and name. */
export class ToolHost {
  readonly #tools = new Map<string, Map<string, ToolBinding>>();
  readonly #windows = new Map<ToolBinding, { sinceMs: number; calls: number }>();

  /** @throws BRG_BAD_REQUEST for two tools of one name, a name that is no identifier, a schema beyond its limits, or too many tools */
  constructor(tools: readonly ToolBinding[]) {
    if (tools.length > limits.programToolsMax) throw refuse(`more than ${limits.programToolsMax} tools`);
    for (const tool of tools) this.#add(tool);
  }

  /** Namespaces with the names of their tools, in the order given. */
  get names(): readonly (readonly [namespace: string, names: readonly string[]])[] {
    return [...this.#tools].map(([namespace, tools]) => [namespace, [...tools.keys()]] as const);
  }

  #add(tool: ToolBinding): void {
    for (const name of [tool.namespace, tool.name]) {
      if (!IDENTIFIER.test(name) || RESERVED.has(name))
        throw refuse(`${JSON.stringify(name)} is no name of a tool`);
    }
    const schema = toJson(tool.inputSchema, SCHEMA_BYTES_MAX);
    if (!schema.ok) throw refuse(`the schema of ${tool.namespace}.${tool.name}: ${schema.why}`);
    const tools = this.#tools.get(tool.namespace) ?? new Map<string, ToolBinding>();
    if (tools.has(tool.name)) throw refuse(`there are two tools ${tool.namespace}.${tool.name}`);
    this.#tools.set(tool.namespace, tools.set(tool.name, tool));
  }

  /** Checks and makes one call. Never rejects; returns within `callMs`. */
  async call(namespace: string, name: string, args: Json, options: HostCallOptions): Promise<HostAnswer> {
    const tool = this.#tools.get(namespace)?.get(name);
    if (tool === undefined)
      return {
        kind: 'error',
        code: 'unknown-tool',
        message: `there is no tool ${namespace}.${name}`.slice(0, 300),
      };
    const problems = checkAgainstSchema(args, tool.inputSchema);
    if (problems.length > 0) {
      const message = cut(`${namespace}.${name} does not take these arguments: ${problems.join('; ')}`);
      return { kind: 'error', code: 'bad-arguments', message: options.redactor.text(message) };
    }
    if (!this.#admits(tool, options.clock.now())) {
      return { kind: 'error', code: 'rate-limited', message: `${namespace}.${name} was called too often` };
    }
    return cleanAnswer(await answerInTime(tool, args, options), options);
  }

  #admits(tool: ToolBinding, nowMs: number): boolean {
    if (tool.rate === undefined) return true;
    const window = this.#windows.get(tool);
    if (window === undefined || nowMs - window.sinceMs >= tool.rate.perMs) {
      this.#windows.set(tool, { sinceMs: nowMs, calls: 1 });
      return true;
    }
    return ++window.calls <= tool.rate.callsMax;
  }
}

function refuse(why: string): BridgeError {
  return new BridgeError('BRG_BAD_REQUEST', `these tools cannot be offered to a program: ${why}`);
}

async function answerInTime(tool: ToolBinding, args: Json, options: HostCallOptions): Promise<ToolAnswer> {
  const { clock, callMs, sequence, isApproved } = options;
  const deadline = new AbortController();
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const late = Promise.withResolvers<ToolAnswer>();
  const message = `${tool.namespace}.${tool.name} gave no answer within ${callMs} ms`;
  const cancel = clock.after(callMs, () => {
    late.resolve({ kind: 'error', code: 'timeout', message });
    deadline.abort();
  });
  const ended = (): void => late.resolve({ kind: 'error', code: 'cancelled', message: 'the run has ended' });
  options.signal.addEventListener('abort', ended, { once: true });
  try {
    return await Promise.race([attempt(tool, args, { signal, sequence, isApproved }), late.promise]);
  } finally {
    cancel();
    options.signal.removeEventListener('abort', ended);
  }
}

async function attempt(tool: ToolBinding, args: Json, context: ToolCallContext): Promise<ToolAnswer> {
  try {
    const answer: unknown = await tool.call(args, context);
    if (isAnswer(answer)) return answer;
    return { kind: 'error', code: 'tool-failed', message: 'the tool gave no answer' };
  } catch (error) {
    if (error instanceof BridgeError) return { kind: 'error', code: error.code, message: error.message };
    return {
      kind: 'error',
      code: 'tool-failed',
      message: error instanceof Error ? error.message : String(error),
    };
  }
}

/** A tool may be an author's, in JavaScript. */
function isAnswer(answer: unknown): answer is ToolAnswer {
  if (typeof answer !== 'object' || answer === null || !('kind' in answer)) return false;
  const { kind } = answer;
  if (kind === 'value') return 'value' in answer;
  if (kind === 'approval') return 'reason' in answer && typeof answer.reason === 'string';
  return (
    kind === 'error' &&
    'code' in answer &&
    typeof answer.code === 'string' &&
    'message' in answer &&
    typeof answer.message === 'string'
  );
}

function cleanAnswer(answer: ToolAnswer, { redactor, answerBytesMax }: HostCallOptions): HostAnswer {
  if (answer.kind === 'approval') return { kind: 'approval', reason: cut(redactor.text(answer.reason)) };
  if (answer.kind === 'error') {
    return { kind: 'error', code: answer.code.slice(0, 64), message: cut(redactor.text(answer.message)) };
  }
  const json = toJson(answer.value, answerBytesMax);
  if (!json.ok)
    return {
      kind: 'error',
      code: 'bad-answer',
      message: `the tool's answer cannot be passed on: ${json.why}; ask for less`,
    };
  return { kind: 'value', value: redactor.json(json.value) };
}

/** `text` within the limit of an error's text, never half a character of two. */
export function cut(text: string): string {
  if (text.length <= limits.programErrorCharactersMax) return text;
  return `${text.slice(0, limits.programErrorCharactersMax - 1).toWellFormed()}…`;
}
