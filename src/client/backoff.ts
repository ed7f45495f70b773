/** How long a client waits before it connects again. */

/**
 * Exponential with full jitter, in ms: [0, base), [0, 2 base), [0, 4 base) ... up to [0, max). A thousand
 * clients must not come back in the same instant after a restart. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: number): number {
  return Math.floor(random * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)));
}
