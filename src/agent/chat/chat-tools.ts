/**
 * The bridge's tools as the AI SDK wants them. A call that needs consent becomes its approval flow: the call is asked
 * about, the turn ends, and the bridge, not the SDK, runs the call when people approve.
 */
import type { ToolSet } from 'ai';
import { BridgeError } from '../../base/errors.ts';
import type { Tool } from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import type { DeviceAgent } from '../device-agent.ts';
import { deviceTools, isDeviceTool, type DeviceTool } from '../device-tools/index.ts';
import { chatFailure } from './chat-failure.ts';

/** What the SDK says of a call. */
interface CallFacts {
  readonly toolCallId: string;
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * The tools of a device for `streamText` of its own `onChatMessage`: `tools: { ...(await chatTools(this)), mine }`. What
 * the policy does not allow by itself waits for people, for days if it has to. docs/approvals.md
 * Rejects with BridgeError BRG_DEFINITION (a policy that is wrong), BRG_INTERNAL for an agent without a desk.
 */
export async function chatTools(agent: DeviceAgent): Promise<ToolSet> {
  return toolSetOf(agent, deviceTools(agent, { by: 'chat' }));
}

/** @param tools of the bridge: those of a device may need consent */
export async function toolSetOf(agent: Agent, tools: readonly Tool[]): Promise<ToolSet> {
  // Loaded with the first question: most bridges are asked nothing.
  const { dynamicTool, jsonSchema } = await import('ai');
  return Object.fromEntries(
    tools.map((tool) => {
      const { name, description } = tool;
      // A schema of ours is JSON Schema; what fits it is checked by the tool itself.
      const inputSchema = jsonSchema(tool.inputSchema as Parameters<typeof jsonSchema>[0]);
      const execute = (input: unknown, facts: CallFacts): Promise<unknown> =>
        execution(agent, tool, input, facts);
      const needsApproval = (input: unknown, { toolCallId }: CallFacts): boolean =>
        isDeviceTool(tool) && needsConsent(agent, tool, input, toolCallId);
      return [name, dynamicTool({ description, inputSchema, execute, needsApproval })];
    }),
  );
}

function execution(
  agent: Agent,
  tool: Tool,
  input: unknown,
  { toolCallId, abortSignal }: CallFacts,
): Promise<unknown> {
  // A client may go on by itself as soon as it has approved: the call runs once all the same.
  const approved = agent[PARTS].chat?.approvals.outcomeOf(toolCallId);
  const signal = abortSignal ?? new AbortController().signal;
  return (approved ?? tool.execute(input, { signal, toolCallId })).catch((error: unknown) => {
    throw signal.aborted ? error : toldFailure(error);
  });
}

/** The SDK tells a model an error as text: this one as the chat tells it, by its code. */
function toldFailure(error: unknown): Error {
  const { code, text } = chatFailure(error);
  const told = new Error(text.slice(`${code}: `.length), { cause: error });
  told.name = code;
  return told;
}

function needsConsent(agent: Agent, tool: DeviceTool, input: unknown, toolCallId: string): boolean {
  try {
    const decision = tool.decide(input);
    if (decision.decision !== 'needs-approval') return false;
    agent[PARTS].chat?.approvals.expect(toolCallId, decision);
    return true;
  } catch (error) {
    // Arguments that do not fit: running it says so, and does nothing.
    if (error instanceof BridgeError) return false;
    throw error;
  }
}
