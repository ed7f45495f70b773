/** Agents call each other's methods by address, wherever the other one is. */
import { addressKey, isAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { getCurrentAgent } from './current-agent.ts';

/** The methods of `A` as another agent sees them: each answers a promise of a JSON value. */
export type AgentStub<A> = {
  readonly [
    Name in Exclude<keyof A, keyof Agent> as A[Name] extends (...args: never[]) => unknown ? Name : never
  ]: A[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/**
 * A stub of the agent at `(model, id)`, which comes into being with its first call. Only callable methods
 * can be called; a call counts as journaled before it runs. Two agents that wait for each other both get
 * BRG_TIMEOUT.
 * @throws BridgeError BRG_BAD_REQUEST outside of an agent's code, BRG_ADDRESS
 */
export function getAgentByName<A extends Agent = Agent>(model: string, id: string): AgentStub<A> {
  const { agent } = getCurrentAgent();
  if (agent === undefined) {
    throw new BridgeError('BRG_BAD_REQUEST', 'getAgentByName works in hooks, callables and jobs of an agent');
  }
  if (!isAddress(model, id)) throw new BridgeError('BRG_ADDRESS', `${model}/${id} is not an address`);
  const { context } = agent[PARTS];
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const by = `agent:${addressKey(context.address)}`;
    const answer = await context.ask({ model, id }, 'call', { method, args, by });
    return (answer as { value: unknown }).value; // docs/design/requests.md, `call`
  };
  return new Proxy({} as AgentStub<A>, {
    get: (_target, method) =>
      // A stub that is awaited must not look like a promise.
      typeof method === 'string' && method !== 'then'
        ? (...args: unknown[]) => call(method, args)
        : undefined,
  });
}
