/** What MQTT clients were denied lately: who may see it, in words, and in an order that does not jump. */
import type { Denial, Me } from './api-types.ts';
import { plural } from './format.ts';

/** The bridge keeps one entry for each. */
export function denialKey({ name, action, topic }: Denial): string {
  return JSON.stringify([name, action, topic]);
}

/** What is shown stays where it is, so that nothing moves below a pointer or the focus; what is new comes first. */
export function inShownOrder(shown: readonly Denial[], read: readonly Denial[]): Denial[] {
  const latest = new Map(read.map((denial) => [denialKey(denial), denial]));
  const kept = shown.flatMap((denial) => latest.get(denialKey(denial)) ?? []);
  const known = new Set(shown.map(denialKey));
  return [...read.filter((denial) => !known.has(denialKey(denial))), ...kept];
}

export function triedText(count: number): string {
  return count === 1 ? 'once' : plural(count, 'time');
}

/** Denials are of no agent: whose token is bound to some is not told of them. */
export function maySeeDenials(me: Me | null): boolean {
  return me !== null && me.agents === null && me.scopes.includes('read');
}
