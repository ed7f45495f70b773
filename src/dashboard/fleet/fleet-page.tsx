/** The first page: how the fleet is, what needs a person, and every device live. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { FleetFeed } from '../fleet-feed.ts';
import { byteSize, count, rate } from '../format.ts';
import { fleetHref, NO_FILTER } from '../router.ts';
import type { FleetFilter } from '../router.ts';
import { useObservable } from '../ui/hooks.ts';
import { Copyable, PresenceIcon, ProblemBox, Skeleton, Sparkline } from '../ui/widgets.tsx';
import { Attention } from './attention.tsx';
import { FleetApprovals } from './fleet-approvals.tsx';
import { FleetTable } from './fleet-table.tsx';

export function FleetPage({ feed, filter }: { feed: FleetFeed; filter: FleetFilter }): JSX.Element {
  const load = useObservable(feed.load);
  const size = useFleetSize(feed);
  return (
    <>
      <h1 tabIndex={-1} class="visually-hidden">
        Fleet
      </h1>
      <Tiles feed={feed} />
      {load.kind === 'failed' && size === 0 && (
        <ProblemBox problem={load.problem} onRetry={() => void feed.refresh()} />
      )}
      {load.kind === 'loading' && size === 0 && <Skeleton rows={8} />}
      {load.kind === 'ready' && size === 0 && <NoDevices />}
      {size > 0 && (
        <>
          <FleetApprovals feed={feed} />
          <Attention feed={feed} />
          <FleetTable feed={feed} filter={filter} />
        </>
      )}
    </>
  );
}

/** Renders the page again only when the first device comes or the first totals. */
function useFleetSize(feed: FleetFeed): number {
  const [size, setSize] = useState(feed.store.size);
  useEffect(() => {
    setSize(feed.store.size);
    return feed.store.onList(() => setSize(feed.store.size));
  }, [feed]);
  return size;
}

function Tiles({ feed }: { feed: FleetFeed }): JSX.Element {
  const [, setTick] = useState(0);
  useEffect(() => feed.store.onList(() => setTick((tick) => tick + 1)), [feed]);
  const totals = feed.store.totals;
  const show = (value: number | undefined, as: (value: number) => string): string =>
    value === undefined ? '–' : as(value);
  return (
    <ul class="tiles" aria-label="Totals">
      <Tile
        label="Online"
        value={show(totals?.online, count)}
        filter={{ presence: 'online' }}
        icon={<PresenceIcon presence="online" />}
      />
      <Tile
        label="Asleep"
        value={show(totals?.offline, count)}
        filter={{ presence: 'offline' }}
        icon={<PresenceIcon presence="offline" />}
      />
      <Tile
        label="Never seen"
        value={show(totals?.never, count)}
        filter={{ presence: 'never' }}
        icon={<PresenceIcon presence="never" />}
      />
      <Tile
        label="Messages / s"
        value={show(totals?.messagesPerSecond, rate)}
        filter={{ sort: 'messages', descending: true }}
        aside={<Sparkline values={feed.messageRates.values()} width={64} height={26} />}
      />
      <Tile
        label="Saved by CBOR"
        value={show(totals?.cborSavedBytes, byteSize)}
        filter={{ sort: 'messages', descending: true }}
      />
      <Tile
        label="Agents awake"
        value={show(totals?.awake, count)}
        filter={{ sort: 'lastSeen', descending: true }}
        aside={<WakeTime us={totals?.wakeP99Us} />}
      />
      <Tile
        label="Rejected"
        value={show(totals?.rejected, count)}
        filter={{ rejected: true }}
        isBad={(totals?.rejected ?? 0) > 0}
      />
    </ul>
  );
}

function WakeTime({ us }: { us: number | undefined }): JSX.Element | null {
  if (us === undefined) return null;
  const text = us < 1000 ? `${us} µs` : `${Math.round(us / 1000)} ms`;
  return <span title={`99 of 100 agents woke within ${text}`}>{text}</span>;
}

function Tile(props: {
  label: string;
  value: string;
  filter: Partial<FleetFilter>;
  icon?: JSX.Element;
  aside?: JSX.Element;
  isBad?: boolean;
}): JSX.Element {
  return (
    <li>
      <a class={`tile ${props.isBad ? 'tile-bad' : ''}`} href={fleetHref({ ...NO_FILTER, ...props.filter })}>
        <span class="tile-label">
          {props.icon}
          {props.label}
        </span>
        <span class="tile-value">{props.value}</span>
        {props.aside && <span class="tile-aside">{props.aside}</span>}
      </a>
    </li>
  );
}

function NoDevices(): JSX.Element {
  return (
    <section class="card no-devices" aria-labelledby="no-devices">
      <h2 id="no-devices">No device has called yet</h2>
      <p>
        The bridge is ready. A device needs no registration: the first message on its topic creates its agent,
        and it appears here at once.
      </p>
      <h3>Send one message with mosquitto</h3>
      <Copyable
        label="mosquitto_pub command"
        text={`mosquitto_pub -h 127.0.0.1 -p 1883 -t devices/greenhouse/g1/telemetry -q 1 -m '{"temperature":21.5,"humidity":55}'`}
      />
      <h3>Or start a simulated fleet</h3>
      <Copyable label="Simulator command" text="npm run sim -- run" />
    </section>
  );
}
