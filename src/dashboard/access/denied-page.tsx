/** What MQTT clients wanted and may not, why, and the command that would allow it. Read again while it is in sight. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { asProblem, getJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { Denial } from '../api-types.ts';
import { denialKey, inShownOrder, triedText } from '../denials.ts';
import { plural } from '../format.ts';
import { Copyable, Empty, ProblemBox, Skeleton, TimeAgo } from '../ui/widgets.tsx';

const INTERVAL_MS = 5_000;
/** Rows the page shows; the bridge keeps more. */
const SHOWN_MAX = 200;

export function DeniedPage(): JSX.Element {
  const { denials, problem } = useDenials();
  return (
    <section class="denied" aria-labelledby="denied">
      <header class="card-head">
        <h1 id="denied" tabIndex={-1}>
          Denied
        </h1>
        <p class="muted" aria-live="polite">
          {denials === null ? '' : countText(denials.length)}
        </p>
      </header>
      <p class="muted">
        What MQTT clients wanted to do lately and may not. Allow only what you expect: a command below is run
        where the bridge runs, and holds for that name from then on.
      </p>
      {problem !== null && <ProblemBox problem={problem} />}
      {denials === null && problem === null && <Skeleton rows={4} />}
      {denials !== null && denials.length === 0 && <NothingDenied />}
      {denials !== null && denials.length > 0 && (
        <ul class="denials">
          {denials.map((denial) => (
            <Row key={denialKey(denial)} denial={denial} />
          ))}
        </ul>
      )}
    </section>
  );
}

function useDenials(): { denials: readonly Denial[] | null; problem: Problem | null } {
  const [denials, setDenials] = useState<readonly Denial[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isOver = false;
    const read = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return;
      try {
        const { items } = await getJson<{ readonly items: readonly Denial[] }>(
          `api/denials?limit=${SHOWN_MAX}`,
        );
        if (isOver) return;
        setDenials((shown) => inShownOrder(shown ?? [], items));
        setProblem(null);
      } catch (error) {
        if (!isOver) setProblem(asProblem(error));
      }
    };
    const again = (): void => void read(); // never rejects
    again();
    const timer = setInterval(again, INTERVAL_MS);
    document.addEventListener('visibilitychange', again);
    return () => {
      isOver = true;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, []);
  return { denials, problem };
}

function countText(count: number): string {
  if (count === 0) return 'Nothing';
  return count < SHOWN_MAX ? plural(count, 'denial') : `The newest ${count}`;
}

function NothingDenied(): JSX.Element {
  return (
    <div class="card">
      <Empty>
        Nothing was denied since the bridge started. When a client publishes or subscribes to what no rule
        lets it, you see here who it was, why, and the command that would allow it. As long as no device has a
        password or a token, nobody is asked and nothing is denied.
      </Empty>
    </div>
  );
}

function Row({ denial }: { denial: Denial }): JSX.Element {
  const { name, client, source, action, topic, ts, count, rule, allow } = denial;
  const who = name === '' ? 'Somebody unknown' : name;
  return (
    <li class="card denial">
      <h2>
        <span class="badge status-failed">{action}</span> <bdi>{who}</bdi>{' '}
        <span class="muted">{action === 'publish' ? 'to' : 'at'}</span> <code dir="ltr">{topic}</code>
      </h2>
      <dl class="denial-facts">
        <div>
          <dt>Last</dt>
          <dd>
            <TimeAgo atMs={ts} />, tried {triedText(count)}
          </dd>
        </div>
        <div>
          <dt>From</dt>
          <dd>
            {source}
            {client !== '' && (
              <>
                {' '}
                as client <code>{client}</code>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Rule</dt>
          <dd>{rule}</dd>
        </div>
      </dl>
      {allow === null ? (
        <p class="muted">No command is offered that would allow this.</p>
      ) : (
        <Copyable text={allow} label={`Command that lets ${who} ${action} ${topic}`} />
      )}
    </li>
  );
}
