/** Topic names and filters of MQTT 3.1.1 section 4.7 as sets of topics. */

/**
 * Whether every topic that `inner` matches is one that `outer` matches. `inner` may be a topic name.
 * "a/#" matches "a" too [MQTT-4.7.1-2]. A wildcard in the first level does not match topics that begin with `$` [MQTT-4.7.2-1].
 */
export function contains(outer: string, inner: string): boolean {
  if (inner === '#') return outer === '#' || outer === '+/#'; // those match all that do not begin with `$`
  let [left, right] = [0, 0]; // where the levels begin; -1: there are no more
  for (let isFirst = true; ; isFirst = false) {
    if (isLevel(outer, left, '#')) return !isFirst || !isSystem(inner);
    if (left === -1 || right === -1) return left === right;
    if (isLevel(inner, right, '#')) return false;
    if (isLevel(outer, left, '+')) {
      if (isFirst && isSystem(inner)) return false;
    } else if (!isSameLevel(outer, left, inner, right)) return false;
    left = nextLevel(outer, left);
    right = nextLevel(inner, right);
  }
}

/** Whether the level at `at` is this wildcard. */
function isLevel(filter: string, at: number, wildcard: '#' | '+'): boolean {
  return at !== -1 && filter[at] === wildcard && (at + 1 === filter.length || filter[at + 1] === '/');
}

function isSameLevel(one: string, at: number, other: string, otherAt: number): boolean {
  const length = levelEnd(one, at) - at;
  return (
    levelEnd(other, otherAt) - otherAt === length && other.startsWith(one.slice(at, at + length), otherAt)
  );
}

function levelEnd(filter: string, at: number): number {
  const slash = filter.indexOf('/', at);
  return slash === -1 ? filter.length : slash;
}

function nextLevel(filter: string, at: number): number {
  const slash = filter.indexOf('/', at);
  return slash === -1 ? -1 : slash + 1;
}

function isSystem(topic: string): boolean {
  return topic.startsWith('$');
}

/** What a template means for somebody: `{model}`, `{id}`, `{user}` replaced; null where it says nothing about them. */
export function expand(
  template: string,
  values: Readonly<Record<'model' | 'id' | 'user', string>>,
): string | null {
  let isEmpty = false;
  const filter = template.replace(/\{(model|id|user)\}/g, (_, name: 'model' | 'id' | 'user') => {
    const value = values[name];
    // A wildcard in a name would widen what is granted (CVE-2017-7650); names have none, this is the second look.
    if (value === '' || /[#+]/.test(value)) isEmpty = true;
    return value;
  });
  return isEmpty ? null : filter;
}

/** Whether a text can be a topic filter with placeholders. */
export function isFilter(template: string): boolean {
  if (template === '' || template.includes('\0')) return false;
  const levels = template.split('/');
  return levels.every((level, at) => {
    if (level === '+' || (level === '#' && at === levels.length - 1)) return true;
    return !/[#+]/.test(level);
  });
}
