/** Bridges between the page's state and its components. */
import { createContext } from 'preact';
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Observable } from '../observable.ts';

/** The current value; renders again when it changes. */
export function useObservable<T>(observable: Observable<T>): T {
  const [, setTick] = useState(0);
  // Layout effect: a change between render and subscription must not be missed for a paint.
  useLayoutEffect(() => observable.subscribe(() => setTick((tick) => tick + 1)), [observable]);
  return observable.value;
}

/** The page's one clock: seconds for everything that shows "12 s ago". `App` provides a ticking one. */
export const ClockContext = createContext(new Observable(Date.now()));

/** A clock that ticks once a second while the tab is in sight, for `ClockContext`. */
export function useClock(): Observable<number> {
  const clock = useMemo(() => new Observable(Date.now()), []);
  useEffect(() => {
    const tick = (): void => {
      if (document.visibilityState === 'visible') clock.set(Date.now());
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [clock]);
  return clock;
}

/** The time in ms; renders again every second. For text that changes less often, `useClockText`. */
export function useNow(): number {
  return useObservable(useContext(ClockContext));
}

/** Text made from the time; renders again only when the text differs ("3 min ago" does so once a minute). */
export function useClockText(textAt: (nowMs: number) => string): string {
  const clock = useContext(ClockContext);
  const latest = useRef(textAt);
  latest.current = textAt;
  const text = textAt(Date.now());
  const shown = useRef(text);
  shown.current = text;
  const [, setTick] = useState(0);
  useLayoutEffect(
    () =>
      clock.subscribe(() => {
        if (latest.current(clock.value) !== shown.current) setTick((tick) => tick + 1);
      }),
    [clock],
  );
  return text;
}

/** A counter that moves when colours may have changed. */
export function useThemeTick(): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const onChange = (): void => setTick((value) => value + 1);
    const media = matchMedia('(prefers-color-scheme: dark)');
    media.addEventListener('change', onChange);
    addEventListener('themechange', onChange);
    return () => {
      media.removeEventListener('change', onChange);
      removeEventListener('themechange', onChange);
    };
  }, []);
  return tick;
}
