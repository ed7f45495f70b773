import type { Session } from './session.ts';
import type { SessionLog } from './session-log.ts';
import type { Subscription } from './subscription-tree.ts';

/** What one session subscribes to; by which of its filters messages come is known to the tree. */
export class SessionFilters {
  readonly #session: Session;
  readonly #log: SessionLog;
  readonly #byFilter = new Map<string, Subscription>();

  constructor(session: Session, log: SessionLog) {
    this.#session = session;
    this.#log = log;
  }

  get size(): number {
    return this.#byFilter.size;
  }

  all(): Iterable<Subscription> {
    return this.#byFilter.values();
  }

  get(filter: string): Subscription | undefined {
    return this.#byFilter.get(filter);
  }

  /** Adds a filter, or gives the one there is the QoS. */
  set(filter: string, qos: 0 | 1 | 2): Subscription {
    const subscription = this.#byFilter.get(filter) ?? this.restore(filter, qos);
    if (subscription.isActive && subscription.qos === qos) return subscription;
    subscription.qos = qos;
    this.#note(filter);
    return subscription;
  }

  /** @returns what it was */
  delete(filter: string): Subscription | undefined {
    const subscription = this.#byFilter.get(filter);
    if (subscription === undefined) return undefined;
    this.#byFilter.delete(filter);
    this.#note(filter);
    return subscription;
  }

  /** As a process before this one had it. */
  restore(filter: string, qos: 0 | 1 | 2): Subscription {
    const subscription: Subscription = { session: this.#session, filter, qos, isActive: false };
    this.#byFilter.set(filter, subscription);
    return subscription;
  }

  #note(filter: string): void {
    if (this.#session.isKept && !this.#session.isGone) this.#log.changes.filter(this.#session, filter);
  }
}
