import type { AgentAddress } from '../base/address.ts';
import { hasScope, reaches, type Reach, type Scope } from './scopes.ts';

/** How somebody has proved who they are over HTTP. */
export type Proof = 'setting' | 'token' | 'user' | 'jwt';

/** Somebody who asks over HTTP and has proved who they are. */
export class Caller {
  readonly proof: Proof;
  readonly name: string;
  readonly reach: Reach;
  /** When the proof ends; null: never by itself. */
  readonly expiresAtMs: number | null;
  readonly #holds: () => boolean;

  /** @param facts `holds`: whether what was proved is still so */
  constructor(facts: Pick<Caller, 'proof' | 'name' | 'reach' | 'expiresAtMs'> & { holds: () => boolean }) {
    this.proof = facts.proof;
    this.name = facts.name;
    this.reach = facts.reach;
    this.expiresAtMs = facts.expiresAtMs;
    this.#holds = facts.holds;
  }

  /** Whether it is still who it was, with the same rights. Throws what the database does. */
  get isCurrent(): boolean {
    return (this.expiresAtMs === null || this.expiresAtMs > Date.now()) && this.#holds();
  }

  /** As logs and the audit log have it: `token:ci`, `user:anna`, `jwt:anna`; of the tokens of settings the name alone. */
  get label(): string {
    return this.proof === 'setting' ? this.name : `${this.proof}:${this.name}`;
  }

  /** The person behind it, if it is one for certain: a token may be anybody's. */
  get person(): string | null {
    return this.proof === 'user' || this.proof === 'jwt' ? this.name : null;
  }

  /** Whether it reaches every agent, and what belongs to none. */
  get isUnbound(): boolean {
    return this.reach.agents === null;
  }

  may(scope: Scope): boolean {
    return hasScope(this.reach, scope);
  }

  mayReach(address: AgentAddress): boolean {
    return reaches(this.reach.agents, address);
  }
}
