/** The points of a device's chart: history once, then what comes live. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, getJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { History, HistoryPoint } from '../api-types.ts';
import type { DeviceFeed, Sample } from '../device-feed.ts';
import { appendPoint, bucketMs, CHART_POINTS, chartable, dropBefore } from '../series.ts';
import type { ChartRange } from '../series.ts';
import { useObservable } from '../ui/hooks.ts';

/** Points of each metric, oldest first. */
export type Points = ReadonlyMap<string, readonly HistoryPoint[]>;

type Loading =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** History of all metrics in one request, then the live samples that are newer. */
export function useHistory(
  feed: DeviceFeed,
  range: ChartRange,
): { loading: Loading; points: Points; retry: () => void } {
  const [loading, setLoading] = useState<Loading>({ kind: 'loading' });
  const [points, setPoints] = useState<Points>(new Map());
  const [attempt, setAttempt] = useState(0);
  const cue = useObservable(feed.historyCue);
  const missed = useRef<Sample[]>([]);
  useEffect(() => {
    // Read when samples come live, so that none falls between the two; after a reconnect again.
    if (cue === 0) return undefined;
    const abort = new AbortController();
    missed.current = [];
    setLoading({ kind: 'loading' });
    readHistory(feed, range, abort.signal)
      .then((read) => {
        setPoints(missed.current.reduce((grown, sample) => grow(grown, sample, range), read));
        setLoading({ kind: 'ready' });
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setLoading({ kind: 'failed', problem: asProblem(error) });
      });
    return () => abort.abort();
  }, [feed, range, attempt, cue]);
  useEffect(
    () =>
      feed.samples.subscribe(() => {
        const samples = feed.samples.value;
        missed.current = [...missed.current, ...samples].slice(-CHART_POINTS);
        setPoints((old) => samples.reduce((grown, sample) => grow(grown, sample, range), old));
      }),
    [feed, range],
  );
  return { loading, points, retry: () => setAttempt(attempt + 1) };
}

async function readHistory(feed: DeviceFeed, range: ChartRange, signal: AbortSignal): Promise<Points> {
  const to = Date.now();
  const query = new URLSearchParams({ from: `${to - range.ms}`, to: `${to}`, points: `${CHART_POINTS}` });
  const history = await getJson<History>(feed.path(`/telemetry?${query.toString()}`), signal);
  return new Map(history.series.map((one) => [one.metric, one.points]));
}

function grow(points: Points, sample: Sample, range: ChartRange): Points {
  const grown = new Map(points);
  for (const [metric, raw] of Object.entries(sample.values)) {
    const value = chartable(raw);
    if (value === null) continue;
    const longer = appendPoint(grown.get(metric) ?? [], sample.ts, value, bucketMs(range));
    grown.set(metric, dropBefore(longer, Date.now() - range.ms));
  }
  return grown;
}
