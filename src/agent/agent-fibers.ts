import type { Agent } from './agent.ts';
import { jobContext } from './agent-jobs.ts';
import type { AgentParts } from './agent-parts.ts';
import { onBehalfOf, traced } from './author-code.ts';
import { authorMethod } from './calls/callable.ts';
import { currentScope, runFiberAs } from './current-agent.ts';
import type { FiberHost } from './fibers/index.ts';

/** The fibers of an agent meet it through this. */
export function fiberHost(agent: Agent, parts: AgentParts): FiberHost {
  const { context } = parts;
  return {
    ...jobContext(agent, parts),
    aside: (piece, isEager) => context.aside(piece, isEager),
    perform: (scope, code) =>
      context.attempt(() =>
        onBehalfOf(agent, `fiber:${scope.name}`, () =>
          traced(agent, `fiber ${scope.name}`, undefined, () => runFiberAs(agent, scope, code)),
        ),
      ),
    scope: () => currentScope(agent),
    recovered: (fiber) => agent.onFiberRecovered(fiber),
    hasRecovery: () =>
      authorMethod(agent, 'onFiberRecovered') !== undefined || Object.hasOwn(agent, 'onFiberRecovered'),
    warn: (fields, event) => context.log.warn(fields, event),
  };
}
