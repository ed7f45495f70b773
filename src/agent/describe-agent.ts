/** What the API asks of any agent, whether it is a device or not. */
import type { ActorContext } from '../actor/index.ts';
import type { AgentParts } from './agent-parts.ts';

/** The part of `describe` that every agent has (docs/design/requests.md). `receivedAtMs`: when it was asked. */
export function agentFacts(
  context: ActorContext,
  state: unknown,
  receivedAtMs: number = context.now(),
): Record<string, unknown> {
  return {
    ...context.address,
    presence: context.presence,
    lastSeen: context.lastSeenMs,
    state: state ?? null,
    // Asking wakes it; what counts is whether it was awake when it was asked.
    awake: context.wokeAtMs < receivedAtMs,
    messages: context.messages,
    rejected: context.rejected,
    connections: context.connections().length,
  };
}

/** Deletes everything of the agent and closes its connections. */
export function forgetAgent(parts: AgentParts, body: unknown): object {
  const { by = 'api' } = body as { by?: string }; // docs/design/requests.md
  parts.destroy('the agent was forgotten', by);
  return {};
}
