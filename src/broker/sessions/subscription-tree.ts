/** Who subscribes to what: a tree of the levels of all filters (MQTT 3.1.1 section 4.7). */
import { changeAt, levelOf, newLevel, type Level } from './level-tree.ts';
import type { Session } from './session.ts';

/** One filter of one session. */
export interface Subscription {
  readonly session: Session;
  readonly filter: string;
  qos: 0 | 1 | 2;
  /** Whether messages come by it: not before its SUBACK. */
  isActive: boolean;
}

/** Who gets a message, with the highest QoS of the filters by which they do [MQTT-3.3.5-1]. */
export interface Receiver {
  readonly session: Session;
  readonly qos: 0 | 1 | 2;
}

/** At each level those whose filter ends there. */
type FilterLevel = Level<Subscription[]>;

/** See the head of this file. */
export class SubscriptionTree {
  readonly #root: FilterLevel = newLevel();
  #generation = 0;

  /** Changes whenever an answer of `matches` or `receivers` may have changed. */
  get generation(): number {
    return this.#generation;
  }

  add(subscription: Subscription): void {
    (levelOf(this.#root, subscription.filter).value ??= []).push(subscription);
    this.#generation += 1;
  }

  /** The subscription must have been added before. */
  remove(subscription: Subscription): void {
    changeAt(this.#root, subscription.filter, (ends) => without(ends, subscription));
    this.#generation += 1;
  }

  /** The QoS of one of them is another. */
  changed(): void {
    this.#generation += 1;
  }

  /** Whether a message on this topic has a subscriber. */
  matches(topic: string): boolean {
    const names = topic.split('/');
    return !walk(this.#root, names, 0, isOwnTopic(topic), () => false);
  }

  /** All subscriptions of the topic, several of one session too. */
  matching(topic: string): Subscription[] {
    const found: Subscription[] = [];
    walk(this.#root, topic.split('/'), 0, isOwnTopic(topic), (ends) => {
      for (const subscription of ends) found.push(subscription);
      return true;
    });
    return found;
  }

  /** Each session that gets a message on this topic, once. */
  receivers(topic: string): readonly Receiver[] {
    const found = this.matching(topic);
    if (found.length < 2) return found;
    const highest = new Map<Session, 0 | 1 | 2>();
    for (const { session, qos } of found) {
      const known = highest.get(session);
      if (known === undefined || known < qos) highest.set(session, qos);
    }
    return highest.size === found.length
      ? found
      : Array.from(highest, ([session, qos]) => ({ session, qos }));
  }
}

/** A wildcard at the front does not match it [MQTT-4.7.2-1]. */
function isOwnTopic(topic: string): boolean {
  return topic.startsWith('$');
}

/** Their order is of no account. */
function without(ends: Subscription[] | null, subscription: Subscription): Subscription[] | null {
  const index = ends?.indexOf(subscription) ?? -1;
  if (ends === null || index < 0) return ends;
  const last = ends.pop();
  if (last !== undefined && last !== subscription) ends[index] = last;
  return ends.length === 0 ? null : ends;
}

type Visit = (ends: readonly Subscription[]) => boolean;

/** Calls `visit` with what ends at each level that matches, until it answers false; answers whether all were visited. */
function walk(
  level: FilterLevel,
  names: readonly string[],
  depth: number,
  isOwn: boolean,
  visit: Visit,
): boolean {
  const { children } = level;
  const hasWildcards = depth > 0 || !isOwn;
  // `a/#` matches `a` too: the wildcard includes its parent level [MQTT-4.7.1-2].
  const rest = hasWildcards ? children?.get('#')?.value : undefined;
  if (rest !== undefined && rest !== null && !visit(rest)) return false;
  const name = names[depth];
  if (name === undefined) return level.value === null || visit(level.value);
  if (children === null) return true;
  const literal = children.get(name);
  if (literal !== undefined && !walk(literal, names, depth + 1, isOwn, visit)) return false;
  const single = hasWildcards ? children.get('+') : undefined;
  return single === undefined || walk(single, names, depth + 1, isOwn, visit);
}
