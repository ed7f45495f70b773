import type { AgentAddress } from '../base/address.ts';
import { ruleFor, type AccessRule, type Action } from './access-rules.ts';

/** What a name of a user may be. */
export const USER_NAME = /^[A-Za-z0-9._~:-]{1,128}$/;

/** Of somebody an issuer of tokens vouches for. */
interface Voucher {
  readonly expiresAtMs: number;
  /** Of the keys the token was checked with. */
  readonly generation: number;
  /** What it was granted besides, as text to compare. */
  readonly grants: string;
  readonly isAdmin: boolean;
}

/** Somebody who has proved who they are. */
export class Principal {
  /** `model/id` of a device, else the name of a user. */
  readonly name: string;
  /** The agent it speaks for; null: a user. */
  readonly device: AgentAddress | null;
  /** Another number: something about it has changed since. */
  readonly version: number;
  /** Null: it is known here. */
  readonly voucher: Voucher | null;
  readonly #rules: readonly AccessRule[];

  constructor(
    name: string,
    device: AgentAddress | null,
    version: number,
    rules: readonly AccessRule[],
    voucher: Voucher | null = null,
  ) {
    this.name = name;
    this.device = device;
    this.version = version;
    this.voucher = voucher;
    this.#rules = rules;
  }

  /** The rule that lets it; undefined: none does. @param filter a topic filter, or a topic */
  ruleFor(action: Action, filter: string): AccessRule | undefined {
    return ruleFor(this.#rules, action, filter);
  }

  /** All that let it do something with some topics. */
  rulesOf(action: Action): readonly AccessRule[] {
    return this.#rules.filter((rule) => rule.action === action);
  }
}
