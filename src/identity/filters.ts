/** Topic names and filters of MQTT 3.1.1 section 4.7 as sets of topics. */

/**
 * Whether every topic that `inner` matches is one that `outer` matches. `inner` may be a topic name.
 * "a/#" matches "a" too [MQTT-4.7.1-2]. A wildcard in the first level does not match topics that begin with `$` [MQTT-4.7.2-1].
 */
export function contains(outer: string, inner: string): boolean {
  const wide = outer.split('/');
  const narrow = inner === '#' ? ['+', '#'] : inner.split('/'); // the same topics
  for (let at = 0; ; at++) {
    const [left, right] = [wide[at], narrow[at]];
    if (left === '#') return at > 0 || right === '#' || right === '+' || !isSystem(right);
    if (left === undefined || right === undefined) return left === right;
    if (right === '#') return false;
    if (left === '+') {
      if (at === 0 && isSystem(right)) return false;
    } else if (left !== right) return false;
  }
}

function isSystem(level: string | undefined): boolean {
  return level?.startsWith('$') ?? false;
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
