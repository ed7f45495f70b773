import type { ListQuery } from '../store/index.ts';
import type { AskTable } from './asks.ts';
import type { AgentPage } from './agent-list.ts';
import type { AttentionItem } from './attention.ts';
import type { AgentSummary, FleetView } from './behaviour.ts';

/** All agents of the bridge, for agents: what is asked goes to all shards, this one included. */
export class Fleet implements FleetView {
  readonly #asks: AskTable;

  constructor(asks: AskTable) {
    this.#asks = asks;
  }

  async summaries(keys: readonly string[]): Promise<readonly AgentSummary[]> {
    if (keys.length === 0) return [];
    const answer = await this.#asks.ask(null, 'summaries', { keys });
    return (answer as { rows: readonly AgentSummary[] }).rows; // shard-queries.ts
  }

  async page(query: Omit<ListQuery, 'after'>, cursor: string | null): Promise<AgentPage> {
    return (await this.#asks.ask(null, 'list', { ...query, cursor })) as AgentPage; // shard-queries.ts
  }

  async totals(): Promise<Readonly<Record<string, number>>> {
    return (await this.#asks.ask(null, 'stats', {})) as Record<string, number>; // shard-queries.ts
  }

  async changes(listener: string, limit: number): Promise<readonly AgentSummary[]> {
    const answer = await this.#asks.ask(null, 'changes', { listener, limit });
    return (answer as { rows: readonly AgentSummary[] }).rows; // shard-queries.ts
  }

  async attention(limit: number): Promise<readonly AttentionItem[]> {
    const answer = await this.#asks.ask(null, 'attention', { limit });
    return (answer as { items: readonly AttentionItem[] }).items; // shard-queries.ts
  }
}
