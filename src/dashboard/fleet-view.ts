/** The rows the table shows: filter and order over the store, and when to compute them again. */
import type { Presence } from './api-types.ts';
import type { FleetRow, ListChange } from './fleet-store.ts';
import type { FleetFilter, SortKey } from './router.ts';

const PRESENCE_ORDER: Readonly<Record<Presence, number>> = { online: 0, offline: 1, never: 2 };

/** Rows that pass `filter`, in its order; ties fall back to the name, so that equal rows never swap places. */
export function selectRows(rows: Iterable<FleetRow>, filter: FleetFilter): FleetRow[] {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const selected: FleetRow[] = [];
  for (const row of rows) {
    if (filter.model !== null && row.model !== filter.model) continue;
    if (filter.presence !== null && row.presence !== filter.presence) continue;
    if (filter.rejected && row.rejected === 0) continue;
    if (!words.every((word) => row.searchText.includes(word))) continue;
    selected.push(row);
  }
  const sign = filter.descending ? -1 : 1;
  const compare = COMPARE[filter.sort];
  return selected.sort((a, b) => sign * compare(a, b) || byName(a, b));
}

/** Whether a flush may change which rows are shown or their order. */
export function needsReselect(change: ListChange, filter: FleetFilter): boolean {
  return (
    change === 'structure' || filter.sort === 'lastSeen' || filter.sort === 'messages' || filter.rejected
  );
}

function byName(a: FleetRow, b: FleetRow): number {
  return byText(a.sortName, b.sortName) || byText(a.model, b.model);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const COMPARE: Readonly<Record<SortKey, (a: FleetRow, b: FleetRow) => number>> = {
  name: byName,
  model: (a, b) => byText(a.model, b.model),
  presence: (a, b) => PRESENCE_ORDER[a.presence] - PRESENCE_ORDER[b.presence],
  lastSeen: (a, b) => (a.lastSeen ?? 0) - (b.lastSeen ?? 0),
  messages: (a, b) => a.messages - b.messages,
};
