/**
 * Which topics somebody subscribes to, so that a device's PUBLISH nobody listens to can end after its
 * PUBACK. It may say yes too often (a wildcard and a `$` topic), never no wrongly.
 */
interface Level {
  /** Subscriptions whose filter ends here. */
  count: number;
  /** Made with the first child: most levels are the last one. */
  children: Map<string, Level> | null;
}

/** A counted set of MQTT topic filters (MQTT 3.1.1 section 4.7). */
export class SubscriptionIndex {
  #root: Level = { count: 0, children: null };
  #generation = 0;

  /** Changes whenever an answer of `matches` may have changed. */
  get generation(): number {
    return this.#generation;
  }

  add(filter: string): void {
    let level = this.#root;
    for (const name of filter.split('/')) {
      level.children ??= new Map();
      let next = level.children.get(name);
      if (next === undefined) {
        next = { count: 0, children: null };
        level.children.set(name, next);
      }
      level = next;
    }
    level.count += 1;
    this.#generation += 1;
  }

  /** The filter must have been added before. */
  remove(filter: string): void {
    removeFrom(this.#root, filter.split('/'), 0);
    this.#generation += 1;
  }

  /** Whether a message on this topic has a subscriber. */
  matches(topic: string): boolean {
    return matchesFrom(this.#root, topic.split('/'), 0);
  }
}

function removeFrom(level: Level, names: readonly string[], depth: number): void {
  const name = names[depth];
  if (name === undefined) {
    level.count -= 1;
    return;
  }
  const child = level.children?.get(name);
  if (child === undefined) return;
  removeFrom(child, names, depth + 1);
  if (child.count === 0 && child.children === null) {
    level.children?.delete(name);
    if (level.children?.size === 0) level.children = null;
  }
}

function matchesFrom(level: Level, names: readonly string[], depth: number): boolean {
  const { children } = level;
  // `a/#` matches `a` too: the wildcard includes its parent level [MQTT-4.7.1-2].
  if (children?.has('#') === true) return true;
  const name = names[depth];
  if (name === undefined) return level.count > 0;
  if (children === null) return false;
  const literal = children.get(name);
  if (literal !== undefined && matchesFrom(literal, names, depth + 1)) return true;
  const single = children.get('+');
  return single !== undefined && matchesFrom(single, names, depth + 1);
}
