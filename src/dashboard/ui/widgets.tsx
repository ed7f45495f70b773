/** Small parts used on every page. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api.ts';
import type { Presence } from '../api-types.ts';
import { relativeTime } from '../format.ts';
import { useClockText } from './hooks.ts';
import { sparklinePath } from '../sparkline.ts';

export const PRESENCE_WORDS: Readonly<Record<Presence, string>> = {
  online: 'Online',
  offline: 'Asleep',
  never: 'Never seen',
};

/** Shape and word, so that colour is never the only sign: a disc, a moon, a dashed ring. */
export function PresenceBadge({ presence }: { presence: Presence }): JSX.Element {
  return (
    <span class={`presence presence-${presence}`}>
      <PresenceIcon presence={presence} />
      {PRESENCE_WORDS[presence]}
    </span>
  );
}

export function PresenceIcon({ presence }: { presence: Presence }): JSX.Element {
  return (
    <svg class={`presence-icon presence-${presence}`} viewBox="0 0 12 12" aria-hidden="true">
      {presence === 'online' && <circle cx="6" cy="6" r="4" fill="currentColor" />}
      {presence === 'offline' && (
        <path d="M10.2 7.6A4.6 4.6 0 1 1 4.4 1.8a3.8 3.8 0 0 0 5.8 5.8z" fill="currentColor" />
      )}
      {presence === 'never' && (
        <circle
          cx="6"
          cy="6"
          r="4"
          fill="none"
          stroke="currentColor"
          stroke-width="1.5"
          stroke-dasharray="2 2.2"
        />
      )}
    </svg>
  );
}

/** "12 s ago", kept fresh; the exact time is in the tooltip. */
export function TimeAgo({ atMs }: { atMs: number | null }): JSX.Element {
  const text = useClockText((nowMs) => relativeTime(atMs, nowMs));
  if (atMs === null) return <span class="muted">{text}</span>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={new Date(atMs).toLocaleString()}>
      {text}
    </time>
  );
}

export function Sparkline({
  values,
  width,
  height,
}: {
  values: readonly number[];
  width: number;
  height: number;
}): JSX.Element {
  const d = sparklinePath(values, width, height);
  return (
    <svg
      class="sparkline"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
    >
      {d !== '' && <path class="sparkline-area" d={`${d}V${height}H1.5Z`} />}
      <path class="sparkline-line" d={d} />
    </svg>
  );
}

/** What went wrong, as the problem document says it, with a way on. */
export function ProblemBox({ problem, onRetry }: { problem: Problem; onRetry?: () => void }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <Icon name="warning" />
      <div class="problem-text">
        <strong>{problem.title}</strong>
        {problem.detail !== '' && <p>{problem.detail}</p>}
        <code>{problem.code}</code>
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A command line and a button that copies it. */
export function Copyable({ text, label }: { text: string; label: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div class="copyable">
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      {/* The clipboard refuses without permission or https: the text stays selectable. */}
      <button type="button" class="button" onClick={() => void copy().catch(() => undefined)}>
        <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
      </button>
    </div>
  );
}

export function Card(props: {
  title: string;
  id: string;
  aside?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={props.id}>
      <header class="card-head">
        <h2 id={props.id}>{props.title}</h2>
        {props.aside !== undefined && <div class="card-aside">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Grey bars in the shape of what comes. */
export function Skeleton({ rows }: { rows: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
}

const ICONS = {
  warning: 'M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.7v.1',
  alert: 'M8 1.8a4 4 0 0 0-4 4c0 4-1.7 4.9-1.7 5.9h11.4c0-1-1.7-1.9-1.7-5.9a4 4 0 0 0-4-4zM6.5 14h3',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14',
  moon: 'M13.3 9.8A6 6 0 0 1 6.2 2.7a5.8 5.8 0 1 0 7.1 7.1z',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12M8 5h4.6M8 8h5.9M8 11h4.6',
  back: 'M9.5 3 4.5 8l5 5',
  check: 'M3 8.5 6.5 12 13 4.5',
  rejected: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6',
  pause: 'M5.5 3v10M10.5 3v10',
  leave: 'M6.5 2.5h-4v11h4M6 8h8M10.8 4.8 14 8l-3.2 3.2',
  play: 'M4.5 2.8v10.4L13 8z',
} as const;

export type IconName = keyof typeof ICONS;

/** A line icon; decoration only: the text beside it says the same. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}
