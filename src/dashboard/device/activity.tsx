/** The last rows of the audit log of this agent: who made it do something, why, and what came of it. */
import type { JSX } from 'preact';
import type { AuditItem } from '../api-types.ts';
import { auditWords } from '../audit.ts';
import type { OversightFeed } from '../oversight-feed.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Empty, TimeAgo } from '../ui/widgets.tsx';

export function Activity({ oversight }: { oversight: OversightFeed }): JSX.Element {
  const items = useObservable(oversight.audit);
  return (
    <Card title="Activity" id="activity" aside={<span class="muted">from the audit log</span>}>
      {items !== null && items.length === 0 && <Empty>Nobody has made this device do anything yet.</Empty>}
      <ul class="rows tall activity" tabIndex={0} aria-labelledby="activity">
        {(items ?? []).map((item) => (
          <Row key={item.id} item={item} />
        ))}
      </ul>
    </Card>
  );
}

function Row({ item }: { item: AuditItem }): JSX.Element {
  const { event, tone, what, why, who } = auditWords(item);
  return (
    <li>
      <span class={`badge tone-${tone}`}>{event}</span>
      <span class="grow">
        {what}
        {why !== '' && <span class="muted activity-why">{why}</span>}
      </span>
      <span class="muted activity-who" title={item.by}>
        {who}
        <TimeAgo atMs={item.ts} />
      </span>
    </li>
  );
}
