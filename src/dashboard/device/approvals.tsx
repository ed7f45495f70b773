/** What waits for a person on this device, and what was decided since the page is open. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Approval } from '../api-types.ts';
import { decidedWords, outcomeWords, waiting, withApproval } from '../approvals.ts';
import type { ChatFeed } from '../chat-feed.ts';
import { approvalsAskedIn, shortInput } from '../chat-words.ts';
import type { Observable } from '../observable.ts';
import type { OversightFeed } from '../oversight-feed.ts';
import { addressParts, deviceHref } from '../router.ts';
import { ApprovalCard } from '../ui/approval-card.tsx';
import { useClockText, useObservable } from '../ui/hooks.ts';
import { Card, TimeAgo } from '../ui/widgets.tsx';

const DECIDED_MAX = 5;

export function Approvals({ oversight }: { oversight: OversightFeed }): JSX.Element | null {
  const all = useObservable(oversight.approvals);
  // Only the number is text of the clock: the card renders again when one expires.
  useClockText((nowMs) => `${waiting(all, nowMs).length}`);
  const open = waiting(all, Date.now());
  const decided = all
    .filter(({ status, decidedAtMs }) => status !== 'pending' && (decidedAtMs ?? 0) >= oversight.sinceMs)
    .slice(0, DECIDED_MAX);
  const section = useRef<HTMLDivElement>(null);
  const [hasDecided, setDecided] = useState(0);
  useEffect(() => {
    // The buttons that had the focus are gone.
    if (hasDecided > 0) section.current?.focus();
  }, [hasDecided]);
  if (open.length === 0 && decided.length === 0) return null;
  const changed = (approval: Approval): void => {
    oversight.approvals.set(withApproval(oversight.approvals.value, approval));
    oversight.auditSoon();
    setDecided(hasDecided + 1);
  };
  return (
    <Card
      title="Approvals"
      id="approvals"
      class={open.length > 0 ? 'wide needs-you' : 'wide'}
      aside={open.length > 0 && <span class="badge tone-warn">{waitWords(open.length)}</span>}
    >
      <div class="approvals" ref={section} tabIndex={-1} aria-live="polite">
        {open.map((approval) => (
          <ApprovalCard key={approval.id} approval={approval} onChange={changed} />
        ))}
        {decided.length > 0 && (
          <ul class="rows">
            {decided.map((approval) => (
              <Decided key={approval.id} approval={approval} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

/** What this agent asked of devices, which wait for a person there: those of the fleet's chat can be decided beside it. */
export function AskedFor(props: {
  by: string;
  chat: ChatFeed;
  approvals: Observable<readonly Approval[]>;
}): JSX.Element | null {
  const { by, chat, approvals } = props;
  const all = useObservable(approvals);
  const asked = approvalsAskedIn(useObservable(chat.state).messages);
  // Only the number is text of the clock: the card renders again when one expires.
  useClockText((nowMs) => `${waiting(all, nowMs).length}`);
  const open = waiting(all, Date.now()).filter(
    ({ requestedBy, agent, id }) => requestedBy === by || asked.has(`${agent} ${id}`),
  );
  if (open.length === 0) return null;
  return (
    <Card
      title="Approvals on devices"
      id="asked-for"
      class="wide needs-you"
      aside={<span class="badge tone-warn">{waitWords(open.length)}</span>}
    >
      <div class="approvals" aria-live="polite">
        {open.map((approval) => (
          <div key={`${approval.agent}/${approval.id}`}>
            <DeviceLink agent={approval.agent} />
            <ApprovalCard
              approval={approval}
              onChange={(changed) => approvals.set(withApproval(approvals.value, changed))}
            />
          </div>
        ))}
      </div>
    </Card>
  );
}

function DeviceLink({ agent }: { agent: string }): JSX.Element {
  return (
    <p>
      <a href={deviceHref(...addressParts(agent))}>{agent}</a>
    </p>
  );
}

export function waitWords(count: number): string {
  return count === 1 ? '1 waits for you' : `${count} wait for you`;
}

function Decided({ approval }: { approval: Approval }): JSX.Element {
  const { status, tool, arguments: input, decidedAtMs } = approval;
  const outcome = outcomeWords(approval);
  const tone = status === 'approved' ? 'good' : status === 'cancelled' ? 'plain' : 'bad';
  return (
    <li>
      <span class={`badge tone-${tone}`}>{status}</span>
      <span class="grow">
        <code>{tool}</code> {shortInput(input)}
        <span class="muted"> · {decidedWords(approval)}</span>
        {outcome !== null && <span class="muted"> · {outcome}</span>}
      </span>
      <span class="muted">
        <TimeAgo atMs={decidedAtMs} />
      </span>
    </li>
  );
}
