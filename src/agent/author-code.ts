/** Around an author's code: the span it runs in, and on whose behalf it runs when no connection says so. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { addressKey } from '../base/address.ts';
import { activeTracer, inSpan } from '../base/tracing.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { authorMethod } from './calls/callable.ts';
import type { AgentConnection } from './connection.ts';
import { getCurrentAgent } from './current-agent.ts';

interface Behalf {
  readonly agent: Agent;
  readonly by: string;
}

// One value per asynchronous flow, as in current-agent.ts.
const flow = new AsyncLocalStorage<Behalf>();

/**
 * Runs `code` in a span `mooring.<part>`, once an OpenTelemetry SDK is registered; hooks the author did not
 * write have none.
 * @param part the hook's name, or what runs and its name: `call add`, `job poll`, `rule hot`
 */
export function traced<T>(
  agent: Agent,
  part: string,
  connection: AgentConnection | undefined,
  code: () => T,
): T {
  const tracer = activeTracer();
  if (tracer === undefined || !isAuthored(agent, part)) return code();
  const { address } = agent[PARTS].context;
  const attributes = {
    'mooring.agent': addressKey(address),
    'mooring.agent.model': address.model,
    'mooring.agent.id': address.id,
    ...(connection === undefined ? {} : { 'mooring.connection': connection.id }),
  };
  return inSpan(tracer, `mooring.${part}`, attributes, code);
}

function isAuthored(agent: Agent, part: string): boolean {
  return part.includes(' ') || Object.hasOwn(agent, part) || authorMethod(agent, part) !== undefined;
}

/** Runs code of the agent that `by` asked for: a name as the audit log has it. */
export function onBehalfOf<T>(agent: Agent, by: string, code: () => T): T {
  return flow.run({ agent, by }, code);
}

/** Who asked for what the agent's code does now, as the audit log names it; `agent` when nobody else did. */
export function askedBy(agent: Agent): string {
  const current = getCurrentAgent();
  if (current.agent !== agent) return 'agent';
  const { connection } = current;
  if (connection !== undefined) return `connection:${connection.user ?? connection.id}`;
  const behalf = flow.getStore();
  return behalf?.agent === agent ? behalf.by : 'agent';
}
