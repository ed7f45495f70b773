/** What the API asks of every agent, device or not: its chat, its approvals, what it will do later. docs/design/requests.md */
import { BridgeError } from '../base/errors.ts';
import type { AgentParts } from './agent-parts.ts';
import { answerApprovalRequest, isAboutApprovals } from './approvals/index.ts';
import type { ChatDesk } from './chat/chat-desk.ts';
import type { Schedule } from './jobs/index.ts';
import { answerMcpRequest, isAboutMcp } from './mcp/index.ts';
import { answerProgramRequest, answerProgramsRequest } from './programs/index.ts';

/** An answer, or `LATER`; undefined for what the kind of the agent answers. @throws BridgeError */
export function answerAgentRequest(parts: AgentParts, request: number, name: string, body: unknown): unknown {
  if (isAboutApprovals(name)) return answerApprovalRequest(parts.approvals, name, body);
  if (isAboutMcp(name)) return answerMcpRequest(parts, request, name, body);
  switch (name) {
    case 'messages':
      return { messages: chatOf(parts).list() };
    case 'ask':
      return chatOf(parts).questions.ask(request, body);
    case 'programs':
      return answerProgramsRequest(parts.programs);
    case 'program':
      return answerProgramRequest(parts.programs, body as { run: string }); // checked by the gateway's path
    case 'schedules':
      return { items: parts.work.schedules.getSchedules().map(described) };
    case 'cancelSchedule':
      return cancelSchedule(parts, body as { scheduleId: string; by?: string }); // checked by the gateway's schema
    default:
      return undefined;
  }
}

function chatOf(parts: AgentParts): ChatDesk {
  const { chat } = parts;
  if (chat !== undefined) return chat;
  if (parts.isHeld) {
    throw new BridgeError(
      'BRG_AGENT_HELD',
      'the agent runs without its own code for a while: it failed too often',
    );
  }
  throw new BridgeError('BRG_NOT_FOUND', `${parts.context.address.model} does not chat`);
}

/** Times as everywhere in the API. */
function described({ time, ...schedule }: Schedule): object {
  return { ...schedule, nextAtMs: time };
}

function cancelSchedule(
  parts: AgentParts,
  { scheduleId, by = 'api' }: { scheduleId: string; by?: string },
): object {
  const { context, work } = parts;
  const schedule = work.schedules.getSchedule(scheduleId);
  if (schedule === undefined)
    throw new BridgeError(
      'BRG_UNKNOWN_SCHEDULE',
      `no schedule ${JSON.stringify(scheduleId)}; it may have run`,
    );
  work.schedules.cancelSchedule(scheduleId);
  const { callback, payload } = schedule;
  const id = `${context.effectId()}.schedule`;
  const detail = { callback, payload };
  context.audit({ id, kind: 'schedule', event: 'cancelled', subject: scheduleId, by, detail });
  return {};
}
