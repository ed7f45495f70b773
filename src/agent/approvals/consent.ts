import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import type { DeviceTool } from '../device-tools/device-tool.ts';
import { remoteTools } from '../mcp/remote-tools.ts';
import { Programs } from '../programs/programs.ts';
import { ApprovedCalls } from './approved-calls.ts';
import { Approvals } from './approvals.ts';

/** What an agent has for the consent of people, and what waits for it; most agents need none of it. */
export class Consent {
  readonly approvals: Approvals;
  readonly calls: ApprovedCalls;
  readonly programs: Programs;

  /** Who asked hears of it from then on: the chat of its own calls, programs of theirs, the bridge of those it runs. */
  constructor(agent: Agent) {
    const parts = agent[PARTS];
    const approvals = new Approvals(parts.context, parts.outbound, () => parts.rearm());
    const toolOf = (name: string, by: string): DeviceTool | undefined =>
      parts.extension?.tool?.(name, by) ?? remoteTools(agent, { by }).find((tool) => tool.name === name);
    const calls = new ApprovedCalls(parts, approvals, toolOf);
    approvals.onDecided('tool', ({ id, status, runBy }) => {
      if (status === 'approved' && runBy === 'bridge') calls.start(id);
    });
    const programs = new Programs(agent, parts);
    approvals.onDecided('program', (approval) => programs.decided(approval));
    parts.chat?.joinApprovals(approvals, calls);
    this.approvals = approvals;
    this.calls = calls;
    this.programs = programs;
  }

  wake(): void {
    this.calls.wake();
    this.programs.wake();
  }

  stop(): void {
    this.calls.stop();
    this.programs.stop();
  }

  /** What keeps the agent in memory, for people. */
  heldBy(): string | undefined {
    if (this.programs.isBusy) return 'a program is under way';
    return this.calls.isBusy ? 'an approved call is under way' : undefined;
  }
}
