/** What a person should look at. The list is quiet for screen readers; one line says how many there are. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AttentionItem, AttentionReason } from '../api-types.ts';
import type { FleetFeed } from '../fleet-feed.ts';
import { plural } from '../format.ts';
import { deviceHref } from '../router.ts';
import { useObservable } from '../ui/hooks.ts';
import { Icon, TimeAgo } from '../ui/widgets.tsx';
import type { IconName } from '../ui/widgets.tsx';

/** Items shown before "show all": on a phone the devices must not be a long scroll away. */
function shortList(): number {
  return matchMedia('(max-width: 719px)').matches ? 3 : 6;
}

const REASONS: Readonly<Record<AttentionReason, { readonly label: string; readonly icon: IconName }>> = {
  alert: { label: 'Alert', icon: 'alert' },
  rejected: { label: 'Rejected', icon: 'rejected' },
  'command-expired': { label: 'Command expired', icon: 'clock' },
  // Listed only where a device vanished without a goodbye; one that said it is asleep.
  offline: { label: 'Lost contact', icon: 'warning' },
};

export function Attention({ feed }: { feed: FleetFeed }): JSX.Element {
  const items = useObservable(feed.attention);
  const [isLong, setLong] = useState(false);
  const short = shortList();
  const shown = isLong ? items : items?.slice(0, short);
  return (
    <section class="attention card" aria-labelledby="attention">
      <header class="card-head">
        <h2 id="attention">Needs attention</h2>
        <p class="muted" aria-live="polite">
          {items === null ? '' : items.length === 0 ? 'All quiet' : plural(items.length, 'item')}
        </p>
      </header>
      {items !== null && items.length === 0 && (
        <p class="quiet">
          <Icon name="check" /> No alerts, no rejected payloads, no expired commands, nobody missing.
        </p>
      )}
      {shown && shown.length > 0 && (
        <ul class="attention-list">
          {shown.map((item) => (
            <Item key={`${item.model}/${item.id}/${item.reason}/${item.ts}`} item={item} />
          ))}
        </ul>
      )}
      {items !== null && items.length > short && (
        <button
          type="button"
          class="button quiet-button"
          aria-expanded={isLong}
          onClick={() => setLong(!isLong)}
        >
          {isLong ? 'Show fewer' : `Show all ${items.length}`}
        </button>
      )}
    </section>
  );
}

function Item({ item }: { item: AttentionItem }): JSX.Element {
  const reason = REASONS[item.reason];
  const text = item.text.replace(/^offline: /, ''); // the label says it
  return (
    <li>
      <a class={`attention-item reason-${item.reason}`} href={deviceHref(item.model, item.id)}>
        <Icon name={reason.icon} />
        <span class="attention-reason">{reason.label}</span>
        <span class="attention-id">
          <span class="attention-model">{item.model}/</span>
          {item.id}
        </span>
        <span class="attention-text" title={text}>
          {text}
        </span>
        <span class="muted attention-time">
          <TimeAgo atMs={item.ts} />
        </span>
      </a>
    </li>
  );
}
