/** Whose code runs now: a helper far from the agent can ask for it, as in the Agents SDK 0.5. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import type { AgentConnection } from './connection.ts';
import type { FiberScope } from './fibers/index.ts';

/** For whom code runs: what `getCurrentAgent` answers. */
export interface CurrentAgent<A extends Agent = Agent> {
  /** Undefined outside of hooks, callables and jobs. */
  readonly agent: A | undefined;
  /** The connection on whose behalf the code runs. */
  readonly connection: AgentConnection | undefined;
  /** The HTTP request that `onRequest` answers; calls over HTTP have none. */
  readonly request: Request | undefined;
}

/** What a flow carries besides: its fiber, and the journaled message its turn handles (0: none). */
interface Flow extends CurrentAgent {
  readonly agent: Agent;
  readonly scope?: FiberScope;
  readonly sequence: number;
}

const NOBODY: CurrentAgent = Object.freeze({ agent: undefined, connection: undefined, request: undefined });

// Node keeps one value per asynchronous flow: nothing here is shared between agents.
const flow = new AsyncLocalStorage<Flow>();

/** The agent, and the connection, for which the caller runs; also after an `await` in it. */
export function getCurrentAgent<A extends Agent = Agent>(): CurrentAgent<A> {
  return (flow.getStore() ?? NOBODY) as CurrentAgent<A>; // the caller knows its class, as in the SDK
}

/** Runs an author's code as this agent, on behalf of `connection`. */
export function runAs<T>(agent: Agent, connection: AgentConnection | undefined, code: () => T): T {
  return flow.run({ agent, connection, request: undefined, sequence: sequenceOf(agent) }, code);
}

/** Runs an author's code as this agent, for an HTTP request. */
export function runForRequest<T>(agent: Agent, request: Request, code: () => T): T {
  return flow.run({ agent, connection: undefined, request, sequence: sequenceOf(agent) }, code);
}

/** Runs an author's code as this agent, for one of its fibers. */
export function runFiberAs<T>(agent: Agent, scope: FiberScope, code: () => T): T {
  return flow.run({ agent, connection: undefined, request: undefined, scope, sequence: 0 }, code);
}

/** The fiber of `agent` for which the caller runs; undefined in a hook, a callable or a job. */
export function currentScope(agent: object): FiberScope | undefined {
  const current = flow.getStore();
  return current?.agent === agent ? current.scope : undefined;
}

/** Whose code runs, and for which journaled message: for reports about code that fails, or never ends. */
export function currentTurn(): { readonly key: string; readonly sequence: number } | undefined {
  const current = flow.getStore();
  if (current === undefined) return undefined;
  const { model, id } = current.agent[PARTS].context.address;
  return { key: `${model}/${id}`, sequence: current.sequence };
}

/** A flow begun in another one of the same agent belongs to the same turn, although a later one may run by now. */
function sequenceOf(agent: Agent): number {
  const outer = flow.getStore();
  return outer?.agent === agent ? outer.sequence : agent[PARTS].context.turn.sequence;
}
