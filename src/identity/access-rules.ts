/** What somebody may publish and subscribe to, and which rule says so. */
import type { GrantRow, IdentityRow } from '../store/index.ts';
import { contains, expand } from './filters.ts';

export type Action = 'publish' | 'subscribe';

/** One filter somebody may use. Everything without a rule is denied. */
export interface AccessRule {
  readonly action: Action;
  readonly filter: string;
  /** Where it comes from, for people. */
  readonly origin: string;
}

/** A device speaks for itself and for nobody else (docs/protocol.md, MQTT topics). */
const DEVICE_TOPICS: readonly (readonly [Action, string])[] = [
  ['publish', 'telemetry'],
  ['publish', 'reported'],
  ['publish', 'result/+'],
  ['publish', 'call/+/+'],
  ['publish', 'presence'],
  ['subscribe', 'desired'],
  ['subscribe', 'command/#'],
  ['subscribe', 'reply/#'],
  ['subscribe', 'frames'],
];

/** The rules of an identity: those of its role, those granted to it, and those granted to everybody. */
export function rulesOf(row: IdentityRow, grants: readonly GrantRow[]): AccessRule[] {
  const { name, role, model, id } = row;
  const own = grants.flatMap(({ name: to, action, filter: template }) => {
    const filter = expand(template, { model, id, user: name });
    const origin = `granted to ${to === '*' ? 'everybody' : to}: ${template}`;
    return filter === null ? [] : [{ action, filter, origin }];
  });
  if (role === 'admin') {
    const all = (action: Action): AccessRule => ({ action, filter: '#', origin: 'role admin' });
    return [all('publish'), all('subscribe'), ...own];
  }
  if (role !== 'device') return own;
  const device = DEVICE_TOPICS.map(([action, rest]) => ({
    action,
    filter: `devices/${model}/${id}/${rest}`,
    origin: 'role device',
  }));
  return [...device, ...own];
}

/** The rule that lets somebody do it with all topics of the filter, or with the topic; undefined: none does. */
export function ruleFor(
  rules: readonly AccessRule[],
  action: Action,
  filter: string,
): AccessRule | undefined {
  return rules.find((rule) => rule.action === action && contains(rule.filter, filter));
}
