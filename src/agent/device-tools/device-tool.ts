/** What every tool of a device is, and how it is made: its input is checked before anything else. */
import { BridgeError } from '../../base/errors.ts';
import { checkedBinding } from './binding.ts';
import { checkAgainstSchema, type Json, type JsonSchema, type Tool } from '../../tools/index.ts';
import type { Action } from './action-gate.ts';
import type { PolicyDecision } from './policy.ts';
import type { ToolBench } from './tool-bench.ts';

export type Input = { readonly [key: string]: Json };

/** A person's consent to one call. */
export interface ToolApproval {
  /** `approval.binding` of the outcome that asked for it: this tool with these arguments, and no other. */
  readonly binding: string;
  /** Who consented, as the audit log names people. */
  readonly by: string;
  /** When they were asked, ms since epoch: "in ten minutes" counts from then. Undefined: just now. */
  readonly askedAtMs?: number | undefined;
}

/** How a tool of a device is run. */
export interface ToolRunOptions {
  /** Ends the waiting; what was sent stands. */
  readonly signal: AbortSignal;
  /** Undefined: nobody consented. */
  readonly approval?: ToolApproval;
  /** A call that needs consent is a question to people at once, and runs by itself when they approve. */
  readonly asksPeople?: boolean;
}

/** A tool of one device. `execute` is `run` without an approval. */
export interface DeviceTool extends Tool {
  /** It may change something: the policy is asked before it runs. */
  readonly isActing: boolean;
  /** What the policy would say to this call now; nothing happens. @throws BridgeError BRG_BAD_REQUEST */
  decide(input: unknown): PolicyDecision;
  /** Resolves and rejects as `execute` does. */
  run(input: unknown, options: ToolRunOptions): Promise<unknown>;
}

/** Whether it is one: a tool that may need consent. */
export function isDeviceTool(tool: Tool): tool is DeviceTool {
  return 'decide' in tool && 'run' in tool;
}

/** What a call that needs consent answers: all that is needed to ask a person, and to run it then. */
export interface ApprovalRequest {
  readonly tool: string;
  readonly arguments: Input;
  /** Names this tool with these arguments. */
  readonly binding: string;
  /** Of the question, when people are asked. */
  readonly id?: string;
}

interface ToolData {
  readonly name: string;
  readonly description: string;
  readonly properties: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly outputSchema: JsonSchema;
}

export interface ReadSpec extends ToolData {
  read(input: Input): unknown;
}

export interface ActSpec extends ToolData {
  readonly isDestructive?: boolean;
  readonly isIdempotent?: boolean;
  /**
   * What the call would do. @throws BridgeError when it cannot be done, whatever the policy says
   * @param askedAtMs when it was asked for, ms since epoch
   */
  plan(input: Input, askedAtMs: number): Pick<Action, 'targets' | 'later'>;
  /** The policy allows it: begins at once, in a function that is not async, and may answer later. `action` is for the audit log. */
  act(input: Input, action: Action, signal: AbortSignal): unknown;
}

export function readTool(spec: ReadSpec): DeviceTool {
  const inputSchema = schemaOf(spec);
  const run = (input: unknown): Promise<unknown> =>
    settled(() => spec.read(checked(spec.name, input, inputSchema)));
  const { name, description, outputSchema } = spec;
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const decision = { decision: 'allow' } as const;
  return {
    name,
    description,
    inputSchema,
    outputSchema,
    annotations,
    isActing: false,
    decide: () => decision,
    run,
    execute: run,
  };
}

/** @param askedBy who asks, as the audit log names it */
export function actTool(bench: ToolBench, spec: ActSpec, askedBy: () => string): DeviceTool {
  const inputSchema = schemaOf(spec);
  const { name, description, outputSchema, isDestructive = false, isIdempotent = false } = spec;
  const actionOf = (input: Input, approval?: ToolApproval): Action => {
    const by = askedBy();
    const askedAtMs = approval?.askedAtMs ?? bench.desk.context.now();
    return { tool: name, input, by, approvedBy: approval?.by, askedAtMs, ...spec.plan(input, askedAtMs) };
  };
  const begin = (raw: unknown, { signal, approval, asksPeople }: ToolRunOptions): unknown => {
    signal.throwIfAborted();
    const input = checked(name, raw, inputSchema);
    const binding = checkedBinding(name, input, approval);
    const action = actionOf(input, approval);
    bench.effects.assertRoom();
    const passed = bench.gate.pass(action, () => spec.act(input, action, signal));
    if ('done' in passed) return passed.done;
    const { decision, explanation } = passed.answer;
    if (passed.answer.decision === 'refuse') return { outcome: 'refused', explanation };
    const request: ApprovalRequest = { tool: name, arguments: input, binding };
    if (asksPeople === true) {
      const id = bench.askPeople(request, passed.answer, action.by);
      return {
        outcome: decision,
        explanation: `${explanation}. People are asked.`,
        approval: { ...request, id },
      };
    }
    return { outcome: decision, explanation: `${explanation}. Nothing was done yet.`, approval: request };
  };
  const run = (raw: unknown, options: ToolRunOptions): Promise<unknown> => settled(() => begin(raw, options));
  return {
    name,
    description,
    inputSchema,
    outputSchema,
    annotations: {
      readOnlyHint: false,
      destructiveHint: isDestructive,
      idempotentHint: isIdempotent,
      openWorldHint: false,
    },
    isActing: true,
    decide: (raw) => bench.gate.decide(actionOf(checked(name, raw, inputSchema))),
    run,
    execute: run,
  };
}

/** A promise of what `work` does at once: answers, promises, or throws. */
function settled(work: () => unknown): Promise<unknown> {
  return new Promise((resolve) => resolve(work()));
}

function schemaOf({ properties, required = [] }: ToolData): JsonSchema {
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** @throws BridgeError BRG_BAD_REQUEST that says what is wrong and what would be right */
function checked(tool: string, raw: unknown, schema: JsonSchema): Input {
  const input = (raw ?? {}) as Json; // whatever it is, the schema looks at all of it
  const problems = checkAgainstSchema(input, schema);
  if (problems.length === 0) return structuredClone(input) as Input; // the schema says that it is an object
  throw new BridgeError('BRG_BAD_REQUEST', `${tool}: ${problems.join('; ')}`);
}
