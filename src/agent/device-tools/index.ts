/**
 * What a model, a program or an MCP client may do with one device: tools made from its definition, a risk policy that
 * stands outside of the model, and answers that say `done` only when the device's own data shows it. docs/thinking.md
 */
import { BridgeError } from '../../base/errors.ts';
import { PARTS } from '../agent-parts.ts';
import { askedBy } from '../author-code.ts';
import type { DeviceAgent } from '../device-agent.ts';
import { DeviceDesk } from '../device-desk.ts';
import { allTools } from './all-tools.ts';
import type { DeviceTool } from './device-tool.ts';

export { isDeviceTool } from './device-tool.ts';
export type { ApprovalRequest, DeviceTool, ToolApproval, ToolRunOptions } from './device-tool.ts';
export type { ActionOutcome, OutcomeWord } from './outcome.ts';
export type { PolicyDecision } from './policy.ts';

/**
 * The tools of one device. Call them from where no device turn waits: a chat, a job, a fiber, a streaming method.
 * @param options `by`: who asks, as the audit log names it; default: whoever the agent's code runs for at each call
 * @throws BridgeError BRG_DEFINITION when the class's `static policy` is not valid, BRG_INTERNAL for an agent without a desk
 */
export function deviceTools(agent: DeviceAgent, options: { readonly by?: string } = {}): DeviceTool[] {
  const desk = agent[PARTS].extension;
  if (!(desk instanceof DeviceDesk)) throw new BridgeError('BRG_INTERNAL', 'the agent has no device');
  const bench = desk.tools;
  const by = (): string => options.by ?? askedBy(agent);
  return allTools(bench, by);
}
