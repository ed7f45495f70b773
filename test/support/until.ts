/** Longer than anything a test waits for, shorter than a test's own limit. */
const DEADLINE_MS = 30_000;
const POLL_MS = 5;

/** Polls until `condition` gives something truthy, and resolves with it. Rejects with `what` at the deadline. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what = String(condition),
): Promise<NonNullable<T>> {
  const giveUpMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > giveUpMs) throw new Error(`waited ${DEADLINE_MS} ms in vain for: ${what}`);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}
