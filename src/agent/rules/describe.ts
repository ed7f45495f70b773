/** Rules in plain English, exactly and in words that the grammar understands again. */
import type { DeviceDefinition, MetricValue } from '../../device/index.ts';
import {
  conditionsOf,
  type Condition,
  type DeltaCondition,
  type Member,
  type Operator,
  type RateCondition,
  type Rule,
  type RuleAction,
  type Timing,
} from './rule.ts';

/** The unit of a metric; undefined for none. */
type UnitOf = (metric: string) => string | undefined;

/** The rule in plain English, e.g. "when temperature is above 35 °C for 10 s: send vent open". */
export function describeRule(rule: Rule, definition: DeviceDefinition): string {
  const unitOf: UnitOf = (metric) => definition.metrics.find(({ name }) => name === metric)?.unit;
  const action = describeAction(rule.do, definition);
  const verb = rule.do.kind === 'command' ? 'send ' : '';
  return `when ${describeCondition(rule, unitOf)}: ${verb}${action}`;
}

/** What the rule waits for, e.g. "temperature is above 35 °C for 10 s". */
function describeCondition(rule: Rule, unitOf: UnitOf): string {
  return `${describeWhen(rule, unitOf)}${describeTiming(rule)}`;
}

/** Why it fired, e.g. "temperature is above 35 for 10 s"; with bare numbers. */
export function describeReason(rule: Rule): string {
  const { hysteresis: _, ...fired } = rule;
  const bare = conditionsOf(rule.when).map(({ hysteresis: _back, ...condition }) => condition);
  const when = 'all' in rule.when ? { all: bare } : 'any' in rule.when ? { any: bare } : rule.when;
  return describeWhen({ ...fired, when }, () => undefined);
}

/** What the rule does, e.g. "set-target 21 °C" or 'alert "Too hot"'. */
export function describeAction(action: RuleAction, definition?: DeviceDefinition): string {
  if (action.kind !== 'command') return `${action.kind} "${action.text}"`;
  if (action.argument === undefined) return action.name;
  const argument = definition?.commands.find((one) => one.name === action.name)?.argument;
  const unit = argument?.kind === 'numeric' ? argument.unit : undefined;
  return `${action.name} ${withUnit(action.argument, unit)}`;
}

function describeWhen(rule: Rule, unitOf: UnitOf): string {
  const { when, forMs } = rule;
  const lasting = forMs === undefined ? '' : ` for ${describeDuration(forMs)}`;
  if ('metric' in when) {
    const unit = unitOf(when.metric);
    return `${describeComparison(when, unit)}${lasting}${describeHysteresis(when, rule.hysteresis, unit)}`;
  }
  const members = conditionsOf(when).map((one) => describeMember(one, unitOf(one.metric)));
  const isAll = 'all' in when;
  const together = isAll ? (members.length === 2 ? 'both' : 'all') : 'at least one of them';
  const holding = forMs === undefined ? '' : `, ${together}${lasting}`;
  return `${members.join(isAll ? ' and ' : ' or ')}${holding}`;
}

function describeMember(member: Member, unit: string | undefined): string {
  return `${describeComparison(member, unit)}${describeHysteresis(member, member.hysteresis, unit)}`;
}

function describeTiming({ between, days, zone }: Timing): string {
  if (zone === undefined) return '';
  const times = between === undefined ? '' : ` between ${between[0]} and ${between[1]}`;
  const on = days === undefined ? '' : ` on ${days.join(', ')}`;
  return `,${times}${on} (${zone})`;
}

function describeComparison(when: Condition, unit: string | undefined): string {
  if ('value' in when) return `${when.metric} ${IS[when.op]} ${withUnit(quoted(when.value), unit)}`;
  if ('staleFor' in when) return `no ${when.metric} comes for ${describeDuration(when.staleFor)}`;
  return 'delta' in when ? describeDelta(when, unit) : describeRate(when, unit);
}

/** A text that could be taken for something else than one word has quotes: "0A" is a number and its unit. */
function quoted(value: MetricValue): MetricValue {
  return typeof value === 'string' && !/^[A-Za-z_][\w-]*$/.test(value) ? JSON.stringify(value) : value;
}

const IS: Record<Operator, string> = {
  '>': 'is above',
  '>=': 'is at least',
  '<': 'is below',
  '<=': 'is at most',
  '==': 'is',
  '!=': 'is not',
};

const BY: Record<Operator, string> = {
  '>': 'more than',
  '>=': 'at least',
  '<': 'less than',
  '<=': 'at most',
  '==': 'exactly',
  '!=': 'anything but',
};

function describeDelta(when: DeltaCondition, unit: string | undefined): string {
  const scope =
    when.withinMs === undefined ? 'from one sample to the next' : `within ${describeDuration(when.withinMs)}`;
  if (when.delta === 0 && when.op === '!=') return `${when.metric} changes ${scope}`;
  if (when.delta === 0 && when.op === '==') return `${when.metric} does not change ${scope}`;
  const { verb, op, amount } = inWords(when.op, when.delta);
  return `${when.metric} ${verb} by ${BY[op]} ${withUnit(amount, unit)} ${scope}`;
}

function describeRate(when: RateCondition, unit: string | undefined): string {
  const { verb, op, amount } = inWords(when.op, when.rate);
  return `${when.metric} ${verb} by ${BY[op]} ${withUnit(amount, unit)} per second`;
}

/** `> 5` is a rise by more than 5 and `< -5` a fall by more than 5; anything else is said as it is. */
function inWords(op: Operator, amount: number): { verb: string; op: Operator; amount: number } {
  if (amount >= 0 && op.startsWith('>')) return { verb: 'rises', op, amount };
  if (amount <= 0 && op.startsWith('<'))
    return { verb: 'falls', op: op === '<' ? '>' : '>=', amount: -amount };
  return { verb: 'changes', op, amount };
}

function describeHysteresis(
  when: Condition,
  hysteresis: number | undefined,
  unit: string | undefined,
): string {
  if (hysteresis === undefined) return '';
  if (!('value' in when) || typeof when.value !== 'number') {
    return ` (again once that came back by ${withUnit(hysteresis, unit)})`;
  }
  const isUpper = when.op.startsWith('>');
  const back = when.value + (isUpper ? -hysteresis : hysteresis);
  // Twelve digits hide the binary fraction of 30.3 - 0.1.
  const edge = withUnit(Number(back.toPrecision(12)), unit);
  return ` (again once it was ${isUpper ? 'at most' : 'at least'} ${edge})`;
}

function withUnit(value: unknown, unit: string | undefined): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return unit === undefined || unit === '' ? text : `${text} ${unit}`;
}

const DURATIONS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** Milliseconds for people: 90000 is "1 min 30 s". */
function describeDuration(durationMs: number): string {
  const parts: string[] = [];
  let rest = durationMs;
  for (const [name, lengthMs] of DURATIONS) {
    const count = Math.floor(rest / lengthMs);
    if (count > 0) parts.push(`${count} ${name}`);
    rest -= count * lengthMs;
  }
  return parts.join(' ');
}
