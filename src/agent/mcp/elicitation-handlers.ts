/**
 * An author's code that answers questions of MCP servers in a person's place. What it leaves open waits for a person.
 *
 * I1 A question is offered once in the life of an agent in memory.
 */
import { limits } from '../../base/limits.ts';
import type {
  McpCallOptions,
  McpCallOutcome,
  McpElicitation,
  McpElicitationAnswer,
} from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import { onBehalfOf, traced } from '../author-code.ts';
import { runAs } from '../current-agent.ts';

/** Answers a question, or leaves it to a person by answering nothing. */
export type McpElicitationHandler = (
  question: McpElicitation,
) => McpElicitationAnswer | undefined | Promise<McpElicitationAnswer | undefined>;

/** By what is asked for: a form, or a visit to a page. */
export interface McpElicitationHandlers {
  readonly form?: McpElicitationHandler;
  readonly url?: McpElicitationHandler;
}

/** What came of the call when it was answered; null: nothing that is known here. `open`: nobody answered. */
type Offered = McpCallOutcome | null | 'open';

type Answer = (
  id: string,
  answer: McpElicitationAnswer,
  options: McpCallOptions,
) => Promise<McpCallOutcome | null>;

export class ElicitationHandlers {
  readonly #agent: Agent;
  readonly #answer: Answer;
  /** By question, the oldest first. */
  readonly #offers = new Map<string, Promise<Offered>>();
  #handlers: McpElicitationHandlers = {};

  constructor(agent: Agent, answer: Answer) {
    this.#agent = agent;
    this.#answer = answer;
  }

  configure(handlers: McpElicitationHandlers): void {
    this.#handlers = { ...handlers };
  }

  /** Asks the author about the questions that are open now. */
  offer(questions: readonly McpElicitation[]): void {
    for (const question of questions) this.#offerOne(question).catch(() => undefined); // who made the call hears of it
  }

  /** The outcome of a call once the author has answered what it asks. Rejects as the call does. */
  async settled(outcome: McpCallOutcome, { signal }: McpCallOptions): Promise<McpCallOutcome> {
    let latest = outcome;
    for (let round = 0; round < limits.mcpElicitationRoundsMax && latest.kind === 'waiting'; round++) {
      let next: McpCallOutcome | null = null;
      for (const question of latest.elicitations) {
        const offered = await unlessAborted(this.#offerOne(question), signal);
        if (offered === 'open') return latest;
        next = offered ?? next;
      }
      if (next === null) return latest;
      latest = next;
    }
    return latest;
  }

  #offerOne(question: McpElicitation): Promise<Offered> {
    const known = this.#offers.get(question.id);
    if (known !== undefined) return known;
    const handler = this.#handlers[question.ask.mode];
    if (handler === undefined) return Promise.resolve('open');
    const offered = this.#ask(handler, question);
    this.#offers.set(question.id, offered);
    // Whoever made the call may ask for the outcome of a question that is closed already; not for long.
    const [oldest = ''] = this.#offers.keys();
    if (this.#offers.size > 2 * limits.mcpElicitationsMax) this.#offers.delete(oldest);
    return offered;
  }

  async #ask(handler: McpElicitationHandler, question: McpElicitation): Promise<Offered> {
    const parts = this.#agent[PARTS];
    let answer: McpElicitationAnswer | undefined;
    try {
      answer = await parts.context.attempt(() =>
        onBehalfOf(this.#agent, 'agent', () =>
          traced(this.#agent, 'mcp elicitation', undefined, () =>
            runAs(this.#agent, undefined, () => handler(question)),
          ),
        ),
      );
    } catch (error) {
      await parts.hookFailed(error);
      return 'open';
    }
    return answer === undefined ? 'open' : this.#answer(question.id, answer, {});
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error); // an AbortController's
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
