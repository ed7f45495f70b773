/** What the tools of the fleet answer about many devices: counts, a page of those that match, a comparison. */
import type { ActorContext, AgentSummary } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import { isJsonObject } from '../merge-patch.ts';
import { inOrder, scan, valueOf, type FleetFilter, type FleetScope } from './fleet-scan.ts';

/** Counts, and what went wrong lately; no rows of devices. */
export async function overview(context: ActorContext, scope: FleetScope): Promise<object> {
  const models: Record<string, { online: number; offline: number; never: number }> = {};
  const isWhole = await scan(context, scope, {}, ({ model, presence }) => {
    (models[model] ??= { online: 0, offline: 0, never: 0 })[presence]++;
  });
  const attention: Record<string, number> = {};
  for (const { reason } of await context.fleet.attention(limits.attentionListMax)) {
    attention[reason] = (attention[reason] ?? 0) + 1;
  }
  return { models, attention, ...partial(isWhole) };
}

/** @param after `model/id` of the last device of the page before */
export async function search(
  context: ActorContext,
  scope: FleetScope,
  filter: FleetFilter,
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
): Promise<object> {
  let matching = 0;
  const page: AgentSummary[] = [];
  let isMore = false;
  const isWhole = await scan(context, scope, filter, (row) => {
    matching++;
    if (after !== undefined && inOrder(keyOf(row), after) <= 0) return;
    if (page.length < limit) page.push(row);
    else isMore = true;
  });
  const last = page.at(-1);
  return {
    matching,
    devices: page.map((row) => described(row, filter.metric)),
    ...(isMore && last !== undefined ? { next: keyOf(last) } : {}),
    ...partial(isWhole),
  };
}

/** One metric of all that match: what each said last. */
export async function compare(
  context: ActorContext,
  scope: FleetScope,
  filter: FleetFilter & { readonly metric: string },
): Promise<object> {
  const { metric } = filter;
  const ends = new Ends();
  let count = 0;
  let sum = 0;
  const isWhole = await scan(context, scope, filter, (row) => {
    const value = valueOf(row, metric);
    if (typeof value !== 'number') return;
    count++;
    sum += value;
    ends.add({ device: keyOf(row), value });
  });
  if (count === 0) return { metric, devices: 0, ...partial(isWhole) };
  const { lowest, highest } = ends;
  const mean = Number((sum / count).toPrecision(6));
  return {
    metric,
    devices: count,
    min: lowest[0]?.value,
    mean,
    max: highest[0]?.value,
    highest,
    lowest,
    ...partial(isWhole),
  };
}

interface Entry {
  readonly device: string;
  readonly value: number;
}

/** The highest and the lowest of any number of values. */
class Ends {
  lowest: Entry[] = [];
  highest: Entry[] = [];

  add(entry: Entry): void {
    this.lowest = kept(this.lowest, entry, (a, b) => a.value - b.value);
    this.highest = kept(this.highest, entry, (a, b) => b.value - a.value);
  }
}

function kept(entries: Entry[], entry: Entry, order: (a: Entry, b: Entry) => number): Entry[] {
  const last = entries.at(-1);
  const isFull = entries.length >= limits.fleetCompareEnds;
  if (isFull && last !== undefined && order(entry, last) >= 0) return entries;
  return [...entries, entry].sort(order).slice(0, limits.fleetCompareEnds);
}

function described(row: AgentSummary, metric: string | undefined): object {
  const { presence, lastSeen, state } = row;
  const values =
    metric !== undefined
      ? { [metric]: valueOf(row, metric) }
      : Object.fromEntries(
          Object.entries(isJsonObject(state) ? state : {})
            .filter(([, value]) => typeof value !== 'object')
            .slice(0, limits.fleetRowMetricsMax),
        );
  const lastContact = lastSeen === null ? null : new Date(lastSeen).toISOString();
  return { device: keyOf(row), presence, lastContact, values };
}

function keyOf({ model, id }: AgentSummary): string {
  return `${model}/${id}`;
}

function partial(isWhole: boolean): object {
  return isWhole ? {} : { partial: `only the first ${limits.fleetScanMax} devices were looked at` };
}
