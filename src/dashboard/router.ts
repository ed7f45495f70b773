/**
 * Hash routing: the page's state that is worth a bookmark lives after the `#`.
 * `#/` is the fleet with its filter as a query, `#/device/{model}/{id}` one device,
 * `#/denied` what MQTT clients were denied.
 */
import type { Presence } from './api-types.ts';

const SORT_KEYS = ['name', 'model', 'presence', 'lastSeen', 'messages'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** What the fleet table shows. `rejected` keeps only devices with rejected messages. */
export interface FleetFilter {
  readonly q: string;
  readonly model: string | null;
  readonly presence: Presence | null;
  readonly rejected: boolean;
  readonly sort: SortKey;
  readonly descending: boolean;
}

export type Route =
  | { readonly kind: 'fleet'; readonly filter: FleetFilter }
  | { readonly kind: 'device'; readonly model: string; readonly id: string }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown'; readonly hash: string };

export const NO_FILTER: FleetFilter = {
  q: '',
  model: null,
  presence: null,
  rejected: false,
  sort: 'name',
  descending: false,
};

/** The route of `location.hash`; never throws: a hash nobody wrote is `unknown`. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#/, ''), '?');
  if (path === '' || path === '/') return { kind: 'fleet', filter: parseFilter(new URLSearchParams(query)) };
  if (path === '/denied') return { kind: 'denied' };
  const match = /^\/device\/([^/]+)\/([^/]+)$/.exec(path);
  const model = decodePart(match?.[1]);
  const id = decodePart(match?.[2]);
  return model === null || id === null ? { kind: 'unknown', hash } : { kind: 'device', model, id };
}

/** The link to a fleet view: only what differs from the plain list is in it. */
export function fleetHref(filter: Partial<FleetFilter>): string {
  const query = new URLSearchParams();
  if (filter.q) query.set('q', filter.q);
  if (filter.model) query.set('model', filter.model);
  if (filter.presence) query.set('presence', filter.presence);
  if (filter.rejected) query.set('rejected', '1');
  if (filter.sort && filter.sort !== 'name') query.set('sort', filter.sort);
  if (filter.descending) query.set('dir', 'desc');
  const text = query.toString();
  return text === '' ? '#/' : `#/?${text}`;
}

export const DENIED_HREF = '#/denied';

/** The model of the agents that answer for many devices; they are built in and no devices themselves. */
export const FLEET_MODEL = 'fleet';

/** The parts of `model/id`. */
export function addressParts(agent: string): readonly [model: string, id: string] {
  const [model = '', id = ''] = agent.split('/');
  return [model, id];
}

export function deviceHref(model: string, id: string): string {
  return `#/device/${encodeURIComponent(model)}/${encodeURIComponent(id)}`;
}

function parseFilter(query: URLSearchParams): FleetFilter {
  const presence = query.get('presence');
  const sort = query.get('sort');
  return {
    q: query.get('q') ?? '',
    model: query.get('model') || null,
    presence: presence === 'online' || presence === 'offline' || presence === 'never' ? presence : null,
    rejected: query.get('rejected') === '1',
    sort: SORT_KEYS.find((key) => key === sort) ?? 'name',
    descending: query.get('dir') === 'desc',
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decodePart(part: string | undefined): string | null {
  if (part === undefined) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // a lone % typed by hand
  }
}
