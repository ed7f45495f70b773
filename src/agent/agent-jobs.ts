import type { Agent } from './agent.ts';
import type { AgentParts } from './agent-parts.ts';
import { authorMethod } from './calls/callable.ts';
import { MissingHandlerError, type JobContext, type RetryOptions } from './jobs/index.ts';

/** Schedules and queue of an agent meet it through this. */
export function jobContext(agent: Agent, parts: AgentParts): JobContext {
  const { context } = parts;
  return {
    now: () => context.now(),
    cell: (name) => context.cell(name),
    setCell: (name, value) => context.setCell(name, value),
    cellNames: (prefix) => context.cellNames(prefix),
    onTakenBack: (listener) => context.onTakenBack(listener),
    effectId: () => context.effectId(),
    later: (turn) => context.later(turn),
    rearm: () => parts.rearm(),
    invoke(callback, payload, info) {
      const method = authorMethod(agent, callback);
      if (method === undefined) throw new MissingHandlerError(callback);
      // The author wrote the method for the payload the job was made with.
      return context.attempt(() => Reflect.apply(method, agent, [payload, info]) as void | Promise<void>);
    },
    hasHandler: (callback) => authorMethod(agent, callback) !== undefined,
    report: (error) => parts.hookFailed(error),
    retryDefaults: () => retryDefaults(agent),
  };
}

/** `static options = { retry: {...} }` of the author's class. */
export function retryDefaults(agent: Agent): RetryOptions {
  const { options } = agent.constructor as { options?: { retry?: RetryOptions } }; // as documented
  return options?.retry ?? {};
}
