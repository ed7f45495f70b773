/** Search and filters of the fleet table. They live in the address, so a view can be linked and bookmarked. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Presence } from '../api-types.ts';
import type { FleetFeed } from '../fleet-feed.ts';
import { FLEET_ROWS_MAX } from '../fleet-store.ts';
import { count } from '../format.ts';
import { fleetHref, NO_FILTER } from '../router.ts';
import type { FleetFilter } from '../router.ts';
import { useObservable } from '../ui/hooks.ts';
import { Icon } from '../ui/widgets.tsx';

const SEARCH_AFTER_MS = 250;

const PRESENCES: readonly { readonly value: Presence | null; readonly label: string }[] = [
  { value: null, label: 'All' },
  { value: 'online', label: 'Online' },
  { value: 'offline', label: 'Asleep' },
  { value: 'never', label: 'Never seen' },
];

/** Changes the filter without a new history entry: "back" leaves the fleet, it does not untype a word. */
export function useFilter(filter: FleetFilter): (change: Partial<FleetFilter>) => void {
  return (change) => {
    history.replaceState(null, '', fleetHref({ ...filter, ...change }));
    dispatchEvent(new HashChangeEvent('hashchange')); // replaceState fires none
  };
}

interface FilterProps {
  readonly filter: FleetFilter;
  readonly change: (change: Partial<FleetFilter>) => void;
}

export function Toolbar({
  feed,
  filter,
  shown,
}: {
  feed: FleetFeed;
  filter: FleetFilter;
  shown: number;
}): JSX.Element {
  const change = useFilter(filter);
  const models = useObservable(feed.models);
  const load = useObservable(feed.load);
  const isPartial = load.kind === 'ready' && load.partial;
  useEffect(() => {
    if (!isPartial || (filter.q === '' && filter.model === null && filter.presence === null))
      return undefined;
    const timer = setTimeout(() => void feed.search(filter), SEARCH_AFTER_MS); // never rejects
    return () => clearTimeout(timer);
  }, [isPartial, filter.q, filter.model, filter.presence]);
  const isFiltered = fleetHref({ ...filter, sort: 'name', descending: false }) !== fleetHref(NO_FILTER);
  return (
    <div class="toolbar">
      <h2 id="devices">
        Devices <span class="muted count">{count(shown)}</span>
      </h2>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <Search filter={filter} change={change} />
        <label class="select">
          <span class="visually-hidden">Model</span>
          <select
            value={filter.model ?? ''}
            onChange={(event) => change({ model: event.currentTarget.value || null })}
          >
            <option value="">All models</option>
            {models.map((model) => (
              <option key={model.model} value={model.model}>
                {model.model}
              </option>
            ))}
          </select>
        </label>
        <PresenceChoice filter={filter} change={change} />
        {isFiltered && (
          <button
            type="button"
            class="button"
            onClick={() => change({ ...NO_FILTER, sort: filter.sort, descending: filter.descending })}
          >
            Clear{filter.rejected ? ' “rejected”' : ''}
          </button>
        )}
      </form>
      {isPartial && (
        <p class="muted partial">
          The first {count(FLEET_ROWS_MAX)} devices are listed; search asks the bridge for the others.
        </p>
      )}
    </div>
  );
}

function PresenceChoice({ filter, change }: FilterProps): JSX.Element {
  return (
    <div class="segments" role="group" aria-label="Presence">
      {PRESENCES.map(({ value, label }) => (
        <button
          key={label}
          type="button"
          aria-pressed={filter.presence === value}
          onClick={() => change({ presence: value })}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function Search({ filter, change }: FilterProps): JSX.Element {
  const [text, setText] = useState(filter.q);
  useEffect(() => setText(filter.q), [filter.q]);
  return (
    <label class="search">
      <span class="visually-hidden">Search devices</span>
      <Icon name="search" />
      <input
        type="search"
        placeholder="Search by name or model"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          change({ q: event.currentTarget.value });
        }}
      />
    </label>
  );
}
