/** How long to wait before the next try to reach the bridge. */

const FIRST_MS = 500;
const CAP_MS = 15_000;

/**
 * Exponential with half jitter, in ms: 0.25-0.5 s, 0.5-1 s ... 7.5-15 s. A thousand open dashboards must
 * not come back in the same instant after a restart. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + random / 2));
}
