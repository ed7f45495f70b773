/** How a value, a change or a silence is said, for one metric. */
import type { Metric, MetricValue } from '../../../device/index.ts';
import type { Operator } from '../rule.ts';
import { alt, map, meaning, opt, say, sayAny, seq, type Parser } from './parser.ts';
import { duration, number, perTime, unit } from './quantities.ts';
import { sourceOf } from './source.ts';

/** A condition without its metric. */
export type Comparison =
  | { readonly op: Operator; readonly value: MetricValue }
  | { readonly op: Operator; readonly delta: number; readonly withinMs?: number }
  | { readonly op: Operator; readonly rate: number };

/** What says a value. */
const IS = say(
  'is|is now|is still|becomes|reads|shows|measures|equals|stays at|stays|remains|gets|was|has been',
);
/** What may come before "above": then it says nothing more. */
const MOVES = say(
  'is ever|goes|rises|falls|drops|climbs|has risen|has fallen|has dropped|sinks|keeps|comes|goes up|goes down|' +
    'increases|decreases|jumps|dips|runs|moves|turns|rises up|drops down|increases to|decreases to',
);
const VERB = opt(alt(IS, MOVES));

const COMPARED: Parser<Operator> = meaning<Operator>(
  [
    '>',
    'above|over|more than|greater than|higher than|larger than|bigger than|beyond|>|' +
      'exceeds|exceed|exceeding|warmer than|hotter than|in excess of|past',
  ],
  [
    '>=',
    'at least|not below|not under|no less than|not less than|no lower than|not lower than|' +
      '>=|≥|reaches|hits|rises to|climbs to|a minimum of',
  ],
  ['<', 'below|under|less than|lower than|smaller than|beneath|<|colder than|cooler than|fewer than'],
  [
    '<=',
    'at most|not above|not over|no more than|not more than|no higher than|not higher than|' +
      '<=|≤|falls to|drops to|sinks to|a maximum of',
  ],
  ['==', 'equals|equal to|is equal to|exactly|=|=='],
  ['!=', 'not equal to|not|other than|anything but|!=|≠|different from'],
);
const OR: Parser<Operator> = meaning<Operator>(
  ['>=', 'or more|or higher|or above|or over|or greater'],
  ['<=', 'or less|or lower|or below|or under|or fewer'],
);

/** One, or two that both have to hold or of which one is enough: `between 10 and 20`. */
export interface Comparisons {
  readonly kind: 'one' | 'all' | 'any';
  readonly list: readonly Comparison[];
}

const one = (comparison: Comparison): Comparisons => ({ kind: 'one', list: [comparison] });

export function comparisonsOf(metric: Metric): Parser<Comparisons> {
  if (metric.kind !== 'numeric') return map(sameAs(metric), one);
  const amount = map(seq(number, unit(metric.unit)), ([value]) => value);
  const single = alt(
    map(seq(VERB, COMPARED, amount), ([, op, value]): Comparison => ({ op, value })),
    map(seq(IS, amount), ([, value]): Comparison => ({ op: '==', value })),
    map(seq(opt(IS), amount, OR), ([, value, op]): Comparison => ({ op, value })),
  );
  return alt(map(alt(single, changed(metric)), one), range(amount), eitherWay(metric));
}

function range(amount: Parser<number>): Parser<Comparisons> {
  const bounds = seq(amount, say('and|to'), amount);
  const inside = seq(VERB, say('between|within|inside'), bounds);
  const outside = seq(VERB, say('not between|outside|outside of|not within|out of|leaves'), bounds);
  return alt<Comparisons>(
    map(inside, ([, , [low, , high]]) => bothOf('all', '>=', low, '<=', high)),
    map(outside, ([, , [low, , high]]) => bothOf('any', '<', low, '>', high)),
  );
}

function bothOf(
  kind: 'all' | 'any',
  lowOp: Operator,
  low: number,
  highOp: Operator,
  high: number,
): Comparisons | undefined {
  if (low >= high) return undefined;
  const list = [
    { op: lowOp, value: low },
    { op: highOp, value: high },
  ];
  return { kind, list };
}

const BY: Parser<Operator> = meaning<Operator>(
  ['>', 'by more than|by over|more than|faster than|by greater than|quicker than'],
  ['>=', 'by at least|at least|by no less than|by|by not less than'],
  ['<', 'by less than|less than|slower than'],
  ['<=', 'by at most|at most|by no more than'],
  ['==', 'by exactly'],
  ['!=', 'by anything but'],
);
const UP = say('rises|increases|climbs|goes up|grows|jumps|has risen|is rising|rose|jumps up');
const DOWN = say(
  'falls|drops|decreases|sinks|goes down|declines|has fallen|is falling|has dropped|dips|' + 'shrinks',
);
const CHANGES = say('changes|moves|varies|differs');

/** Of a change: since the sample before, within a time, or in a unit of time. */
type Scope =
  | { readonly kind: 'step' }
  | { readonly kind: 'within'; readonly withinMs: number }
  | { readonly kind: 'rate'; readonly seconds: number };

const SCOPE: Parser<Scope> = alt(
  map(
    say(
      'from one sample to the next|between two samples|from one reading to the next|' +
        'between two readings|at once|since the sample before',
    ),
    (): Scope => ({ kind: 'step' }),
  ),
  map(
    seq(say('within|in|in less than|over|during|within the last|in the last'), duration),
    ([, withinMs]): Scope => ({ kind: 'within', withinMs }),
  ),
  map(perTime, (seconds): Scope => ({ kind: 'rate', seconds })),
);

function comparisonIn(scope: Scope, op: Operator, amount: number): Comparison {
  switch (scope.kind) {
    case 'step':
      return { op, delta: amount };
    case 'within':
      return { op, delta: amount, withinMs: scope.withinMs };
    case 'rate':
      return { op, rate: amount / scope.seconds };
  }
}

/** What "falls by" means for the signed change. */
const MIRRORED: Partial<Record<Operator, Operator>> = { '>': '<', '>=': '<=' };

function changed(metric: Metric): Parser<Comparison> {
  const amount = map(seq(number, unit(metric.unit)), ([value]) => value);
  const positive = map(amount, (value) => (value >= 0 ? value : undefined));
  return alt(
    map(seq(UP, BY, positive, SCOPE), ([, op, value, scope]) =>
      op.startsWith('>') ? comparisonIn(scope, op, value) : undefined,
    ),
    map(seq(DOWN, BY, positive, SCOPE), ([, said, value, scope]) => {
      const op = MIRRORED[said];
      return op === undefined ? undefined : comparisonIn(scope, op, 0 - value);
    }),
    // As it is described: the signed change itself, where it is no rise and no fall.
    map(seq(say('changes'), BY, amount, SCOPE), ([, op, value, scope]) => {
      const isDirected = op.startsWith('>') ? value >= 0 : op.startsWith('<') && value <= 0;
      return isDirected ? undefined : comparisonIn(scope, op, value);
    }),
    map(
      seq(say("changes|does not change|doesn't change"), say('from one sample to the next')),
      ([said]): Comparison => ({ op: said === 'changes' ? '!=' : '==', delta: 0 }),
    ),
  );
}

/** "changes by more than 5" is a rise or a fall. */
function eitherWay(metric: Metric): Parser<Comparisons> {
  const amount = map(seq(number, unit(metric.unit)), ([value]) => value);
  return map(seq(CHANGES, BY, amount, SCOPE), ([, op, value, scope]) => {
    const fall = MIRRORED[op];
    if (fall === undefined || value <= 0) return undefined;
    return { kind: 'any', list: [comparisonIn(scope, op, value), comparisonIn(scope, fall, 0 - value)] };
  });
}

const SAME: Parser<Operator> = meaning<Operator>(
  [
    '==',
    'is|becomes|gets|turns|goes|stays|is still|remains|equals|reads|is set to|switches to|changes to|goes to|=',
  ],
  ['!=', "is not|isn't|is no longer|is not any more|is other than|does not equal|is anything but|!="],
);

function sameAs(metric: Metric): Parser<Comparison> {
  const value = valueOf(metric);
  return alt(
    map(seq(SAME, value), ([op, same]): Comparison => ({ op, value: same })),
    ...(metric.kind === 'binary' ? [] : [map(value, (same): Comparison => ({ op: '==', value: same }))]),
  );
}

function valueOf({ kind, values }: Metric): Parser<MetricValue> {
  switch (kind) {
    case 'binary':
      return meaning<MetricValue>([true, 'on|true|yes'], [false, 'off|false|no']);
    case 'enumeration':
      return alt(
        ...(values ?? []).map((value) => map(alt(quoted(value), sayAny([spellingOf(value)])), () => value)),
      );
    default:
      return ({ text, tokens }, at) => {
        const token = tokens[at];
        if (token === undefined) return [];
        return [[token.kind === 'text' ? token.said : text.slice(token.start, token.end), at + 1]];
      };
  }
}

function quoted(value: string): Parser<unknown> {
  return ({ tokens }, at) =>
    tokens[at]?.kind === 'text' && tokens[at].said === value ? [[value, at + 1]] : [];
}

/** As tokens, with one space between them. */
export function spellingOf(value: string): string {
  return sourceOf(value)
    .tokens.map(({ said }) => said)
    .join(' ');
}
