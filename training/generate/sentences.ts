/** Sentences that are rules: parts are said one by one and put together, with the rule they mean beside them. */
import type { Command, Metric } from '../../src/device/index.ts';
import type { ActionJson, ConditionJson, RuleJson } from '../../src/agent/rules/translator/answer-rule.ts';
import { wordsOfName } from '../../src/agent/rules/translator/device-words.ts';
import { NAMED_WINDOWS, sayNumber, someDays, someDuration, someNumber, someTime } from './amounts.ts';
import { makeCondition, rangeOf, sayMetric, type SaidCondition } from './conditions.ts';
import type { Maker } from './maker.ts';
import * as phrases from './phrases.ts';
import { expand } from './random.ts';
import { KNOWN_COMMANDS } from './vocabulary.ts';

export interface MadeSentence {
  readonly sentence: string;
  /** Undefined: not a rule. */
  readonly rule: RuleJson | undefined;
}

export function makeRule(maker: Maker): MadeSentence {
  const { random } = maker;
  if (random.chance(0.012)) return makeRequirement(maker);
  const { text, when, canLast, single } = makeWhen(maker);
  const action = makeAction(maker);
  const rule: { -readonly [K in keyof RuleJson]: RuleJson[K] } = { when, do: action.rule };
  let condition = text;
  if (canLast && random.chance(0.28)) {
    const lasting = someDuration(random);
    rule.forMs = lasting.value;
    condition = `${condition} ${maker.say(phrases.LASTING, { d: lasting.text })}`;
  }
  let frame = maker.template(phrases.FRAMES);
  if (action.isPassive)
    frame = random.pick([
      'if {C}, {A}',
      '{A} if {C}',
      'when {C}, {A}',
      '{A} when {C}',
      '{A} as soon as {C}',
      'once {C} {A}',
      'whenever {C} {A}',
      '{A} whenever {C}',
    ]);
  let body = expand(frame, { C: '\u0001', A: '\u0002' }, random)
    .replace('\u0001', () => condition)
    .replace('\u0002', () => action.text);
  if (single !== undefined && rule.forMs === undefined && random.chance(0.1))
    body = withHysteresis(maker, body, single, rule);
  if (random.chance(0.09)) body = withWindow(maker, body, rule);
  if (random.chance(0.06)) {
    const days = someDays(random);
    rule.days = days.value;
    body = around(maker, body, maker.say(phrases.ON_DAYS, { y: days.text }));
  }
  return { sentence: body, rule };
}

/** "It must stay below 5, else ..." */
function makeRequirement(maker: Maker): MadeSentence {
  const { random, device } = maker;
  const numerics = device.metrics.filter(({ kind }) => kind === 'numeric');
  if (numerics.length === 0) return makeRule(maker);
  const metric = random.pick(numerics);
  const op = random.pick(['>=', '<=']);
  const value = someNumber(rangeOf(metric), random);
  const action = makeAction(maker);
  const text = maker.say(phrases.REQUIRED[op] ?? [], {
    m: sayMetric(maker, metric),
    n: sayNumber(value, metric.unit, random),
  });
  return {
    sentence: `${text} ${action.text}`,
    rule: { when: { metric: metric.name, op, value }, do: action.rule },
  };
}

function withWindow(maker: Maker, body: string, rule: { between?: readonly string[] }): string {
  const { random } = maker;
  if (random.chance(0.25)) {
    const window = random.pick(NAMED_WINDOWS);
    rule.between = window.value;
    return around(maker, body, maker.say(phrases.NAMED_WINDOW, { w: window.text }));
  }
  const isTwelve = random.chance(0.45);
  const from = someTime(random, isTwelve);
  let to = someTime(random, isTwelve);
  while (to.value === from.value) to = someTime(random, isTwelve);
  rule.between = [from.value, to.value];
  const window = maker.say(phrases.WINDOW, { t: from.text, s: to.text });
  return around(maker, body, random.chance(0.1) ? `(${window})` : window);
}

/** Before or behind the sentence. */
function around(maker: Maker, body: string, part: string): string {
  const { random } = maker;
  if (/^(?:but|\()/.test(part) || random.chance(0.45))
    return /[?!]$/.test(body) ? `${part.replace(/^but /, '')}: ${body}` : `${body} ${part}`;
  return random.chance(0.6) ? `${part}, ${body}` : `${part} ${body}`;
}

function withHysteresis(
  maker: Maker,
  body: string,
  { metric, condition }: SaidSingle,
  rule: { hysteresis?: number },
): string {
  const { random } = maker;
  if (/[?!]$/.test(body)) return body;
  const size = typeof condition.value === 'number' ? Math.max(1, Math.abs(condition.value)) : 10;
  const amount = someNumber([1, Math.max(3, Math.min(20, size / 4))], random);
  const isUpper = condition.op?.startsWith('>') === true;
  const back =
    typeof condition.value === 'number'
      ? Number((condition.value + (isUpper ? -amount : amount)).toPrecision(12))
      : undefined;
  // Two numbers of the sentence must not be each other's meaning.
  if (amount <= 0 || amount === condition.value || amount === back || back === condition.value) return body;
  rule.hysteresis = amount;
  const comma = random.pick([' ', ', ']);
  if (random.chance(0.5) || back === undefined) {
    return body + comma + maker.say(phrases.HYSTERESIS, { h: sayNumber(amount, metric.unit, random) });
  }
  const sides = isUpper
    ? ['below', 'under', 'down to', 'at or below']
    : ['above', 'over', 'up to', 'at or above'];
  return (
    body +
    comma +
    maker.say(phrases.BACK, {
      k: sayNumber(back, metric.unit, random),
      back: random.pick(sides),
      rearm: random.pick(['rearm', 're-arm', 'reset']),
    })
  );
}

interface SaidSingle {
  readonly metric: Metric;
  readonly condition: ConditionJson;
}

interface SaidWhen {
  readonly text: string;
  readonly when: RuleJson['when'];
  readonly canLast: boolean;
  /** A single comparison of a number: it may have a hysteresis. */
  readonly single?: SaidSingle;
}

function makeWhen(maker: Maker): SaidWhen {
  const { random, device } = maker;
  const first = makeCondition(maker);
  const share = device.metrics.length > 1 ? 0.24 : 0;
  if (first.conditions.length > 1 || !random.chance(share)) return alone(first);
  const others = random.some(
    device.metrics.filter((one) => one !== first.metric),
    random.chance(0.15) ? 2 : 1,
  );
  const made = others.map((one) => makeCondition(maker, one));
  if (made.some(({ conditions }) => conditions.length > 1)) return alone(first);
  const isAll = random.chance(0.6);
  let text = maker.say(isAll ? phrases.JOINED_AND : phrases.JOINED_OR, {
    C: first.text,
    D: made[0]?.text ?? '',
  });
  if (made[1] !== undefined) {
    const word = isAll ? 'and' : 'or';
    text = random.pick([
      `${first.text}, ${made[0]?.text} ${word} ${made[1].text}`,
      `${first.text} ${word} ${made[0]?.text} ${word} ${made[1].text}`,
    ]);
  }
  const all = [first, ...made].flatMap(({ conditions }) => conditions);
  const canLast = all.every(
    ({ staleFor, delta, rate }) => staleFor === undefined && delta === undefined && rate === undefined,
  );
  return { text, when: isAll ? { all } : { any: all }, canLast };
}

function alone({ text, conditions, join, metric }: SaidCondition): SaidWhen {
  const [condition] = conditions;
  if (condition === undefined) throw new Error('a condition is empty');
  const canLast = condition.value !== undefined;
  if (conditions.length > 1)
    return { text, when: join === 'all' ? { all: conditions } : { any: conditions }, canLast };
  const isNumber = typeof condition.value === 'number' && /[<>]/.test(condition.op ?? '');
  return { text, when: condition, canLast, ...(isNumber && { single: { metric, condition } }) };
}

interface SaidAction {
  readonly text: string;
  readonly rule: ActionJson;
  /** "the vent should be opened" does not go behind "please". */
  readonly isPassive: boolean;
}

export function makeAction(maker: Maker): SaidAction {
  const { random, device } = maker;
  if (device.commands.length === 0 || random.chance(0.34)) return makeMessage(maker);
  const command = random.pick(device.commands);
  const said = sayCommand(maker, command);
  return {
    ...said,
    isPassive: /^(?:the \S.* (?:should|must|shall|has to)|I want|it (?:should|must|shall|has))\b/.test(
      said.text,
    ),
  };
}

function makeMessage(maker: Maker): SaidAction {
  const { random } = maker;
  const kind = random.chance(0.5) ? 'alert' : 'notify';
  if (random.chance(0.62))
    return {
      text: maker.say(kind === 'alert' ? phrases.ALERTS : phrases.NOTICES),
      rule: { kind },
      isPassive: false,
    };
  const text = random.pick(phrases.TEXTS);
  const isQuoted = random.chance(0.5);
  const template = maker.template(kind === 'alert' ? phrases.ALERT_TEXTS : phrases.NOTICE_TEXTS);
  const slots = {
    model: maker.modelName,
    q: isQuoted ? random.pick([`"${text}"`, `"${text}"`, `'${text}'`, `“${text}”`]) : text,
    that: random.chance(0.5) ? 'that' : '',
    with: isQuoted ? random.pick(['saying', 'with', 'with the text', 'that says', '']) : 'saying',
  };
  return { text: expand(template, slots, random), rule: { kind, text }, isPassive: false };
}

export function sayCommand(maker: Maker, command: Command): { text: string; rule: ActionJson } {
  const { random } = maker;
  const { name, argument } = command;
  const c = wordsOfName(name).join(random.chance(0.1) ? '-' : ' ');
  // "set-target": one sets the target.
  const settable = c.replace(/^set[ -]/, '');
  if (argument === null) {
    const known = KNOWN_COMMANDS.find((one) => one.name === name);
    const text =
      known !== undefined && random.chance(0.75) ? maker.say(known.ways) : maker.say(phrases.RUN, { c });
    return { text, rule: { kind: 'command', name } };
  }
  switch (argument.kind) {
    case 'enumeration': {
      const value = random.pick(argument.values);
      return { text: sayValue(maker, c, value), rule: { kind: 'command', name, argument: value } };
    }
    case 'binary': {
      const value = random.chance(0.5);
      return {
        text: sayValue(maker, c, value ? 'on' : 'off'),
        rule: { kind: 'command', name, argument: value },
      };
    }
    case 'numeric': {
      const value = someNumber([argument.min, argument.max], random);
      const length = { s: 1000, min: 60_000 }[argument.unit ?? ''];
      const n =
        length === undefined
          ? sayNumber(value, argument.unit, random)
          : random.chance(0.5)
            ? `${value}`
            : `${value} ${argument.unit === 's' ? random.pick(['s', 'seconds']) : random.pick(['min', 'minutes'])}`;
      return {
        text: maker.say(phrases.SET_NUMBER, { c: settable, n }),
        rule: { kind: 'command', name, argument: value },
      };
    }
    case 'text': {
      const text = random.pick(phrases.TEXTS);
      return {
        text: maker.say(phrases.SEND_TEXT, { c: settable, q: `"${text}"` }),
        rule: { kind: 'command', name, argument: text },
      };
    }
  }
}

function sayValue(maker: Maker, c: string, value: string): string {
  const { random } = maker;
  if (value === 'open') return maker.say(phrases.OPEN, { c });
  if (value === 'closed' || value === 'close' || value === 'shut') return maker.say(phrases.CLOSE, { c });
  if (value === 'on')
    return maker.say(random.chance(0.75) ? phrases.SWITCH : phrases.SWITCH_ON, { c, v: value });
  if (value === 'off')
    return maker.say(random.chance(0.75) ? phrases.SWITCH : phrases.SWITCH_OFF, { c, v: value });
  return maker.say(phrases.SET_VALUE, { c, v: wordsOfName(value).join(' ') });
}
