import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

export interface AttentionItem {
  readonly model: string;
  readonly id: string;
  readonly reason: 'offline' | 'rejected' | 'command-expired' | 'alert';
  readonly ts: number;
  readonly text: string;
}

/**
 * What went wrong lately in one shard, one item per agent and reason, newest first. It is a view for
 * people, kept in memory: the facts themselves are rows of their agents.
 */
export class AttentionList {
  readonly #items = new Map<string, AttentionItem>();

  add(item: AttentionItem): void {
    const key = `${item.reason} ${item.model}/${item.id}`;
    this.#items.delete(key);
    this.#items.set(key, item);
    if (this.#items.size > limits.attentionListMax) forgetOldest(this.#items);
  }

  /** The reason is over, e.g. the device came back. */
  resolve(reason: AttentionItem['reason'], model: string, id: string): void {
    this.#items.delete(`${reason} ${model}/${id}`);
  }

  list(max: number): AttentionItem[] {
    return [...this.#items.values()].reverse().slice(0, max);
  }
}
