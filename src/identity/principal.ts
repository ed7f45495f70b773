import type { AgentAddress } from '../base/address.ts';
import { ruleFor, type AccessRule, type Action } from './access-rules.ts';

/** Somebody who has proved who they are. */
export class Principal {
  /** `model/id` of a device, else the name of a user. */
  readonly name: string;
  /** The agent it speaks for; null: a user. */
  readonly device: AgentAddress | null;
  /** Another number: something about it has changed since. */
  readonly version: number;
  readonly #rules: readonly AccessRule[];

  constructor(name: string, device: AgentAddress | null, version: number, rules: readonly AccessRule[]) {
    this.name = name;
    this.device = device;
    this.version = version;
    this.#rules = rules;
  }

  /** The rule that lets it; undefined: none does. @param filter a topic filter, or a topic */
  ruleFor(action: Action, filter: string): AccessRule | undefined {
    return ruleFor(this.#rules, action, filter);
  }
}
