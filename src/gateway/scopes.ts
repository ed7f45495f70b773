/**
 * What a token must be good for, operation by operation. What is not named here is for admins, so that a new route is open to
 * nobody until somebody has thought about it; only a plain read takes no more than the scope `read`.
 */
import { checkReach, checkScope, checkUnbound } from './access.ts';
import type { Caller, Scope } from '../identity/index.ts';
import type { AgentAddress } from '../base/address.ts';
import type { Route } from './route.ts';

/** They run under the policy of the device, whoever calls. */
const ACT: ReadonlySet<string> = new Set(['runTool']);
/** A person's word: approvals, and what needs none when a person does it. */
const APPROVE: ReadonlySet<string> = new Set([
  ...['decideApproval', 'answerMcpQuestion', 'sendCommand', 'patchDesired', 'addRule', 'deleteRule'],
  ...['deleteRuleById', 'askAgent', 'callAgent', 'cancelSchedule', 'hibernateAgent'],
]);
/** An export holds what an agent keeps secret. */
const ADMIN: ReadonlySet<string> = new Set(['exportAgent']);
/** Answers about all agents of which a token that is bound to some gets what is of those. */
const LISTS: ReadonlySet<string> = new Set(['listAgents', 'listAttention', 'listAllApprovals', 'listAudit']);
/** Answers that are of no agent. */
const ANYBODY: ReadonlySet<string> = new Set(['listModels', 'readOpenapi', 'readHealth', 'readReadiness']);

/** What the route takes; null: nothing, or what its answer checks itself. */
export function scopeOf({
  method,
  operation,
  does,
}: Pick<Route, 'method' | 'operation' | 'does'>): Scope | null {
  if (does.kind === 'access') return does.scope;
  if (ACT.has(operation)) return 'act';
  if (APPROVE.has(operation)) return 'approve';
  return method === 'GET' && !ADMIN.has(operation) ? 'read' : 'admin';
}

/** Throws BRG_FORBIDDEN unless who asks may ask this. `address`: of the path; null: it has none. */
export function checkRoute(caller: Caller | null, route: Route, address: AgentAddress | null): void {
  if (caller === null) return;
  const scope = scopeOf(route);
  if (scope !== null) checkScope(caller, scope);
  if (address !== null) checkReach(caller, address);
  else if (scope !== null && !LISTS.has(route.operation) && !ANYBODY.has(route.operation))
    checkUnbound(caller);
}

/** The answer without the rows of agents that who asks does not reach. */
export function ownRows(caller: Caller | null, route: Route, answer: unknown): unknown {
  if (caller === null || caller.isUnbound || !LISTS.has(route.operation)) return answer;
  const parts = Object.entries(answer as Record<string, unknown>); // every answer of the agents is an object
  return Object.fromEntries(
    parts.map(([name, part]) => [
      name,
      Array.isArray(part) ? part.filter((row) => isOwn(caller, row)) : part,
    ]),
  );
}

/** Rows say whose they are as `model` and `id`, or as `agent`; one that does not is nobody's. */
function isOwn(caller: Caller, row: unknown): boolean {
  const { agent, model, id } = row as { agent?: unknown; model?: unknown; id?: unknown }; // rows of the lists are objects
  const [of, which] = typeof agent === 'string' ? agent.split('/') : [model, id];
  return typeof of === 'string' && typeof which === 'string' && caller.mayReach({ model: of, id: which });
}
