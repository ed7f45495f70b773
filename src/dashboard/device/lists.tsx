/** Alerts a rule raised, and payloads that were refused. */
import type { JSX } from 'preact';
import type { RejectedItem } from '../api-types.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { byteSize, plural } from '../format.ts';
import { fromHex, hexDump } from '../hex.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Empty, Icon, TimeAgo } from '../ui/widgets.tsx';

export function Alerts({ feed }: { feed: DeviceFeed }): JSX.Element {
  const alerts = useObservable(feed.alerts);
  return (
    <Card title="Alerts" id="alerts" aside={<Count of={alerts} one="alert" />}>
      {alerts !== null && alerts.length === 0 && <Empty>No rule has raised an alert.</Empty>}
      <ul class="rows tall">
        {(alerts ?? []).map((alert) => (
          <li key={`${alert.ts}/${alert.ruleId}`}>
            <Icon name="alert" />
            <span class="grow">{alert.text}</span>
            <span class="muted">
              <TimeAgo atMs={alert.ts} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function Rejected({ feed }: { feed: DeviceFeed }): JSX.Element {
  const items = useObservable(feed.rejected);
  return (
    <Card title="Rejected payloads" id="rejected" aside={<Count of={items} one="payload" />}>
      {items !== null && items.length === 0 && <Empty>Everything this device sent was understood.</Empty>}
      <ul class="rows tall">
        {(items ?? []).map((item, index) => (
          <RejectedLine key={`${item.ts}/${index}`} item={item} />
        ))}
      </ul>
    </Card>
  );
}

function RejectedLine({ item }: { item: RejectedItem }): JSX.Element {
  return (
    <li>
      <details class="grow">
        <summary>
          <span class="grow">{item.reason}</span>
          <span class="muted">
            {item.channel} · <TimeAgo atMs={item.ts} />
          </span>
        </summary>
        <p class="muted">
          <code>{item.code}</code> · {byteSize(item.bytes)}
        </p>
        <Payload item={item} />
      </details>
    </li>
  );
}

function Payload({ item }: { item: RejectedItem }): JSX.Element {
  const bytes = item.encoding === 'hex' ? fromHex(item.payload) : null;
  return bytes === null ? <pre class="code">{item.payload || '(empty)'}</pre> : <HexDump bytes={bytes} />;
}

export function HexDump({ bytes }: { bytes: Uint8Array }): JSX.Element {
  return (
    <pre class="code" tabIndex={0} aria-label="Hex dump">
      {hexDump(bytes).map((line) => (
        <span key={line.offset} class="hex-line">
          <span class="muted">{line.offset}</span> {line.hex.padEnd(47)}{' '}
          <span class="hex-text">{line.text}</span>
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

function Count({ of, one }: { of: readonly unknown[] | null; one: string }): JSX.Element {
  return <span class="muted">{of === null ? '…' : of.length === 0 ? 'none' : plural(of.length, one)}</span>;
}
