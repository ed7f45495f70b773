/** The frame around the pages: skip link, header with the state of the connection, routing, focus. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { DeniedPage } from './access/denied-page.tsx';
import { SignIn } from './access/sign-in.tsx';
import { Who } from './access/who.tsx';
import { DevicePage } from './device/device-page.tsx';
import type { Me } from './api-types.ts';
import { maySeeDenials } from './denials.ts';
import { byteSize } from './format.ts';
import { WaitingBadge } from './fleet/fleet-approvals.tsx';
import { FleetPage } from './fleet/fleet-page.tsx';
import type { FleetFeed } from './fleet-feed.ts';
import { DENIED_HREF, deviceHref, fleetHref, FLEET_MODEL, parseRoute } from './router.ts';
import type { Route } from './router.ts';
import { readMe } from './session.ts';
import type { LinkState } from './socket.ts';
import { applyTheme, isDark, readTheme } from './theme.ts';
import type { Theme } from './theme.ts';
import { ClockContext, useClock, useNow, useObservable } from './ui/hooks.ts';
import { Icon } from './ui/widgets.tsx';

export function App({ feed }: { feed: FleetFeed }): JSX.Element {
  const route = useRoute();
  const load = useObservable(feed.load);
  const clock = useClock();
  const refusal = load.kind === 'failed' && load.problem.status === 401 ? load.problem : null;
  const me = useMe(load.kind !== 'loading' && refusal === null);
  return (
    <ClockContext.Provider value={clock}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the hash is the route
          document.getElementById('main')?.focus();
        }}
      >
        Skip to content
      </a>
      <Header feed={feed} route={route} me={me} />
      <main id="main" tabIndex={-1}>
        {refusal !== null ? <SignIn refusal={refusal} /> : <Page feed={feed} route={route} />}
      </main>
    </ClockContext.Provider>
  );
}

/** Null: not known, or not yet. */
function useMe(isSignedIn: boolean): Me | null {
  const [me, setMe] = useState<Me | null>(null);
  useEffect(() => {
    if (!isSignedIn) {
      setMe(null);
      return;
    }
    readMe().then(setMe, () => setMe(null)); // what went wrong, the fleet says
  }, [isSignedIn]);
  return me;
}

function Page({ feed, route }: { feed: FleetFeed; route: Route }): JSX.Element {
  if (route.kind === 'fleet') return <FleetPage feed={feed} filter={route.filter} />;
  if (route.kind === 'device') {
    return <DevicePage key={`${route.model}/${route.id}`} fleet={feed} model={route.model} id={route.id} />;
  }
  if (route.kind === 'denied') return <DeniedPage />;
  return (
    <section class="card">
      <h1>No such page</h1>
      <p>
        Nothing is at <code>{route.hash}</code>. <a href={fleetHref({})}>Back to the fleet</a>
      </p>
    </section>
  );
}

/** The route, with the focus moved to the new page so that a screen reader starts there. */
function useRoute(): Route {
  const [route, setRoute] = useState(parseRoute(location.hash));
  const shown = useRef(route);
  useEffect(() => {
    const onChange = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  useEffect(() => {
    const before = shown.current;
    shown.current = route;
    document.title = `${titleOf(route)} · Mooring`;
    if (pageOf(before) === pageOf(route)) return;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('main h1')?.focus();
  }, [route]);
  return route;
}

function titleOf(route: Route): string {
  if (route.kind === 'device') return route.id;
  return route.kind === 'denied' ? 'Denied' : 'Fleet';
}

function pageOf(route: Route): string {
  return route.kind === 'device' ? `${route.model}/${route.id}` : route.kind;
}

function Header({ feed, route, me }: { feed: FleetFeed; route: Route; me: Me | null }): JSX.Element {
  return (
    <header class="top">
      <a class="brand" href={fleetHref({})}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="16" cy="8.5" r="2.8" />
          <path d="M16 11.5V25M11 15.5h10M7 18.5c.6 4.2 4.3 6.8 9 6.8s8.4-2.6 9-6.8" />
        </svg>
        Mooring
      </a>
      <nav aria-label="Main">
        <a href={fleetHref({})} aria-current={route.kind === 'fleet' ? 'page' : undefined}>
          Fleet
          <WaitingBadge feed={feed} />
        </a>
        <a href={deviceHref(FLEET_MODEL, 'all')} aria-current={isFleetAgent(route) ? 'page' : undefined}>
          Ask
        </a>
        {maySeeDenials(me) && (
          <a href={DENIED_HREF} aria-current={route.kind === 'denied' ? 'page' : undefined}>
            Denied
          </a>
        )}
        <a href="api/openapi.json">API</a>
        <a href="metrics">Metrics</a>
      </nav>
      <Link feed={feed} />
      {me !== null && <Who me={me} />}
      <ThemeButton />
    </header>
  );
}

function isFleetAgent(route: Route): boolean {
  return route.kind === 'device' && route.model === FLEET_MODEL;
}

/** Whether what is on the page is live. Announced politely: it matters, but not more than what one reads. */
function Link({ feed }: { feed: FleetFeed }): JSX.Element {
  const link = useObservable(feed.link);
  return (
    <p class={`link link-${link.kind}`} role="status">
      <span class="link-dot" aria-hidden="true" />
      {link.kind === 'live' && (
        <>
          Live <Saved feed={feed} />
        </>
      )}
      {link.kind === 'connecting' && 'Connecting…'}
      {link.kind === 'waiting' && <Waiting link={link} />}
    </p>
  );
}

function Saved({ feed }: { feed: FleetFeed }): JSX.Element | null {
  const [saved, setSaved] = useState(0);
  useEffect(() => feed.store.onList(() => setSaved(feed.store.totals?.cborSavedBytes ?? 0)), [feed]);
  if (saved <= 0) return null;
  return (
    <span class="muted wide-only" aria-hidden="true">
      · CBOR saved {byteSize(saved)}
    </span>
  );
}

function Waiting({ link }: { link: Extract<LinkState, { kind: 'waiting' }> }): JSX.Element {
  const now = useNow();
  const seconds = Math.max(0, Math.ceil((link.retryAtMs - now) / 1000));
  return (
    <>
      Reconnecting <span aria-hidden="true">in {seconds} s</span>
    </>
  );
}

function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState<Theme>(readTheme());
  // The button says what it would change, so it follows the system's choice too.
  const [, setIsSystemDark] = useState(isDark());
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const follow = (): void => setIsSystemDark(query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const next: Theme =
    theme === 'system' ? (isDark() ? 'light' : 'dark') : theme === 'dark' ? 'light' : 'dark';
  const choose = (chosen: Theme): void => {
    applyTheme(chosen);
    setTheme(chosen);
  };
  return (
    <div class="theme">
      <button
        type="button"
        class="button icon-button"
        aria-label={`Use the ${next} theme`}
        title={`Use the ${next} theme`}
        onClick={() => choose(next)}
      >
        <Icon name={next === 'dark' ? 'moon' : 'sun'} />
      </button>
      {theme !== 'system' && (
        <button
          type="button"
          class="button icon-button"
          aria-label="Follow the system theme"
          title="Follow the system theme"
          onClick={() => choose('system')}
        >
          <Icon name="auto" />
        </button>
      )}
    </div>
  );
}
