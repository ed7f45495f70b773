/** What one connection may publish and get. Without identities: everything. */
import { limits } from '../base/limits.ts';
import type { Action, Principal } from '../identity/index.ts';
import type { BrokerContext } from './context.ts';
import type { Client } from './mqtt-server.ts';

/** See the head of this file. */
export class Permissions {
  readonly #context: BrokerContext;
  readonly #client: Client;
  #principal: Principal | null = null;
  #isAuthenticated = false;
  /** No line in the log about this connection until then. */
  #quietUntilMs = 0;
  #lastTopic = '';
  #isLastReceived = false;

  constructor(context: BrokerContext, client: Client) {
    this.#context = context;
    this.#client = client;
  }

  /** Says who it is; null: nobody is asked. */
  authenticated(principal: Principal | null): void {
    this.#principal = principal;
    this.#isAuthenticated = true;
  }

  /** Whether it may do it with all topics of the filter, or with the topic. */
  may(action: Action, filter: string): boolean {
    if (!this.#isAuthenticated) return false;
    return this.#principal === null || this.#principal.ruleFor(action, filter) !== undefined;
  }

  /** Whether a message for one of its subscriptions may be delivered: the second look, behind the one at the filter. */
  mayReceive(topic: string): boolean {
    if (this.#principal === null) return this.#isAuthenticated;
    if (topic !== this.#lastTopic) {
      this.#lastTopic = topic;
      this.#isLastReceived = this.may('subscribe', topic);
    }
    return this.#isLastReceived;
  }

  /** Empty: nobody is asked. */
  get name(): string {
    return this.#principal?.name ?? '';
  }

  /** Whether it is still who it was, with the same rights. */
  isCurrent(): boolean {
    const { identities } = this.#context;
    if (identities === null) return true;
    return this.#principal === null ? identities.isOpen : identities.isCurrent(this.#principal);
  }

  /** Counts what it may not, and tells the operator once a minute. */
  denied(action: Action, filter: string): void {
    const { counters, log } = this.#context;
    counters.denied('acl');
    const nowMs = performance.now();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + limits.deniedLogMs;
    const name = this.#principal?.name ?? null;
    log.warn(
      { name, client: this.#client.id, action, topic: filter },
      `denied; mooring acl explain ${name ?? ''} ${action} '${filter}' says why`,
    );
  }
}
