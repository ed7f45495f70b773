/**
 * Keeps the fleet store fed for as long as the page is open: models, then the list page by page, then live
 * frames of `fleet/all`. After every reconnect the list is read again, for what was missed meanwhile.
 */
import { asProblem, getJson } from './api.ts';
import type { Problem } from './api.ts';
import type { AgentPage, Approval, AttentionItem, History, ModelDescription } from './api-types.ts';
import { addressParts } from './router.ts';
import type { FleetFilter } from './router.ts';
import { FLEET_ROWS_MAX, FleetStore } from './fleet-store.ts';
import { mainMetric } from './format.ts';
import { Observable } from './observable.ts';
import { BridgeSocket } from './socket.ts';
import type { LinkState } from './socket.ts';
import { Trend, TREND_POINTS_MAX, TREND_SPAN_MS } from './sparkline.ts';
import type { Frame } from '../wire/index.ts';

const PAGE_ROWS = 1000;
const ATTENTION_INTERVAL_MS = 5_000;
const ATTENTION_MAX = 50;
/** History requests for sparklines at once; the rest waits its turn. */
const TREND_REQUESTS_MAX = 4;
const TREND_QUEUE_MAX = 200;

/** `partial`: the fleet is larger than the page keeps; search then asks the bridge. */
export type LoadState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly partial: boolean }
  | { readonly kind: 'failed'; readonly problem: Problem };

export class FleetFeed {
  readonly store: FleetStore;
  readonly link = new Observable<LinkState>({ kind: 'connecting' });
  readonly load = new Observable<LoadState>({ kind: 'loading' });
  readonly models = new Observable<readonly ModelDescription[]>([]);
  readonly attention = new Observable<readonly AttentionItem[] | null>(null);
  /** What waits for a person. */
  readonly approvals = new Observable<readonly Approval[]>([]);
  /** msg/s of the last minutes, for the tile's sparkline. */
  readonly messageRates = new Trend(0);
  readonly #byModel = new Map<string, ModelDescription>();
  readonly #trendsAsked = new Set<string>();
  #trendQueue: string[] = [];
  #trendRequests = 0;
  #refreshing = false;

  constructor() {
    this.store = new FleetStore(
      (flush) => requestAnimationFrame(flush),
      (model) => mainMetric(this.#byModel.get(model)),
    );
    new BridgeSocket('agents/fleet/all', {
      onFrame: (frame) => this.#onFrame(frame),
      onLink: (state) => {
        this.link.set(state);
        // The promise never rejects: failures end in `load`.
        if (state.kind === 'live') void this.refresh();
      },
    });
    void this.refresh(); // never rejects
    void this.refreshAttention(); // never rejects
    setInterval(() => {
      if (document.visibilityState === 'hidden') return;
      void this.refreshAttention(); // never rejects
      if (this.load.value.kind === 'failed') void this.refresh(); // never rejects
    }, ATTENTION_INTERVAL_MS);
  }

  model(name: string): ModelDescription | undefined {
    return this.#byModel.get(name);
  }

  /** Reads models and the whole list again; never rejects. */
  async refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      const models = await getJson<readonly ModelDescription[]>('api/models');
      for (const model of models) this.#byModel.set(model.model, model);
      this.models.set(models);
      // Only rows from before may be gone: what comes live meanwhile is newer than the list.
      const gone = new Set(this.store.keys());
      let cursor: string | null = null;
      do {
        const page = await this.#readPage(new URLSearchParams(), cursor);
        for (const agent of page.agents) gone.delete(`${agent.model}/${agent.id}`);
        cursor = page.cursor;
      } while (cursor !== null && this.store.size < FLEET_ROWS_MAX);
      if (cursor === null) this.store.forget(gone);
      this.load.set({ kind: 'ready', partial: cursor !== null });
    } catch (error) {
      this.load.set({ kind: 'failed', problem: asProblem(error) });
    } finally {
      this.#refreshing = false;
    }
  }

  /** Asks the bridge for rows of a filter, when the page does not have them all; never rejects. */
  async search(filter: FleetFilter): Promise<void> {
    const query = new URLSearchParams();
    if (filter.q) query.set('q', filter.q);
    if (filter.model) query.set('model', filter.model);
    if (filter.presence) query.set('presence', filter.presence);
    try {
      await this.#readPage(query, null);
    } catch (error) {
      console.warn('search failed', error);
    }
  }

  /** Reads "needs attention" and what waits for a person again; never rejects. */
  async refreshAttention(): Promise<void> {
    try {
      const answer = await getJson<{ items: readonly AttentionItem[] }>(
        `api/attention?limit=${ATTENTION_MAX}`,
      );
      this.attention.set(answer.items);
      const waiting = await getJson<{ items: readonly Approval[] }>(
        `api/approvals?status=pending&limit=${ATTENTION_MAX}`,
      );
      this.approvals.set(waiting.items);
    } catch (error) {
      console.warn('what needs attention was not read', error); // the link state says that the bridge is away
    }
  }

  /** Fills the sparkline of a row in sight from history, once. */
  wantTrend(key: string): void {
    if (this.#trendsAsked.has(key)) return;
    this.#trendsAsked.add(key);
    this.#trendQueue = [...this.#trendQueue, key].slice(-TREND_QUEUE_MAX); // the rows scrolled to last come first
    this.#nextTrend();
  }

  #nextTrend(): void {
    while (this.#trendRequests < TREND_REQUESTS_MAX && this.#trendQueue.length > 0) {
      const key = this.#trendQueue.pop();
      if (key === undefined) return;
      this.#trendRequests++;
      // A sparkline without its past is no failure worth showing.
      void this.#readTrend(key)
        .catch(() => this.#trendsAsked.delete(key))
        .finally(() => {
          this.#trendRequests--;
          this.#nextTrend();
        });
    }
  }

  async #readTrend(key: string): Promise<void> {
    const [model, id] = addressParts(key);
    const metric = mainMetric(this.#byModel.get(model));
    if (metric === null) return;
    const query = new URLSearchParams({
      metric,
      from: `${Date.now() - TREND_SPAN_MS}`,
      to: `${Date.now()}`,
      points: `${TREND_POINTS_MAX}`,
    });
    const path = `api/agents/${encodeURIComponent(model)}/${encodeURIComponent(id)}/telemetry?${query.toString()}`;
    const { series } = await getJson<History>(path);
    const points = series.find((one) => one.metric === metric)?.points ?? [];
    this.store.prependTrend(
      key,
      points.map((point) => point.mean),
    );
  }

  async #readPage(query: URLSearchParams, cursor: string | null): Promise<AgentPage> {
    query.set('limit', `${PAGE_ROWS}`);
    if (cursor !== null) query.set('cursor', cursor);
    const page = await getJson<AgentPage>(`api/agents?${query.toString()}`);
    this.store.merge(page.agents, false);
    return page;
  }

  #onFrame(frame: Frame): void {
    if (frame.type !== 'mooring_fleet') return;
    // as: the frame table leaves rows and totals open; requests.md fixes them for `fleet/all`.
    const { rows, totals } = frame as unknown as {
      rows?: AgentPage['agents'];
      totals?: FleetStore['totals'];
    };
    if (rows && rows.length > 0) this.store.merge(rows, true);
    if (!totals) return;
    this.messageRates.push(totals.messagesPerSecond, Date.now());
    if (totals.rejected !== this.store.totals?.rejected && this.store.totals !== null)
      void this.refreshAttention(); // never rejects
    this.store.setTotals(totals);
  }
}
