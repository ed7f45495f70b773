/**
 * Every device in one live table. Only the rows in sight are in the document; each listens to its own row
 * of the store, so a frame with 500 rows renders about 20 of them and nothing else.
 */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { FleetFeed } from '../fleet-feed.ts';
import type { FleetRow } from '../fleet-store.ts';
import { needsReselect, selectRows } from '../fleet-view.ts';
import { count, mainMetric, metricValue } from '../format.ts';
import { deviceHref } from '../router.ts';
import type { FleetFilter, SortKey } from '../router.ts';
import { isObject } from '../twin.ts';
import { rowRange } from '../virtual.ts';
import type { RowRange } from '../virtual.ts';
import { PRESENCE_WORDS, PresenceBadge, PresenceIcon, Sparkline, TimeAgo } from '../ui/widgets.tsx';
import { Toolbar, useFilter } from './toolbar.tsx';

/** Height of a row, as in fleet.css. */
const ROW_PX = 44;
/** A row that stays in sight this long gets its sparkline's past from history. */
const TREND_AFTER_MS = 250;

const COLUMNS: readonly { readonly key: SortKey | 'values' | 'trend'; readonly label: string }[] = [
  { key: 'name', label: 'Device' },
  { key: 'model', label: 'Model' },
  { key: 'presence', label: 'Presence' },
  { key: 'values', label: 'Last values' },
  { key: 'trend', label: 'Trend' },
  { key: 'lastSeen', label: 'Last seen' },
  { key: 'messages', label: 'Messages' },
];

export function FleetTable({ feed, filter }: { feed: FleetFeed; filter: FleetFilter }): JSX.Element {
  const rows = useRows(feed, filter);
  const body = useRef<HTMLTableSectionElement>(null);
  const range = useRange(body, rows.length);
  const shown = rows.slice(range.first, range.end);
  return (
    <section class="card fleet" aria-labelledby="devices">
      <Toolbar feed={feed} filter={filter} shown={rows.length} />
      <table class="fleet-table" aria-rowcount={rows.length + 1} aria-labelledby="devices">
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <HeadCell key={column.key} column={column} filter={filter} />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          <Spacer rows={range.first} />
          {shown.map((row, index) => (
            <Row key={row.key} feed={feed} row={row} rowIndex={range.first + index + 2} />
          ))}
          <Spacer rows={rows.length - range.end} />
        </tbody>
      </table>
      {rows.length === 0 && <p class="empty">No device matches. Try fewer words, or clear the filter.</p>}
    </section>
  );
}

/** The rows of a filter; selected again only when a flush may have changed which, or their order. */
function useRows(feed: FleetFeed, filter: FleetFilter): readonly FleetRow[] {
  const [rows, setRows] = useState(() => selectRows(feed.store.rows(), filter));
  useLayoutEffect(() => {
    setRows(selectRows(feed.store.rows(), filter));
    return feed.store.onList((change) => {
      if (needsReselect(change, filter)) setRows(selectRows(feed.store.rows(), filter));
    });
  }, [feed, filter.q, filter.model, filter.presence, filter.rejected, filter.sort, filter.descending]);
  return rows;
}

/** The rows in sight of the window; follows scrolling once per animation frame. */
function useRange(body: { readonly current: HTMLElement | null }, rows: number): RowRange {
  const [range, setRange] = useState<RowRange>({ first: 0, end: Math.min(rows, 16) });
  useLayoutEffect(() => {
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      if (body.current === null) return;
      const next = rowRange(rows, ROW_PX, body.current.getBoundingClientRect().top, innerHeight);
      setRange((old) => (old.first === next.first && old.end === next.end ? old : next));
    };
    const request = (): void => {
      if (frame === 0) frame = requestAnimationFrame(measure);
    };
    measure();
    // What stands above the table may grow (alerts arrive), which moves it without a scroll event.
    const observer = new ResizeObserver(request);
    observer.observe(document.body);
    addEventListener('scroll', request, { passive: true });
    addEventListener('resize', request);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      removeEventListener('scroll', request);
      removeEventListener('resize', request);
    };
  }, [rows]);
  return { first: Math.min(range.first, rows), end: Math.min(range.end, rows) };
}

function HeadCell({
  column,
  filter,
}: {
  column: (typeof COLUMNS)[number];
  filter: FleetFilter;
}): JSX.Element {
  const change = useFilter(filter);
  const { key, label } = column;
  if (key === 'values' || key === 'trend') {
    return (
      <th scope="col" class={`col-${key}`}>
        {label}
      </th>
    );
  }
  const isSorted = filter.sort === key;
  // Newest and most first is what one wants of times and counts.
  const descending = isSorted ? !filter.descending : key === 'lastSeen' || key === 'messages';
  return (
    <th
      scope="col"
      class={`col-${key}`}
      aria-sort={isSorted ? (filter.descending ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" class="sort" onClick={() => change({ sort: key, descending })}>
        {label}
        <span class="sort-arrow" aria-hidden="true">
          {isSorted ? (filter.descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  );
}

/** Stands for rows that are not in the document; no colSpan, which would bring hidden columns back. CSSOM, not a style attribute: the page's CSP holds. */
function Spacer({ rows }: { rows: number }): JSX.Element | null {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true">
      <td class="spacer" style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

function Row({ feed, row, rowIndex }: { feed: FleetFeed; row: FleetRow; rowIndex: number }): JSX.Element {
  const [, setTick] = useState(0);
  useLayoutEffect(() => feed.store.onRow(row.key, () => setTick((tick) => tick + 1)), [feed, row.key]);
  useEffect(() => {
    if (row.presence === 'never') return undefined;
    const timer = setTimeout(() => feed.wantTrend(row.key), TREND_AFTER_MS);
    return () => clearTimeout(timer);
  }, [feed, row.key, row.presence]);
  const isDevice = feed.model(row.model)?.kind !== 'agent';
  return (
    <tr class="fleet-row" aria-rowindex={rowIndex}>
      <th scope="row" class="col-name">
        <a href={deviceHref(row.model, row.id)}>
          {isDevice && (
            <span class="name-presence">
              <PresenceIcon presence={row.presence} />
              <span class="visually-hidden">{PRESENCE_WORDS[row.presence]}: </span>
            </span>
          )}
          <span class="device-name">
            {row.id} <span class="device-model">{row.model}</span>
          </span>
        </a>
      </th>
      <td class="col-model">{row.model}</td>
      <td class="col-presence">
        {isDevice ? <PresenceBadge presence={row.presence} /> : <span class="muted">Agent</span>}
      </td>
      <td class="col-values">
        <Values feed={feed} row={row} />
      </td>
      <td class="col-trend">
        <Trend feed={feed} row={row} />
      </td>
      <td class="col-lastSeen">
        {isDevice ? <TimeAgo atMs={row.lastSeen} /> : <span class="muted">–</span>}
      </td>
      <td class="col-messages">
        {count(row.messages)}
        {row.rejected > 0 && <span class="rejected-count">{count(row.rejected)} rejected</span>}
      </td>
    </tr>
  );
}

/** The last values in the model's order, main metric first; what does not fit is cut by CSS. */
function Values({ feed, row }: { feed: FleetFeed; row: FleetRow }): JSX.Element {
  const state = isObject(row.state) ? row.state : {};
  const model = feed.model(row.model);
  const main = mainMetric(model);
  const metrics = (model?.metrics ?? [])
    .filter((metric) => state[metric.name] !== undefined)
    .sort((a, b) => Number(b.name === main) - Number(a.name === main));
  if (metrics.length === 0) return <span class="muted">–</span>;
  return (
    <>
      {metrics.map((metric) => (
        <span key={metric.name} class="value" title={metric.name}>
          <span class="value-name">{metric.name} </span>
          {metricValue(state[metric.name], metric)}
        </span>
      ))}
    </>
  );
}

function Trend({ feed, row }: { feed: FleetFeed; row: FleetRow }): JSX.Element | null {
  if (row.trend === null || row.trend.length < 2) return null;
  return (
    <span title={mainMetric(feed.model(row.model)) ?? ''}>
      <Sparkline values={row.trend.values()} width={96} height={24} />
    </span>
  );
}
