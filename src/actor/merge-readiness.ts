import type { Readiness } from './port.ts';

/** Ready when all are; of a replay, how far all are that said so. */
export function mergeReadiness(all: readonly Readiness[]): Readiness {
  const first = all.find(({ kind }) => kind !== 'ready') ?? { kind: 'ready' };
  const replays = all.filter((readiness) => readiness.kind === 'replaying');
  if (replays.length < 2) return replays[0] ?? first;
  const sum = (of: 'applied' | 'total'): number => replays.reduce((total, replay) => total + replay[of], 0);
  return { kind: 'replaying', applied: sum('applied'), total: sum('total') };
}
