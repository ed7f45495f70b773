/** What one shard's agents did, as far as its disk knows. */
interface AgentFacts {
  /** By the key of the row that holds it: an agent that begins anew has another row. */
  readonly logs: Map<number, readonly string[]>;
  readonly entries: Set<string>;
  /** What agents of this address did that were forgotten since. */
  readonly past: Set<string>;
  lastOrder: number;
  /** Numbers of the device's messages that were applied, whichever attempt. */
  readonly numbers: Set<number>;
}

/** What a power loss leaves. */
export type FactsImage = readonly (readonly [key: string, facts: AgentFacts])[];

export class Facts {
  readonly #agents = new Map<string, AgentFacts>();

  /** What the agent of this row did. */
  log(key: string, row: number): readonly string[] {
    return this.#agents.get(key)?.logs.get(row) ?? [];
  }

  has(key: string, entry: string): boolean {
    const agent = this.#agents.get(key);
    return agent !== undefined && (agent.entries.has(entry) || agent.past.has(entry));
  }

  hasAnywhere(entry: string): boolean {
    for (const key of this.#agents.keys()) if (this.has(key, entry)) return true;
    return false;
  }

  /** Whether any agent was forgotten. */
  get areSomeForgotten(): boolean {
    for (const { past } of this.#agents.values()) if (past.size > 0) return true;
    return false;
  }

  wasForgotten(key: string): boolean {
    return (this.#agents.get(key)?.past.size ?? 0) > 0;
  }

  add(key: string, row: number, entry: string): void {
    const agent = this.#of(key);
    agent.logs.set(row, [...(agent.logs.get(row) ?? []), entry]);
    agent.entries.add(entry);
  }

  /** Whether a later one came before this message of the device, which has not been there itself. */
  isOvertaken(key: string, number: number): boolean {
    const { numbers } = this.#of(key);
    return !numbers.has(number) && number < Math.max(...numbers);
  }

  applied(key: string, number: number): void {
    this.#of(key).numbers.add(number);
  }

  lastOrder(key: string): number {
    return this.#agents.get(key)?.lastOrder ?? 0;
  }

  setLastOrder(key: string, order: number): void {
    this.#of(key).lastOrder = order;
  }

  forget(key: string, row: number): void {
    const agent = this.#of(key);
    for (const entry of agent.logs.get(row) ?? []) {
      agent.past.add(entry);
      agent.entries.delete(entry);
    }
    agent.logs.delete(row);
  }

  image(): FactsImage {
    return Array.from(this.#agents, ([key, facts]) => [key, copyOf(facts)]);
  }

  restore(image: FactsImage): void {
    this.#agents.clear();
    for (const [key, facts] of image) this.#agents.set(key, copyOf(facts));
  }

  #of(key: string): AgentFacts {
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = { logs: new Map(), entries: new Set(), past: new Set(), lastOrder: 0, numbers: new Set() };
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

function copyOf({ logs, entries, past, lastOrder, numbers }: AgentFacts): AgentFacts {
  return {
    logs: new Map(logs),
    entries: new Set(entries),
    past: new Set(past),
    lastOrder,
    numbers: new Set(numbers),
  };
}
