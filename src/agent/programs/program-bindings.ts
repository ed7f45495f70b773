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
import { sha256Of } from '../device-tools/binding.ts';
import type { DeviceTool } from '../device-tools/device-tool.ts';
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

/** What the calls of one run have to do with people. */
export interface CallLedger {
  /** Who consented to the call of this number, as the audit log names people. */
  approversOf(sequence: number): string;
  /** The call of this number waits for people. */
  waits(sequence: number, terms: ConsentTerms): void;
}

/** The tools of a run, with `catalog.search` and `catalog.describe` when they are many. */
export function bindingsOf(groups: readonly ToolGroup[], ledger: CallLedger): ToolBinding[] {
  const bindings = groups.flatMap(({ namespace, tools }) => {
    const taken = new Set<string>();
    return tools.map((tool) => bindingOf(namespace, identifier(tool.name, taken), tool, ledger));
  });
  return needsCatalog(bindings) ? [...bindings, ...catalogTools(bindings)] : bindings;
}

function bindingOf(namespace: string, name: string, tool: Tool, ledger: CallLedger): ToolBinding {
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
  const binding = sha256Of({ tool: tool.name, arguments: input });
  const approval = isApproved ? { approval: { binding, by: ledger.approversOf(sequence) } } : {};
  const answer = await tool.run(input, { signal, ...approval });
  if (!isJsonObject(answer) || answer['outcome'] !== 'needs-approval')
    return { kind: 'value', value: answer };
  ledger.waits(sequence, termsOf(tool.decide(input)));
  return { kind: 'approval', reason: String(answer['explanation']) };
}

function termsOf(decision: ReturnType<DeviceTool['decide']>): ConsentTerms {
  const persons = 'persons' in decision && decision.persons === 2 ? 2 : 1;
  const ttlMs = 'ttlMs' in decision && typeof decision.ttlMs === 'number' ? decision.ttlMs : undefined;
  return { persons, ttlMs };
}

function isDeviceTool(tool: Tool): tool is DeviceTool {
  return 'decide' in tool && 'run' in tool;
}

/** Names of MCP tools may hold dashes and dots; no two become one. */
function identifier(name: string, taken: Set<string>): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_$]/g, '_').replace(/^(?=[0-9])/, '_');
  let free = plain;
  for (let i = 2; taken.has(free); i++) free = `${plain}_${i}`;
  taken.add(free);
  return free;
}
