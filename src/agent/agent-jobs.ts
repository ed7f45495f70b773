import { limits } from '../base/limits.ts';
import type { Agent } from './agent.ts';
import { PARTS, type AgentParts } from './agent-parts.ts';
import { onBehalfOf, traced } from './author-code.ts';
import { authorMethod } from './calls/callable.ts';
import { runAs } from './current-agent.ts';
import { MissingHandlerError, type JobContext, type RetryOptions } from './jobs/index.ts';
import { within } from './within.ts';

/** What a timer of Node can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Schedules and queue of an agent meet it through this. */
export function jobContext(agent: Agent, parts: AgentParts): JobContext {
  const { context } = parts;
  return {
    address: context.address,
    wasRestarted: () => context.turn.isAfterRestart,
    now: () => context.now(),
    cell: (name) => context.cell(name),
    setCell: (name, value) => context.setCell(name, value),
    cellNames: (prefix) => context.cellNames(prefix),
    onTakenBack: (listener) => context.onTakenBack(listener),
    effectId: () => context.effectId(),
    later: (turn) => context.later(turn),
    rearm: () => parts.rearm(),
    invoke(callback, payload, info) {
      const method = jobMethod(agent, callback);
      if (method === undefined) throw new MissingHandlerError(callback);
      // The author wrote the method for the payload the job was made with.
      const run = (): void | Promise<void> =>
        runAs(agent, undefined, () => Reflect.apply(method, agent, [payload, info]) as void | Promise<void>);
      const running = context.attempt(() =>
        onBehalfOf(agent, `job:${callback}`, () => traced(agent, `job ${callback}`, undefined, run)),
      );
      // One that never ends must not hold up the other jobs and the streams; it cannot be stopped itself.
      return running instanceof Promise ? within(context, runMs(agent), `job ${callback}`, running) : running;
    },
    hasHandler: (callback) => jobMethod(agent, callback) !== undefined,
    // Never rejects. It may run in the flow of whoever caused the commit before it.
    report: (error) => void onBehalfOf(agent, 'agent', () => parts.hookFailed(error)),
    retryDefaults: () => retryDefaults(agent),
  };
}

/** A job of the agent's kind, a method of the author's classes, or a function in a field (`poll = () => ...`), as in the Agents SDK. */
function jobMethod(agent: Agent, name: string): ((...args: never[]) => unknown) | undefined {
  const method = agent[PARTS].extension?.job?.(name) ?? authorMethod(agent, name);
  if (method !== undefined) return method;
  const field: unknown = Object.getOwnPropertyDescriptor(agent, name)?.value;
  return typeof field === 'function' ? (field as (...args: never[]) => unknown) : undefined; // checked: a function
}

interface Options {
  readonly retry?: RetryOptions;
  readonly hungScheduleTimeoutSeconds?: number;
}

/** `static options` of the author's class. */
function optionsOf(agent: object): Options {
  return (agent.constructor as { options?: Options }).options ?? {}; // as documented
}

/** `static options = { retry: {...} }` of the author's class. */
export function retryDefaults(agent: object): RetryOptions {
  return optionsOf(agent).retry ?? {};
}

/** Time a run may take, ms: the author's `hungScheduleTimeoutSeconds`, else the limit. */
function runMs(agent: object): number {
  const { hungScheduleTimeoutSeconds: seconds = 0 } = optionsOf(agent);
  return seconds > 0 ? Math.min(seconds * 1000, TIMER_MAX_MS) : limits.jobRunMs;
}
