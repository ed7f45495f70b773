/** Whose code runs now: a helper far from the agent can ask for it, as in the Agents SDK 0.5. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agent } from './agent.ts';
import type { AgentConnection } from './connection.ts';

export interface CurrentAgent<A extends Agent = Agent> {
  /** Undefined outside of hooks, callables and jobs. */
  readonly agent: A | undefined;
  /** The connection on whose behalf the code runs. */
  readonly connection: AgentConnection | undefined;
  /** The SDK names the HTTP request here; calls over HTTP have no author's request object. */
  readonly request: undefined;
}

const NOBODY: CurrentAgent = Object.freeze({ agent: undefined, connection: undefined, request: undefined });

// Node keeps one value per asynchronous flow: nothing here is shared between agents.
const flow = new AsyncLocalStorage<CurrentAgent>();

/** The agent, and the connection, for which the caller runs; also after an `await` in it. */
export function getCurrentAgent<A extends Agent = Agent>(): CurrentAgent<A> {
  return (flow.getStore() ?? NOBODY) as CurrentAgent<A>; // the caller knows its class, as in the SDK
}

/** Runs an author's code as this agent, on behalf of `connection`. */
export function runAs<T>(agent: Agent, connection: AgentConnection | undefined, code: () => T): T {
  return flow.run({ agent, connection, request: undefined }, code);
}
