/** Conditions as people say them, with what they mean. */
import type { Metric } from '../../src/device/index.ts';
import type { ConditionJson } from '../../src/agent/rules/translator/answer-rule.ts';
import { unitOfDefinition } from '../../src/agent/rules/translator/numbers.ts';
import { wordsOfName } from '../../src/agent/rules/translator/device-words.ts';
import { sayNumber, someDuration, someNumber, someUnitOfTime } from './amounts.ts';
import type { Maker } from './maker.ts';
import * as phrases from './phrases.ts';
import { expand } from './random.ts';
import { KNOWN_BINARIES } from './vocabulary.ts';

export interface SaidCondition {
  readonly text: string;
  readonly metric: Metric;
  readonly conditions: readonly ConditionJson[];
  readonly join?: 'all' | 'any';
}

export function makeCondition(
  maker: Maker,
  metric: Metric = maker.random.pick(maker.device.metrics),
): SaidCondition {
  const { random } = maker;
  if (random.chance(metric.kind === 'numeric' ? 0.07 : 0.1)) return stale(maker, metric);
  switch (metric.kind) {
    case 'numeric':
      return numeric(maker, metric);
    case 'binary':
      return binary(maker, metric);
    case 'enumeration':
      return enumerated(maker, metric);
    case 'text':
      return stale(maker, metric);
  }
}

/** The metric in words: its name, an other word for it, with an article, with a slip of the pen. */
export function sayMetric(maker: Maker, metric: Metric, isBare = false): string {
  const { random } = maker;
  const also = maker.known(metric)?.also;
  const part = random.chance(0.2) ? partOfName(maker, metric) : undefined;
  let name = part ?? wordsOfName(metric.name).join(random.chance(0.06) ? random.pick(['-', '_']) : ' ');
  if (also !== undefined && random.chance(0.6)) name = expand(also, {}, random);
  if (random.chance(0.02) && name.length > 6)
    name = slip(name, random.int(2, name.length - 2), random.chance(0.5));
  if (random.chance(0.08))
    name = `${name} ${random.pick(['value', 'reading', 'sensor', 'level', 'of it', `of the ${maker.modelName}`, 'is value'])}`;
  if (isBare) return name;
  const articles = ['the ', 'the ', 'the ', '', '', '', 'its ', `the ${maker.modelName}'s `, 'a ', 'your '];
  return random.pick(random.chance(0.9) ? articles.slice(0, 6) : articles) + name;
}

/** "the valve" for the valve's state, "the voltage" for the only one: a word no other name of the device has. */
function partOfName({ device }: Maker, metric: Metric): string | undefined {
  const words = wordsOfName(metric.name);
  if (words.length < 2) return undefined;
  const isFirst = /^(?:state|status|mode|level|rate|position|index|value|count)$/.test(words.at(-1) ?? '');
  const part = (isFirst ? words[0] : words.at(-1)) ?? '';
  const others = [...device.metrics, ...device.commands].filter((one) => one !== metric);
  return others.some(({ name }) => wordsOfName(name).includes(part)) ? undefined : part;
}

function slip(name: string, at: number, isSwap: boolean): string {
  return isSwap
    ? name.slice(0, at) + (name[at + 1] ?? '') + (name[at] ?? '') + name.slice(at + 2)
    : name.slice(0, at) + name.slice(at + 1);
}

const OPERATORS = ['>', '>', '>', '>', '<', '<', '<', '>=', '>=', '<=', '<=', '==', '!='] as const;

function numeric(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const kind = random.next();
  if (kind < 0.14) return changed(maker, metric);
  if (kind < 0.18) return rate(maker, metric);
  if (kind < 0.24) return ranged(maker, metric);
  let op: (typeof OPERATORS)[number] = random.pick(OPERATORS);
  if ((op === '==' || op === '!=') && random.chance(0.5)) op = '>';
  const value = someNumber(rangeOf(metric), random);
  return {
    text: compared(maker, metric, op, value),
    metric,
    conditions: [{ metric: metric.name, op, value }],
  };
}

function compared(maker: Maker, metric: Metric, op: string, value: number): string {
  const { random } = maker;
  const quality = maker.known(metric)?.quality;
  const hasQuality = (one: Metric): boolean =>
    quality !== undefined &&
    (maker.known(one)?.quality?.more === quality.more || (one.unit === metric.unit && /temp/.test(one.name)));
  if (quality !== undefined && random.chance(0.3) && maker.isOnly(metric, hasQuality)) {
    const templates = phrases.QUALIFIED[op];
    const slots = {
      model: maker.modelName,
      more: quality.more,
      less: quality.less,
      subject: quality.subject,
    };
    if (templates !== undefined) {
      const [more, less, subject] = [slots.more, slots.less, slots.subject].map((one) =>
        expand(one, slots, random),
      );
      return maker.say(templates, {
        more: more ?? '',
        less: less ?? '',
        subject: subject ?? '',
        n: sayNumber(value, metric.unit, random),
      });
    }
  }
  const unit = metric.unit;
  const sharesUnit = (one: Metric): boolean =>
    one.unit !== undefined && unit !== undefined && unitOfDefinition(one.unit) === unitOfDefinition(unit);
  const byUnit = phrases.BY_UNIT[op];
  if (
    unit !== undefined &&
    unit !== '°' &&
    byUnit !== undefined &&
    random.chance(0.06) &&
    maker.isOnly(metric, sharesUnit)
  ) {
    return maker.say(byUnit, { n: sayNumber(value, unit, random, true) });
  }
  // What is above 30 without another word is the only number there is, or the temperature.
  const isNumeric = (one: Metric): boolean => one.kind === 'numeric';
  const isIt = metric.name === 'temperature' || (maker.isOnly(metric, isNumeric) && isNumeric(metric));
  if (isIt && byUnit !== undefined && random.chance(0.12))
    return maker.say(byUnit, { n: sayNumber(value, unit, random) });
  const place = /^(\w+)-temperature$/.exec(metric.name)?.[1];
  const placed = phrases.PLACED[op];
  if (place !== undefined && placed !== undefined && random.chance(0.25))
    return maker.say(placed, { place, n: sayNumber(value, unit, random) });
  return maker.say(phrases.COMPARED[op] ?? [], {
    m: sayMetric(maker, metric),
    b: sayMetric(maker, metric, true),
    n: sayNumber(value, unit, random),
  });
}

function ranged(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const { name, unit } = metric;
  const one = someNumber(rangeOf(metric), random);
  const other = someNumber(rangeOf(metric), random);
  if (one === other) return numeric(maker, metric);
  const [low, high] = [Math.min(one, other), Math.max(one, other)];
  const isInside = random.chance(0.5);
  const template = maker.template(isInside ? phrases.BETWEEN : phrases.OUTSIDE);
  const slots = {
    model: maker.modelName,
    m: sayMetric(maker, metric),
    n: sayNumber(low, random.chance(0.2) ? unit : undefined, random),
    o: sayNumber(high, unit, random),
  };
  const isOpen = /above|over|under|lower/.test(template);
  const conditions = isInside
    ? [
        { metric: name, op: isOpen ? '>' : '>=', value: low },
        { metric: name, op: isOpen ? '<' : '<=', value: high },
      ]
    : [
        { metric: name, op: '<', value: low },
        { metric: name, op: '>', value: high },
      ];
  return { text: expand(template, slots, random), metric, conditions, join: isInside ? 'all' : 'any' };
}

function changed(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const kind = random.pick([
    'up >',
    'up >=',
    'up >',
    'up >=',
    'down >',
    'down >=',
    'down >',
    'down >=',
    'move >',
    'move >=',
  ]);
  const [min, max] = rangeOf(metric);
  const amount = Math.abs(someNumber([Math.min(1, (max - min) / 20), (max - min) / 4], random)) || 1;
  const slots = { m: sayMetric(maker, metric), n: sayNumber(amount, metric.unit, random) };
  const { unit } = metric;
  const sharesUnit = (one: Metric): boolean =>
    one.unit !== undefined && unit !== undefined && unitOfDefinition(one.unit) === unitOfDefinition(unit);
  const canBeIt = unit !== undefined && unit !== '°' && maker.isOnly(metric, sharesUnit);
  const templates = (phrases.CHANGED[kind] ?? []).filter((one) => canBeIt || !one.includes('{nu}'));
  let text = maker.say(templates, { ...slots, nu: sayNumber(amount, unit, random, true) });
  const within = random.chance(0.8) ? someDuration(random) : undefined;
  if (within !== undefined) text = `${text} ${maker.say(phrases.WITHIN, { d: within.text })}`;
  const isStrict = kind.endsWith('>');
  const withinMs = within === undefined ? {} : { withinMs: within.value };
  const up = { metric: metric.name, op: isStrict ? '>' : '>=', delta: amount, ...withinMs };
  const down = { metric: metric.name, op: isStrict ? '<' : '<=', delta: -amount, ...withinMs };
  if (kind.startsWith('move')) return { text, metric, conditions: [up, down], join: 'any' };
  return { text, metric, conditions: [kind.startsWith('up') ? up : down] };
}

function rate(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const kind = random.pick(['up >', 'down >']);
  const amount = random.pick([0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10]);
  const unit = someUnitOfTime(random);
  const text = maker.say(phrases.RATES[kind] ?? [], {
    m: sayMetric(maker, metric),
    n: sayNumber(amount, metric.unit, random),
    u: unit.text,
    per: random.pick(['/ ', 'per ']),
  });
  const perSecond = amount / (unit.value / 1000);
  const condition = kind.startsWith('up')
    ? { metric: metric.name, op: '>', rate: perSecond }
    : { metric: metric.name, op: '<', rate: -perSecond };
  // "a hour"
  return { text: text.replace(/\ba hour\b/, 'an hour'), metric, conditions: [condition] };
}

function binary(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const value = random.chance(0.6);
  const known = KNOWN_BINARIES.find(({ name }) => name === metric.name);
  const usual = value ? phrases.IS_ON : phrases.IS_OFF;
  const own = value ? known?.on : known?.off;
  const text = maker.say(own !== undefined && random.chance(0.7) ? own : usual, {
    m: sayMetric(maker, metric),
    b: sayMetric(maker, metric, true),
  });
  return { text, metric, conditions: [{ metric: metric.name, op: '==', value }] };
}

function enumerated(maker: Maker, metric: Metric): SaidCondition {
  const { random } = maker;
  const value = random.pick(metric.values ?? []);
  const isNot = random.chance(0.18);
  const slots = { m: sayMetric(maker, metric), v: wordsOfName(value).join(' ') };
  let templates: readonly string[] = isNot ? phrases.IS_NOT_VALUE : phrases.IS_VALUE;
  const sharesValue = (one: Metric): boolean => one.values?.includes(value) === true;
  const isTold = maker.device.commands.some(
    ({ argument }) => argument?.kind === 'enumeration' && argument.values.includes(value),
  );
  if (!maker.isOnly(metric, sharesValue) || isTold)
    templates = templates.filter((one) => one.includes('{m}'));
  return {
    text: maker.say(templates, slots),
    metric,
    conditions: [{ metric: metric.name, op: isNot ? '!=' : '==', value }],
  };
}

function stale(maker: Maker, metric: Metric): SaidCondition {
  const duration = someDuration(maker.random);
  const text = maker.say(phrases.STALE, {
    m: sayMetric(maker, metric),
    b: sayMetric(maker, metric, true),
    d: duration.text,
  });
  return { text, metric, conditions: [{ metric: metric.name, staleFor: duration.value }] };
}

export function rangeOf(metric: Metric): readonly [number, number] {
  return [metric.min ?? 0, metric.max ?? 100].map((one) => Math.max(-1000, Math.min(one, 20_000))) as [
    number,
    number,
  ];
}
