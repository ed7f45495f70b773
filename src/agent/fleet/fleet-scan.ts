/**
 * Looks at agents without waking them, a page at a time: between two of them the shards do whatever else there is. What a
 * sleeping device said last is in its rows.
 */
import type { ActorContext, AgentSummary } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import { isJsonObject } from '../merge-patch.ts';

const OPERATORS = {
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '=': (a: unknown, b: unknown) => a === b,
  '!=': (a: unknown, b: unknown) => a !== b,
} as const;

export type Operator = keyof typeof OPERATORS;
export const OPERATOR_NAMES = Object.keys(OPERATORS);

/** Which devices are meant: all that is given holds. A JSON value, stored with groups. */
export interface FleetFilter {
  readonly model?: string;
  readonly presence?: 'online' | 'offline' | 'never';
  /** Part of `model/id`. */
  readonly text?: string;
  /** Nothing was heard of it for so long, or ever. */
  readonly silentMinutes?: number;
  /** With `op` and `value`: what the device said last. A device that never said it does not match. */
  readonly metric?: string;
  readonly op?: Operator;
  readonly value?: number | boolean | string;
}

/** Devices that a filter describes, or that are listed by `model/id`. */
export type FleetScope =
  | { readonly kind: 'search'; readonly filter: FleetFilter }
  | { readonly kind: 'members'; readonly members: readonly string[] };

export const EVERYONE: FleetScope = { kind: 'search', filter: {} };

/** Calls `look` for each device of the scope that fits; false: there are more than are looked at for one answer. */
export async function scan(
  context: ActorContext,
  scope: FleetScope,
  filter: FleetFilter,
  look: (row: AgentSummary) => void,
): Promise<boolean> {
  const now = context.now();
  let left = limits.fleetScanMax;
  for (const next = pagesOf(context, scope, filter); ;) {
    const { rows, isLast } = await next();
    for (const row of rows) if (isIn(row, scope, now) && matches(row, filter, now)) look(row);
    left -= limits.fleetScanStep;
    if (isLast) return true;
    if (left <= 0) return false;
  }
}

/** Whether the scope has this device. */
export function isIn(row: AgentSummary, scope: FleetScope, nowMs: number): boolean {
  if (scope.kind === 'search') return matches(row, scope.filter, nowMs);
  return scope.members.includes(`${row.model}/${row.id}`);
}

/** What a device said last of a metric; undefined: nothing. */
export function valueOf({ state }: AgentSummary, metric: string): unknown {
  return isJsonObject(state) && Object.hasOwn(state, metric) ? state[metric] : undefined;
}

/** As lists have them: by model, then by id. */
export function inOrder(a: string, b: string): number {
  // No character of a model or an id comes before this one.
  const [first, second] = [a.replace('/', '\n'), b.replace('/', '\n')];
  return first < second ? -1 : first > second ? 1 : 0;
}

interface Page {
  readonly rows: readonly AgentSummary[];
  readonly isLast: boolean;
}

function pagesOf({ fleet }: ActorContext, scope: FleetScope, filter: FleetFilter): () => Promise<Page> {
  if (scope.kind === 'members') {
    const keys = [...scope.members];
    return async () => {
      const rows = await fleet.summaries(keys.splice(0, limits.fleetScanStep));
      return { rows, isLast: keys.length === 0 };
    };
  }
  // What rows can tell is asked of them.
  const { model, presence, text } = { ...filter, ...scope.filter };
  const query = { model: model ?? null, presence: presence ?? null, q: text ?? null };
  let after: string | null = null;
  return async () => {
    const { agents, cursor } = await fleet.page({ ...query, limit: limits.fleetScanStep }, after);
    after = cursor;
    return { rows: agents, isLast: cursor === null };
  };
}

function matches(row: AgentSummary, filter: FleetFilter, nowMs: number): boolean {
  const { model, presence, text, silentMinutes, metric, op, value } = filter;
  if (model !== undefined && row.model !== model) return false;
  if (presence !== undefined && row.presence !== presence) return false;
  if (text !== undefined && !`${row.model}/${row.id}`.toLowerCase().includes(text.toLowerCase()))
    return false;
  if (silentMinutes !== undefined && nowMs - (row.lastSeen ?? 0) < silentMinutes * 60_000) return false;
  if (metric === undefined) return true;
  const said = valueOf(row, metric);
  if (said === undefined) return false;
  return op === undefined || value === undefined || holds(said, op, value);
}

function holds(said: unknown, op: Operator, value: number | boolean | string): boolean {
  switch (op) {
    case '=':
    case '!=':
      return OPERATORS[op](said, value);
    default:
      return typeof said === 'number' && typeof value === 'number' && OPERATORS[op](said, value);
  }
}
