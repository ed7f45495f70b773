/** From words to what a rule watches: one condition or a group, how long, and when it re-arms. */
import { limits } from '../../../base/limits.ts';
import type { Metric } from '../../../device/index.ts';
import type { Condition, Member, When } from '../rule.ts';
import { comparisonsOf, type Comparisons } from './comparisons.ts';
import { alt, map, opt, say, sayAny, seq, type Parser } from './parser.ts';
import { duration, number, unit } from './quantities.ts';
import type { Vocabulary } from './subjects.ts';

/** As in a rule. */
export interface Watch {
  readonly when: When;
  readonly forMs?: number;
  readonly hysteresis?: number;
}

/** What was said together, and of which metric last. */
interface Members {
  readonly kind: 'one' | 'all' | 'any';
  readonly list: readonly Member[];
  readonly metric: Metric | undefined;
}

const FOR = say('for|for at least|for more than|for over|for longer than|for a|for the last|during');
const TOGETHER = seq(
  opt(say(',')),
  opt(say('both|all|at least one of them|all of them|either|together')),
  FOR,
  duration,
);

export function watchOf(vocabulary: Vocabulary): Parser<Watch> {
  const single = singleOf(vocabulary);
  return (source, at) =>
    groupOf(single)(source, at).flatMap(([members, end]) => [...lastingOf(members)(source, end)]);
}

/** The rest of a condition: how long it holds, and for one with a number when it re-arms. */
function lastingOf({ kind, list, metric }: Members): Parser<Watch> {
  const [only] = list;
  if (kind !== 'one' || only === undefined) {
    const when: When = kind === 'any' ? { any: list } : { all: list };
    return map(opt(TOGETHER), (held) => ({ when, ...(held === undefined ? {} : { forMs: held[3] }) }));
  }
  const { hysteresis, ...when } = only;
  if ('staleFor' in when) return map(seq(), () => ({ when }));
  const before = hysteresis === undefined ? {} : { hysteresis };
  const held = map(opt(seq(FOR, duration)), (found) => (found === undefined ? {} : { forMs: found[1] }));
  if (hysteresis !== undefined) return map(held, (lasting) => ({ when, ...before, ...lasting }));
  return map(seq(held, opt(againOf(when, metric))), ([lasting, again]) => ({
    when,
    ...lasting,
    ...(again === undefined || again === 0 ? {} : { hysteresis: again }),
  }));
}

/** The conditions between `and` or `or`, not both; a later one may leave out its metric. */
function groupOf(single: Parser<Members>): Parser<Members> {
  return (source, at) => {
    const found: (readonly [Members, number])[] = [];
    const opened = opt(say('either|both'))(source, at);
    let ways = opened.flatMap(([, begin]) => single(source, begin));
    while (ways.length > 0) {
      found.push(...ways);
      ways = ways.flatMap(([before, end]) => {
        const joined = alt(
          map(say('and|, and|and when|and if|while|and while|but'), () => 'all' as const),
          map(say('or|, or|or when|or if'), () => 'any' as const),
        )(source, end);
        return joined.flatMap(([kind, next]) => {
          if (before.kind !== 'one' && before.kind !== kind) return [];
          const more = alt(single, bareOf(before.metric))(source, next);
          return more.flatMap(([one, after]): (readonly [Members, number])[] => {
            if (one.kind !== 'one' && one.kind !== kind) return [];
            const list = [...before.list, ...one.list];
            return list.length > limits.ruleConditionsMax
              ? []
              : [[{ kind, list, metric: one.metric }, after]];
          });
        });
      });
    }
    return found;
  };
}

/** `... or below 5`: of the metric before. */
function bareOf(metric: Metric | undefined): Parser<Members> {
  if (metric === undefined) return () => [];
  return withAgain(metric, comparisonsOf(metric));
}

function singleOf({ metrics, subject, device }: Vocabulary): Parser<Members> {
  const compared: Parser<Members> = (source, at) =>
    subject(source, at).flatMap(([metric, end]) => [
      ...withAgain(metric, comparisonsOf(metric))(source, end),
    ]);
  return alt(compared, stateOf(metrics, device), silenceOf(metrics, subject, device));
}

/** "the pump is running": the name of a binary metric says what the device does. */
function stateOf(metrics: readonly Metric[], device: Parser<unknown>): Parser<Members> {
  const states = metrics.filter(({ kind }) => kind === 'binary');
  return alt(
    ...states.map((metric) =>
      map(
        seq(
          device,
          say("is|is not|isn't|starts|stops|is still|is no longer"),
          sayAny([metric.name.toLowerCase()]),
        ),
        ([, verb]): Members => {
          const value = !['is not', "isn't", 'stops', 'is no longer'].includes(verb);
          return { kind: 'one', list: [{ metric: metric.name, op: '==', value }], metric };
        },
      ),
    ),
  );
}

function withAgain(metric: Metric, comparisons: Parser<Comparisons>): Parser<Members> {
  return (source, at) =>
    comparisons(source, at).flatMap(([{ kind, list }, end]): (readonly [Members, number])[] => {
      const members = list.map((comparison): Condition => ({ metric: metric.name, ...comparison }));
      const [only] = members;
      const plain: readonly [Members, number] = [{ kind, list: members, metric }, end];
      if (kind !== 'one' || only === undefined) return [plain];
      const again = againOf(only, metric)(source, end);
      const more = again.map(([hysteresis, after]): readonly [Members, number] => [
        { kind, list: [hysteresis === 0 ? only : { ...only, hysteresis }], metric },
        after,
      ]);
      return [plain, ...more];
    });
}

const ONCE = alt(
  say('again once it was|again once it is|again when it is|again after it was|' + 'again once it has been'),
  say('and again once it was|again only once it was|again once it is back'),
  say(
    'until it is|until it is back|until it was|until it comes back|until back|' +
      'until it goes|until it falls|until it rises|until it drops|until it falls back|' +
      'until it gets back|until it returns',
  ),
);
const EDGE = alt(
  map(say('at most|below|under|back below|back under|or less'), () => 'upper' as const),
  map(say('at least|above|over|back above|back over'), () => 'lower' as const),
  map(opt(say('at|to|down to|up to|back at|back to')), () => 'any' as const),
);

/** How far it must come back. 0 means nothing, and is only said. */
function againOf(condition: Condition, metric: Metric | undefined): Parser<number> {
  const amount = map(seq(number, unit(metric?.unit)), ([value]) => value);
  const back = alt(
    map(seq(say('again once that came back by'), amount), ([, value]) => value),
    map(
      seq(say('with a hysteresis of|with hysteresis of|with hysteresis|hysteresis'), amount),
      ([, value]) => value,
    ),
    map(seq(say('with|with a'), amount, say('hysteresis|of hysteresis')), ([, value]) => value),
  );
  const ways = alt(
    back,
    map(seq(ONCE, EDGE, amount), ([, side, edge]) => distance(condition, side, edge)),
  );
  const bracketed = map(seq(say('('), ways, say(')')), ([, value]) => value);
  return map(
    alt(
      bracketed,
      map(seq(opt(say(',')), ways), ([, value]) => value),
    ),
    (value) => ('op' in condition && /^[<>]/.test(condition.op) && value >= 0 ? value : undefined),
  );
}

function distance(condition: Condition, side: 'upper' | 'lower' | 'any', edge: number): number | undefined {
  if (!('value' in condition) || typeof condition.value !== 'number') return undefined;
  const isUpper = condition.op.startsWith('>');
  if (side !== 'any' && isUpper !== (side === 'upper')) return undefined;
  const back = isUpper ? minus(condition.value, edge) : minus(edge, condition.value);
  return back >= 0 ? back : undefined;
}

/** Without what binary fractions add: 30.3 - 30.2 is 0.1. */
function minus(one: number, other: number): number {
  const decimals = Math.max(...[one, other].map((value) => (String(value).split('.')[1] ?? '').length));
  return Number((one - other).toFixed(Math.min(decimals, 15)));
}

const COME = [
  'come',
  'come in',
  'arrive',
  'report',
  'update',
  'been received',
  'been updated',
  'send anything',
  'say anything',
];
const NOT_COME = sayAny([
  ...['does not', "doesn't", 'has not', "hasn't", 'did not', "didn't"].flatMap((not) =>
    [...COME, 'arrived', 'reported'].map((verb) => `${not} ${verb}`),
  ),
  ...'is missing|is silent|is stale|is quiet|goes silent|stays silent|has been silent|is not reported'.split(
    '|',
  ),
  ...'is not received|stops coming|stops reporting|says nothing|sends nothing|sends no data'.split('|'),
]);
const COMES = opt(
  say(
    'comes|arrives|comes in|is received|is reported|has come|has arrived|was received|' +
      'has been received|is sent|data|data comes|data arrives|readings|reading|reading comes|' +
      'values|value comes|update|updates|data is received',
  ),
);
const NO_DATA = say(
  'no data|no telemetry|no message|no messages|nothing|no reading|no readings|no value|' +
    'no update|no updates|no signal',
);

function silenceOf(
  metrics: readonly Metric[],
  subject: Parser<Metric>,
  device: Parser<unknown>,
): Parser<Members> {
  const lasting = map(seq(FOR, duration), ([, lengthMs]) => lengthMs);
  const of = (metric: Metric, staleFor: number): Members => ({
    kind: 'one',
    list: [{ metric: metric.name, staleFor }],
    metric,
  });
  // Of all that the device reports; a rule has room for that of few.
  const ofAll = (staleFor: number): Members | undefined => {
    const list = metrics.map(({ name }) => ({ metric: name, staleFor }));
    if (list.length === 0 || list.length > limits.ruleConditionsMax) return undefined;
    return { kind: list.length === 1 ? 'one' : 'all', list, metric: undefined };
  };
  return alt(
    map(seq(say('no'), subject, COMES, lasting), ([, metric, , staleFor]) => of(metric, staleFor)),
    map(seq(subject, NOT_COME, lasting), ([metric, , staleFor]) => of(metric, staleFor)),
    map(
      seq(NO_DATA, opt(say('comes|arrives')), say('from|of|for|about|on'), subject, COMES, lasting),
      ([, , , metric, , staleFor]) => of(metric, staleFor),
    ),
    map(seq(NO_DATA, COMES, opt(seq(say('from|of'), device)), COMES, lasting), ([, , , , staleFor]) =>
      ofAll(staleFor),
    ),
    map(seq(device, NOT_COME, lasting), ([, , staleFor]) => ofAll(staleFor)),
  );
}
