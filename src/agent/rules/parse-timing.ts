/** The times in which a rule may fire: `between`, `days` and `zone`. */
import type { DeviceDefinition } from '../../device/index.ts';
import { refuse, show } from './parse-fields.ts';
import { DAYS, type Day, type Timing } from './rule.ts';
import { canonicalZone } from './zone.ts';

/** Empty for a rule without times. @throws BridgeError BRG_RULE */
export function parseTiming(fields: Readonly<Record<string, unknown>>, definition: DeviceDefinition): Timing {
  const between = parseBetween(fields['between']);
  const days = parseDays(fields['days']);
  if (between === undefined && days === undefined) {
    if (fields['zone'] === undefined) return {};
    return refuse('zone', 'goes with between or days only');
  }
  const zone = parseZone(fields['zone'] ?? definition.policy.timeZone);
  return { ...(between && { between }), ...(days && { days }), zone };
}

const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

function parseBetween(input: unknown): readonly [string, string] | undefined {
  if (input === undefined) return undefined;
  const [from, to, more]: readonly unknown[] = Array.isArray(input) ? input : [];
  if (typeof from !== 'string' || typeof to !== 'string' || more !== undefined)
    return refuse('between', `must be two times of day such as ["22:00", "06:00"], not ${show(input)}`);
  const wrong = [from, to].find((time) => !TIME.test(time));
  if (wrong !== undefined)
    return refuse('between', `must be of times from "00:00" to "23:59", not ${show(wrong)}`);
  if (from === to) return refuse('between', 'must be of two different times; leave it out for all day');
  return [from, to];
}

/** In the order of the week; undefined when it is every day. */
function parseDays(input: unknown): readonly Day[] | undefined {
  if (input === undefined) return undefined;
  const wanted: readonly unknown[] = Array.isArray(input) ? input : [];
  const known = DAYS.filter((day) => wanted.includes(day));
  if (wanted.length === 0 || known.length !== wanted.length)
    return refuse('days', `must be a list of some of ${DAYS.join(', ')}, each once, not ${show(input)}`);
  return known.length === DAYS.length ? undefined : known;
}

function parseZone(input: unknown): string {
  const zone = input === undefined || typeof input === 'string' ? canonicalZone(input) : undefined;
  return (
    zone ?? refuse('zone', `must be an IANA time zone such as "Europe/Berlin" or "UTC", not ${show(input)}`)
  );
}
