import { limits } from '../src/base/limits.ts';

type Json = Record<string, unknown>;

/** A call of a tool that people are asked about. */
export interface AskedApproval {
  readonly id: string;
  readonly status: string;
  /** Of the program that wants the call; null: none does. */
  readonly run: string | null;
  readonly createdAtMs: number;
  /** What came of it, in the tool's word; null until that is known. */
  readonly outcome: string | null;
  /** Who has decided, as they call themselves. */
  readonly people: readonly string[];
}

/** Requests at once: enough to be quick, few enough to need no more than a handful of sockets. */
const PARALLEL_MAX = 32;

/** The few HTTP routes of the bridge that the demo asks. Each rejects with an Error that names the route. */
export class BridgeApi {
  /** Where the dashboard is too. */
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** `model/id` of all agents whose device is online. */
  async online(): Promise<Set<string>> {
    const online = new Set<string>();
    let cursor: unknown = null;
    do {
      const query = new URLSearchParams({ presence: 'online', limit: String(limits.listAgentsMax) });
      if (typeof cursor === 'string') query.set('cursor', cursor);
      const page = await this.#ask('GET', `/api/agents?${query.toString()}`);
      for (const { model, id } of objects(page.agents)) online.add(`${String(model)}/${String(id)}`);
      cursor = page.cursor;
    } while (typeof cursor === 'string');
    return online;
  }

  /** Telemetry messages applied, summed over the agents; one that does not exist yet counts 0. */
  async applied(agents: readonly string[]): Promise<number> {
    let sum = 0;
    for (let start = 0; start < agents.length; start += PARALLEL_MAX) {
      const counts = agents.slice(start, start + PARALLEL_MAX).map((agent) => this.#appliedBy(agent));
      for (const applied of await Promise.all(counts)) sum += applied;
    }
    return sum;
  }

  /** Sends a command and waits for the device's answer; resolves with its status. */
  async command(agent: string, name: string, argument: unknown): Promise<string> {
    const answer = await this.#ask('POST', `/api/agents/${agent}/commands/${name}`, argument);
    return String(answer.status);
  }

  /** Adds a rule; resolves with its id. */
  async addRule(agent: string, rule: Json): Promise<string> {
    const answer = await this.#ask('POST', `/api/agents/${agent}/rules`, { rule });
    return String(answer.id ?? answer.ruleId);
  }

  /** The same, unless the agent has a rule that asks the same. */
  async addRuleOnce(agent: string, rule: Json): Promise<void> {
    const { rules } = await this.#ask('GET', `/api/agents/${agent}/rules`);
    const wanted = JSON.stringify(rule.do);
    if (!objects(rules).some((known) => JSON.stringify(known.do) === wanted)) await this.addRule(agent, rule);
  }

  /** Ids of the rules that raised the alerts kept with the agent. */
  async alertedRules(agent: string): Promise<Set<string>> {
    const { items } = await this.#ask('GET', `/api/agents/${agent}/alerts`);
    return new Set(objects(items).map(({ ruleId }) => String(ruleId)));
  }

  /** Calls of tools of an agent that people were asked about, newest first. */
  async approvals(agent: string): Promise<AskedApproval[]> {
    const { items } = await this.#ask('GET', `/api/agents/${agent}/approvals`);
    return objects(items).map(({ id, status, origin, createdAtMs, outcome, votes }) => ({
      id: String(id),
      status: String(status),
      run: isObject(origin) && typeof origin.runId === 'string' ? origin.runId : null,
      createdAtMs: Number(createdAtMs),
      outcome: isObject(outcome) ? String(outcome.outcome) : null,
      people: objects(votes).map(({ by }) => String(by)),
    }));
  }

  /** Gives a person's word. */
  async approve(agent: string, approval: string, by: string, reason: string): Promise<void> {
    await this.#ask('POST', `/api/agents/${agent}/approvals/${approval}`, { approved: true, by, reason });
  }

  /** The text of a program that a model wrote. */
  async programText(agent: string, run: string): Promise<string> {
    return String((await this.#ask('GET', `/api/agents/${agent}/programs/${run}`)).text);
  }

  /** The last answer in the chat of an agent: its texts, without what tools said. */
  async lastAnswer(agent: string): Promise<string> {
    const { messages } = await this.#ask('GET', `/api/agents/${agent}/messages`);
    const last = objects(messages).findLast(({ role }) => role === 'assistant');
    const texts = objects(last?.parts).map(({ type, text }) => (type === 'text' ? String(text) : ''));
    return texts.join('').trim();
  }

  /** What the agent knows its device to be like. */
  async state(agent: string): Promise<Json> {
    const { state } = await this.#ask('GET', `/api/agents/${agent}`);
    return isObject(state) ? state : {};
  }

  /** Rows of the audit log as `kind event by`, newest first. */
  async audit(agent: string): Promise<string[]> {
    const { items } = await this.#ask('GET', `/api/audit?agent=${encodeURIComponent(agent)}&limit=100`);
    return objects(items).map(({ kind, event, by, detail }) => {
      const { votes, approvedBy } = isObject(detail) ? detail : {};
      const people = objects(votes).map(({ by: person, reason }) => `${String(person)}: ${String(reason)}`);
      return [kind, event, by, ...people, approvedBy].filter((part) => part !== undefined).join(' ');
    });
  }

  async #appliedBy(agent: string): Promise<number> {
    const response = await this.#fetch('GET', `/api/agents/${agent}/telemetry/count`);
    if (response.status === 404) return 0;
    return Number((await readAnswer(response)).applied);
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Json> {
    return readAnswer(await this.#fetch(method, path, body));
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const hasBody = body !== undefined && body !== null;
    return fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(limits.requestTimeoutMs),
      ...(hasBody ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
  }
}

async function readAnswer(response: Response): Promise<Json> {
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${new URL(response.url).pathname}: ${response.status} ${text.slice(0, 300)}`);
  const answer: unknown = JSON.parse(text);
  if (!isObject(answer)) throw new Error(`${new URL(response.url).pathname}: not an object`);
  return answer;
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
