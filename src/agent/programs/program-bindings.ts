/** Tools as a program calls them: `env.<namespace>.<name>(args)`. What needs a person's consent pauses the program. */
import {
  catalogTools,
  needsCatalog,
  type Json,
  type Tool,
  type ToolAnswer,
  type ToolBinding,
  type ToolCallContext,
} from '../../tools/index.ts';
import { bindingOf } from '../device-tools/binding.ts';
import { isDeviceTool, type ToolApproval } from '../device-tools/device-tool.ts';
import type { PolicyDecision } from '../device-tools/policy.ts';
import { isJsonObject } from '../merge-patch.ts';

/** Tools under one name of `env`. */
export interface ToolGroup {
  /** An identifier, e.g. `device`. */
  readonly namespace: string;
  readonly tools: readonly Tool[];
}

/** What a call that waits for people needs of them. */
export interface ConsentTerms {
  readonly persons: 1 | 2;
  readonly ttlMs: number | undefined;
}

/** Whose consent it is, as the audit log names people. */
export type CallConsent = Omit<ToolApproval, 'binding'>;

/** What the calls of one run have to do with people. */
export interface CallLedger {
  /** People's consent to the call of this number. */
  consentTo(sequence: number): CallConsent;
  /** The call of this number waits for people. */
  waits(sequence: number, terms: ConsentTerms): void;
}

/** The tools of a run, with `catalog.search` and `catalog.describe` when they are many. */
export function bindingsOf(groups: readonly ToolGroup[], ledger: CallLedger): ToolBinding[] {
  const bindings = groups.flatMap(({ namespace, tools }) => {
    const taken = new Set<string>();
    return tools.map((tool) => toolBinding(namespace, identifier(tool.name, taken), tool, ledger));
  });
  return needsCatalog(bindings) ? [...bindings, ...catalogTools(bindings)] : bindings;
}

/** The same tools, to be declared or looked at: nobody calls them. */
export function declaredOf(groups: readonly ToolGroup[]): ToolBinding[] {
  return bindingsOf(groups, { consentTo: () => ({ by: 'nobody' }), waits: () => undefined });
}

function toolBinding(namespace: string, name: string, tool: Tool, ledger: CallLedger): ToolBinding {
  const { description, inputSchema, outputSchema } = tool;
  return {
    ...{ namespace, name, description, inputSchema },
    ...(outputSchema === undefined ? {} : { outputSchema }),
    call: (args, context) => call(tool, args, context, ledger),
  };
}

async function call(
  tool: Tool,
  args: Json,
  { signal, sequence, isApproved }: ToolCallContext,
  ledger: CallLedger,
): Promise<ToolAnswer> {
  if (!isDeviceTool(tool)) return { kind: 'value', value: await tool.execute(args, { signal }) };
  const input = args ?? {};
  const binding = bindingOf(tool.name, input);
  const approval = isApproved ? { approval: { binding, ...ledger.consentTo(sequence) } } : {};
  const answer = await tool.run(input, { signal, ...approval });
  if (!isJsonObject(answer) || answer['outcome'] !== 'needs-approval')
    return { kind: 'value', value: answer };
  ledger.waits(sequence, termsOf(tool.decide(input)));
  return { kind: 'approval', reason: String(answer['explanation']) };
}

/** What it asked for has been answered, so the policy says now what it said then, or that nobody need be asked any more. */
function termsOf(decision: PolicyDecision): ConsentTerms {
  if (decision.decision !== 'needs-approval') return { persons: 1, ttlMs: undefined };
  const { persons, ttlMs } = decision;
  return { persons, ttlMs };
}

/** Names of MCP tools may hold dashes and dots; no two become one. */
function identifier(name: string, taken: Set<string>): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_$]/g, '_').replace(/^(?=[0-9])/, '_');
  let free = plain;
  for (let i = 2; taken.has(free); i++) free = `${plain}_${i}`;
  taken.add(free);
  return free;
}
