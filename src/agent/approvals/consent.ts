import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import type { DeviceTool } from '../device-tools/device-tool.ts';
import { remoteTools } from '../mcp/remote-tools.ts';
import { ApprovedCalls } from './approved-calls.ts';
import { Approvals } from './approvals.ts';

/** What an agent has for the consent of people; most agents need none of it. */
export interface Consent {
  readonly approvals: Approvals;
  readonly calls: ApprovedCalls;
}

/** Who asked hears of it from then on: the chat of its own calls, the bridge of those it runs. */
export function makeConsent(agent: Agent): Consent {
  const parts = agent[PARTS];
  const approvals = new Approvals(parts.context, parts.outbound, () => parts.rearm());
  const toolOf = (name: string, by: string): DeviceTool | undefined =>
    parts.extension?.tool?.(name, by) ?? remoteTools(agent, { by }).find((tool) => tool.name === name);
  const calls = new ApprovedCalls(parts, approvals, toolOf);
  approvals.onDecided('tool', ({ id, status, runBy }) => {
    if (status === 'approved' && runBy === 'bridge') calls.start(id);
  });
  parts.chat?.joinApprovals(approvals, calls);
  return { approvals, calls };
}
