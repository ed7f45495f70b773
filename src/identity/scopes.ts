/** What somebody may do over HTTP: scopes, and the agents they hold for. What is not named is denied. */
import { isAddress, type AgentAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';

/**
 * `read`: look, and listen. `act`: call tools of agents, under the policy of each device. `approve`: what a person does with
 * devices: decide approvals, send commands, change desired state and rules, chat, call an author's methods. `admin`: all of it,
 * and the bridge itself: delete, export and import agents, copies, MCP servers.
 */
export const SCOPES = ['read', 'act', 'approve', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Which scopes, for which agents. */
export interface Reach {
  readonly scopes: ReadonlySet<Scope>;
  /** `model/id`, `model/*`; null: all agents, and what belongs to none. */
  readonly agents: readonly string[] | null;
}

export const ALL_SCOPES: ReadonlySet<Scope> = new Set(SCOPES);

/** The scopes in a text such as `read,act`, as stored and as typed; undefined: it names none, or what is none. */
export function parseScopes(text: string): Scope[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const known = SCOPES.filter((scope) => words.includes(scope));
  return known.length === 0 || words.some((word) => !isScope(word)) ? undefined : known;
}

export function isScope(word: string): word is Scope {
  return (SCOPES as readonly string[]).includes(word);
}

/** Agents in a text such as `pump/*,greenhouse/g7`; null for `*`, which is all; undefined: that is none. */
export function parseAgents(text: string): string[] | null | undefined {
  const patterns = text.split(/[\s,]+/).filter((pattern) => pattern !== '');
  if (patterns.length === 1 && patterns[0] === '*') return null;
  const isGood =
    patterns.length > 0 && patterns.length <= limits.agentPatternsMax && patterns.every(isPattern);
  return isGood ? patterns : undefined;
}

function isPattern(pattern: string): boolean {
  const [model = '', id = '', ...rest] = pattern.split('/');
  return rest.length === 0 && isAddress(model, id === '*' ? 'x' : id);
}

/** Whether the agent is one of them. */
export function reaches(agents: Reach['agents'], { model, id }: AgentAddress): boolean {
  return agents === null || agents.includes(`${model}/*`) || agents.includes(`${model}/${id}`);
}

/** `admin` holds all others. */
export function hasScope({ scopes }: Reach, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin');
}
