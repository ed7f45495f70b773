/**
 * The one store of the fleet: rows keyed by `model/id`, changed in place as frames arrive.
 *
 * I1  A frame never renders anything: it marks rows and asks `schedule` for ONE flush (an animation frame).
 * I2  A flush tells only the listeners of the rows that changed, and the list only when it may look different.
 * I3  At most FLEET_ROWS_MAX rows are kept; beyond that, search asks the bridge.
 */
import type { AgentSummary, FleetTotals, Presence } from './api-types.ts';
import { isObject } from './twin.ts';
import { Trend } from './sparkline.ts';

/** Rows the page keeps (about 1 kB each with their trend). */
export const FLEET_ROWS_MAX = 20_000;

export interface FleetRow {
  readonly key: string;
  readonly model: string;
  readonly id: string;
  /** `id` with its digits padded, so that g2 sorts before g10 by plain comparison. */
  readonly sortName: string;
  /** Lower case text the search looks in. */
  readonly searchText: string;
  presence: Presence;
  lastSeen: number | null;
  messages: number;
  rejected: number;
  state: unknown;
  trend: Trend | null;
}

/** What a flush changed: `structure` = rows came or presence moved; `values` = only numbers did. */
export type ListChange = 'structure' | 'values';
type Listener = () => void;

export class FleetStore {
  readonly #rows = new Map<string, FleetRow>();
  readonly #rowListeners = new Map<string, Set<Listener>>();
  readonly #listListeners = new Set<(change: ListChange) => void>();
  readonly #schedule: (flush: () => void) => void;
  readonly #mainMetric: (model: string) => string | null;
  #dirty = new Set<string>();
  #change: ListChange | null = null;
  #totals: FleetTotals | null = null;
  #flushRequested = false;

  constructor(schedule: (flush: () => void) => void, mainMetric: (model: string) => string | null) {
    this.#schedule = schedule;
    this.#mainMetric = mainMetric;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The bridge's own counts; null before the first frame. */
  get totals(): FleetTotals | null {
    return this.#totals;
  }

  get(key: string): FleetRow | undefined {
    return this.#rows.get(key);
  }

  rows(): IterableIterator<FleetRow> {
    return this.#rows.values();
  }

  /** Takes rows of the list route (`live` false) or of a frame (`live` true: their values extend the trend). */
  merge(summaries: readonly AgentSummary[], live: boolean): void {
    for (const summary of summaries) this.#mergeOne(summary, live);
    this.#request();
  }

  setTotals(totals: FleetTotals): void {
    this.#totals = totals;
    this.#change ??= 'values';
    this.#request();
  }

  /** The keys of now, for `forget` after a whole list was read. */
  keys(): string[] {
    return [...this.#rows.keys()];
  }

  /** Drops rows: agents that were forgotten by the bridge. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) {
      if (this.#rows.delete(key)) this.#change = 'structure';
    }
    this.#request();
  }

  /** Older values of a row's main metric, from history: they go before what came live. */
  prependTrend(key: string, older: readonly number[]): void {
    const row = this.#rows.get(key);
    if (row === undefined || older.length === 0) return;
    row.trend ??= new Trend();
    row.trend.prepend(older);
    this.#dirty.add(key);
    this.#request();
  }

  onRow(key: string, listener: Listener): () => void {
    const listeners = this.#rowListeners.get(key) ?? new Set();
    listeners.add(listener);
    this.#rowListeners.set(key, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#rowListeners.delete(key);
    };
  }

  onList(listener: (change: ListChange) => void): () => void {
    this.#listListeners.add(listener);
    return () => this.#listListeners.delete(listener);
  }

  #mergeOne(summary: AgentSummary, live: boolean): void {
    const key = `${summary.model}/${summary.id}`;
    const known = this.#rows.get(key);
    if (known === undefined) {
      if (this.#rows.size >= FLEET_ROWS_MAX) return; // I3
      this.#rows.set(key, newRow(key, summary));
      this.#change = 'structure';
    } else {
      if (known.presence !== summary.presence) this.#change = 'structure';
      known.presence = summary.presence;
      known.lastSeen = summary.lastSeen;
      known.messages = summary.messages;
      known.rejected = summary.rejected;
      known.state = summary.state;
    }
    this.#change ??= 'values';
    this.#dirty.add(key);
    if (live) this.#extendTrend(key);
  }

  #extendTrend(key: string): void {
    const row = this.#rows.get(key);
    const metric = row && this.#mainMetric(row.model);
    if (!row || !metric || !isObject(row.state)) return;
    const value = row.state[metric];
    if (typeof value !== 'number') return;
    row.trend ??= new Trend();
    row.trend.push(value, row.lastSeen ?? 0);
  }

  #request(): void {
    if (this.#flushRequested) return;
    this.#flushRequested = true;
    this.#schedule(() => this.#flush());
  }

  #flush(): void {
    this.#flushRequested = false;
    const dirty = this.#dirty;
    const change = this.#change;
    this.#dirty = new Set();
    this.#change = null;
    // The rows in sight are far fewer than the rows that changed.
    for (const [key, listeners] of this.#rowListeners) {
      if (dirty.has(key)) for (const listener of listeners) listener();
    }
    if (change !== null) for (const listener of this.#listListeners) listener(change);
  }
}

function newRow(key: string, summary: AgentSummary): FleetRow {
  return {
    key,
    model: summary.model,
    id: summary.id,
    sortName: summary.id.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0')),
    searchText: key.toLowerCase(),
    presence: summary.presence,
    lastSeen: summary.lastSeen,
    messages: summary.messages,
    rejected: summary.rejected,
    state: summary.state,
    trend: null,
  };
}
