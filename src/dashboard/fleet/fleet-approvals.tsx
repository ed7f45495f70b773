/** What waits for a person, over the whole fleet: each leads to its device. */
import type { JSX } from 'preact';
import type { Approval } from '../api-types.ts';
import { expiresIn, waiting } from '../approvals.ts';
import { whoOf } from '../audit.ts';
import { waitWords } from '../device/approvals.tsx';
import type { FleetFeed } from '../fleet-feed.ts';
import { addressParts, deviceHref } from '../router.ts';
import { useClockText, useObservable } from '../ui/hooks.ts';
import { Icon } from '../ui/widgets.tsx';

export function FleetApprovals({ feed }: { feed: FleetFeed }): JSX.Element | null {
  const all = useObservable(feed.approvals);
  const words = useClockText((nowMs) => waitWords(waiting(all, nowMs).length));
  const open = waiting(all, Date.now());
  if (open.length === 0) return null;
  return (
    <section class="attention card needs-you" aria-labelledby="waiting">
      <header class="card-head">
        <h2 id="waiting">Approvals</h2>
        <p class="badge tone-warn" aria-live="polite">
          {words}
        </p>
      </header>
      <ul class="attention-list">
        {open.map((approval) => (
          <Item key={`${approval.agent}/${approval.id}`} approval={approval} />
        ))}
      </ul>
    </section>
  );
}

function Item({ approval }: { approval: Approval }): JSX.Element {
  const { agent, explanation, requestedBy, expiresAtMs } = approval;
  const [model, id] = addressParts(agent);
  const left = useClockText((nowMs) => expiresIn(expiresAtMs, nowMs));
  const text = `${explanation} (asked by ${whoOf(requestedBy)})`;
  return (
    <li>
      <a class="attention-item" href={deviceHref(model, id)}>
        <Icon name="clock" />
        <span class="attention-reason">Approve?</span>
        <span class="attention-id">
          <span class="attention-model">{model}/</span>
          {id}
        </span>
        <span class="attention-text" title={text}>
          {text}
        </span>
        <span class="muted attention-time">{left}</span>
      </a>
    </li>
  );
}

/** Beside the link to the fleet, on every page. */
export function WaitingBadge({ feed }: { feed: FleetFeed }): JSX.Element | null {
  const all = useObservable(feed.approvals);
  const count = useClockText((nowMs) => `${waiting(all, nowMs).length}`);
  if (count === '0') return null;
  return (
    <span class="count-badge" title={waitWords(Number(count))}>
      <span aria-hidden="true">{count}</span>
      <span class="visually-hidden">, {waitWords(Number(count))}</span>
    </span>
  );
}
