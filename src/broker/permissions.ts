/** What one connection may publish and get. Without identities: everything. */
import { limits } from '../base/limits.ts';
import type { Action, Principal } from '../identity/index.ts';
import type { BrokerContext } from './context.ts';
import type { Client } from './mqtt-server.ts';

/** See the head of this file. */
export class Permissions {
  readonly #context: BrokerContext;
  readonly #client: Client;
  /** Address it comes from. */
  readonly #source: string;
  #principal: Principal | null = null;
  #isAuthenticated = false;
  /** No line in the log about this connection until then. */
  #quietUntilMs = 0;
  #lastTopic = '';
  #isLastReceived = false;

  constructor(context: BrokerContext, client: Client, source: string) {
    this.#context = context;
    this.#client = client;
    this.#source = source;
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

  /**
   * Under which name what it retains is kept. Empty: it may for ever, for nobody is asked, or an issuer of tokens called it an
   * admin, which its name does not tell later.
   */
  get name(): string {
    return this.#principal?.voucher?.isAdmin === true ? '' : (this.#principal?.name ?? '');
  }

  /** Whether it is still who it was, with the same rights. */
  isCurrent(): boolean {
    const { identities } = this.#context;
    if (identities === null) return true;
    return this.#principal === null ? identities.isOpen : identities.isCurrent(this.#principal);
  }

  /** Counts and notes what it may not, and tells the operator once a minute. */
  denied(action: Action, filter: string): void {
    const { counters, identities, log } = this.#context;
    counters.denied('acl');
    const client = this.#clientId();
    identities?.denials.add(this.#principal, { action, topic: filter, client, source: this.#source });
    const nowMs = performance.now();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + limits.deniedLogMs;
    const name = this.#principal?.name ?? null;
    log.warn(
      { name, client, action, topic: filter },
      `denied; mooring acl explain ${name ?? ''} ${action} '${filter}' says why`,
    );
  }

  /** As the client sent it, without the identity its session is kept under (`sessionName`). */
  #clientId(): string {
    const id = this.#client.id ?? '';
    return id.endsWith(`@${this.#principal?.name ?? ''}`) ? id.slice(0, id.lastIndexOf('@')) : id;
  }
}
