/** What a condition is about: the metrics of the device, by all the names people give them. */
import type { DeviceDefinition, Metric } from '../../../device/index.ts';
import { alt, map, opt, say, sayAny, seq, type Parser } from './parser.ts';

/** What can be watched, and how the device itself is called. */
export interface Vocabulary {
  readonly metrics: readonly Metric[];
  readonly subject: Parser<Metric>;
  /** The device, as the subject of a sentence. */
  readonly device: Parser<unknown>;
}

const ARTICLES = opt(say("the|its|my|our|this|the device's|the current|current"));

/** @param names of the device itself */
export function vocabularyOf(
  { metrics: all, model }: DeviceDefinition,
  names: readonly string[],
): Vocabulary {
  const metrics = all.filter(({ access }) => access !== 'write');
  const owners = [...new Set([model, ...names].flatMap((name) => [name, ...wordsOf(name)]))];
  const owner = sayAny([...owners.map((name) => name.toLowerCase()), 'device', 'sensor']);
  const ofDevice = seq(say('of|on|in|at'), opt(say('the|this|my|our')), owner);
  const named = alt(
    ...metrics.map((metric) => map(sayAny([...new Set(namesOf(metric.name))]), () => metric)),
  );
  const subject = map(
    seq(ARTICLES, opt(owner), named, opt(say('level|value|reading|readings')), opt(ofDevice)),
    ([, , metric]) => metric,
  );
  const numbers = metrics.filter(({ kind }) => kind === 'numeric');
  const only = numbers.length === 1 ? numbers[0] : undefined;
  // "it" is the only number there is, if there is only one.
  const it = map(say('it'), () => only);
  return { metrics, subject: alt(subject, it), device: alt<unknown>(say('it'), seq(ARTICLES, owner)) };
}

/** `set_point`: as it is, and in words. */
function namesOf(name: string): string[] {
  return [name.toLowerCase(), wordsOf(name).join(' ')];
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_.-]+/)
    .filter((word) => word !== '');
}
