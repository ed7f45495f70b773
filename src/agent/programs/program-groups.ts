import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import { DeviceDesk } from '../device-desk.ts';
import { allTools } from '../device-tools/all-tools.ts';
import { remoteTools } from '../mcp/remote-tools.ts';
import type { ToolGroup } from './program-bindings.ts';

/** What a program may call if nobody says more: `env.device`, the tools of the device, and `env.mcp`, those of trusted MCP servers. */
export function standardGroups(agent: Agent, by: string): ToolGroup[] {
  const desk = agent[PARTS].extension;
  const own = desk instanceof DeviceDesk ? allTools(desk.tools, () => by) : [];
  const groups = [
    { namespace: 'device', tools: own },
    { namespace: 'mcp', tools: remoteTools(agent, { by }) },
  ];
  return groups.filter(({ tools }) => tools.length > 0);
}
