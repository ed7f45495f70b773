/** A tree of the levels of topics, or of filters (MQTT 3.1.1 section 4.7). */
export interface Level<T> {
  /** What is kept of the topic that ends here; null: nothing, it is part of longer ones. */
  value: T | null;
  /** Made with the first child: most levels are the last one. */
  children: Map<string, Level<T>> | null;
}

export function newLevel<T>(): Level<T> {
  return { value: null, children: null };
}

/** The level at which `topic` ends; made, with those before it, where there is none. */
export function levelOf<T>(root: Level<T>, topic: string): Level<T> {
  let level = root;
  for (const name of topic.split('/')) {
    level.children ??= new Map();
    let next = level.children.get(name);
    if (next === undefined) level.children.set(name, (next = newLevel()));
    level = next;
  }
  return level;
}

/** Gives the topic what `change` makes of what it has; levels that are good for nothing then are taken away. */
export function changeAt<T>(root: Level<T>, topic: string, change: (value: T | null) => T | null): void {
  changeFrom(root, topic.split('/'), 0, change);
}

function changeFrom<T>(
  level: Level<T>,
  names: readonly string[],
  depth: number,
  change: (value: T | null) => T | null,
): void {
  const name = names[depth];
  if (name === undefined) {
    level.value = change(level.value);
    return;
  }
  const child = level.children?.get(name);
  if (child === undefined) return;
  changeFrom(child, names, depth + 1, change);
  if (child.value === null && child.children === null) {
    level.children?.delete(name);
    if (level.children?.size === 0) level.children = null;
  }
}
