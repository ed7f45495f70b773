/** What a rule watches, checked against the metrics of the device: one condition, or a group of them. */
import { limits } from '../../base/limits.ts';
import type { DeviceDefinition, Metric, MetricValue } from '../../device/index.ts';
import { durationOf, fieldsOf, numberOf, refuse, show, textOf } from './parse-fields.ts';
import { OPERATORS, type Condition, type Member, type Operator, type When } from './rule.ts';

const COMPARISONS = ['value', 'delta', 'rate', 'staleFor'] as const;
const FIELDS = ['metric', 'op', 'withinMs', ...COMPARISONS];

/** @throws BridgeError BRG_RULE */
export function parseWhen(input: unknown, definition: DeviceDefinition): When {
  const kind = groupKind(input);
  if (kind === undefined) return parseCondition(fieldsOf(input, 'when', FIELDS), definition, 'when');
  const path = `when.${kind}`;
  const list = fieldsOf(input, 'when', [kind])[kind];
  const most = limits.ruleConditionsMax;
  if (!Array.isArray(list) || list.length < 2 || list.length > most)
    return refuse(path, `must be a list of 2 to ${most} conditions, not ${show(list)}`);
  const members = list.map((one: unknown, at) => parseMember(one, definition, `${path}[${at}]`));
  return kind === 'all' ? { all: members } : { any: members };
}

function groupKind(input: unknown): 'all' | 'any' | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  return Object.hasOwn(input, 'all') ? 'all' : Object.hasOwn(input, 'any') ? 'any' : undefined;
}

function parseMember(input: unknown, definition: DeviceDefinition, path: string): Member {
  const { hysteresis, ...fields } = fieldsOf(input, path, [...FIELDS, 'hysteresis']);
  const condition = parseCondition(fields, definition, path);
  const back = parseHysteresis(hysteresis, condition, definition, `${path}.hysteresis`);
  return back > 0 ? { ...condition, hysteresis: back } : condition;
}

function parseCondition(
  fields: Readonly<Record<string, unknown>>,
  definition: DeviceDefinition,
  path: string,
): Condition {
  const metric = metricOf(fields['metric'], definition, `${path}.metric`);
  const [comparison, second] = COMPARISONS.filter((name) => fields[name] !== undefined);
  if (comparison === undefined || second !== undefined) {
    return refuse(path, `needs exactly one of ${COMPARISONS.join(', ')}`);
  }
  if (fields['withinMs'] !== undefined && comparison !== 'delta') {
    return refuse(`${path}.withinMs`, `goes with delta only, not with ${comparison}`);
  }
  if (comparison === 'staleFor') {
    if (fields['op'] !== undefined) return refuse(`${path}.op`, 'is not used with staleFor: leave it out');
    return { metric: metric.name, staleFor: durationOf(fields['staleFor'], `${path}.staleFor`) };
  }
  const op = parseOperator(fields['op'], metric, `${path}.op`);
  if (comparison === 'value') {
    return { metric: metric.name, op, value: parseValue(fields['value'], op, metric, path) };
  }
  const amount = parseAmount(fields[comparison], comparison, metric, `${path}.${comparison}`);
  if (comparison === 'rate') return { metric: metric.name, op, rate: amount };
  if (fields['withinMs'] === undefined) return { metric: metric.name, op, delta: amount };
  if (!(op.startsWith('>') ? amount > 0 : op.startsWith('<') && amount < 0)) {
    return refuse(
      path,
      'with withinMs, a rise is op ">" or ">=" and a delta above 0, a fall "<" or "<=" and a delta below 0',
    );
  }
  return {
    metric: metric.name,
    op,
    delta: amount,
    withinMs: durationOf(fields['withinMs'], `${path}.withinMs`),
  };
}

function metricOf(name: unknown, definition: DeviceDefinition, path: string): Metric {
  const metric = definition.metrics.find((one) => one.name === name);
  if (metric?.access === 'write')
    return refuse(path, `${metric.name} can only be set; the device never reports it`);
  if (metric !== undefined) return metric;
  const known = definition.metrics.map((one) => one.name).join(', ');
  if (name === undefined) return refuse(path, `is missing; ${definition.model} has ${known}`);
  return refuse(path, `${definition.model} has no metric ${show(name)}; it has ${known}`);
}

function parseOperator(input: unknown, metric: Metric, path: string): Operator {
  const allowed = metric.kind === 'numeric' ? OPERATORS : (['==', '!='] as const);
  const op = allowed.find((one) => one === input);
  return (
    op ??
    refuse(
      path,
      `must be one of ${allowed.join(' ')} for ${metric.name} (${metric.kind}), not ${show(input)}`,
    )
  );
}

function parseValue(input: unknown, op: Operator, metric: Metric, condition: string): MetricValue {
  const path = `${condition}.value`;
  switch (metric.kind) {
    case 'binary':
      return typeof input === 'boolean'
        ? input
        : refuse(path, `must be true or false for ${metric.name}, not ${show(input)}`);
    case 'enumeration': {
      const value = metric.values?.find((one) => one === input);
      return (
        value ??
        refuse(
          path,
          `must be one of ${(metric.values ?? []).join(', ')} for ${metric.name}, not ${show(input)}`,
        )
      );
    }
    case 'text':
      return textOf(input, path);
    case 'numeric':
      return parseThreshold(input, op, metric, condition);
  }
}

function parseThreshold(input: unknown, op: Operator, metric: Metric, path: string): number {
  const value = numberOf(input, `${path}.value`);
  const { min = -Infinity, max = Infinity } = metric;
  if (value < min || value > max) {
    return refuse(`${path}.value`, `${value} is outside the range of ${metric.name}, ${rangeOf(metric)}`);
  }
  if ((op === '>' && value === max) || (op === '<' && value === min)) {
    return refuse(path, `${metric.name} ${op} ${value} can never be true: its range is ${rangeOf(metric)}`);
  }
  return value;
}

/** The amount of a delta or rate. */
function parseAmount(input: unknown, comparison: 'delta' | 'rate', metric: Metric, path: string): number {
  if (metric.kind !== 'numeric')
    return refuse(path, `needs a numeric metric; ${metric.name} is ${metric.kind}: use value`);
  const amount = numberOf(input, path);
  const span = (metric.max ?? Infinity) - (metric.min ?? -Infinity);
  if (comparison === 'delta' && Math.abs(amount) > span) {
    return refuse(path, `${metric.name} cannot change by ${amount}: its range is ${rangeOf(metric)}`);
  }
  return amount;
}

/** 0 when there is none. @throws BridgeError BRG_RULE */
export function parseHysteresis(
  input: unknown,
  when: Condition,
  definition: DeviceDefinition,
  path: string,
): number {
  if (input === undefined || input === 0) return 0;
  if ('staleFor' in when || when.op === '==' || when.op === '!=') {
    return refuse(path, 'goes only with the operators > >= < <=');
  }
  const hysteresis = numberOf(input, path);
  if (hysteresis < 0) return refuse(path, `must not be negative, not ${hysteresis}`);
  const metric = metricOf(when.metric, definition, path);
  if ('value' in when && typeof when.value === 'number') {
    const back = when.op.startsWith('>') ? when.value - hysteresis : when.value + hysteresis;
    if (back < (metric.min ?? -Infinity) || back > (metric.max ?? Infinity)) {
      return refuse(path, `${metric.name} can never come back to ${back}: its range is ${rangeOf(metric)}`);
    }
  }
  if ('delta' in when && when.withinMs !== undefined && hysteresis > Math.abs(when.delta)) {
    return refuse(path, `must not be more than the delta, ${Math.abs(when.delta)}, when withinMs is given`);
  }
  return hysteresis;
}

function rangeOf(metric: Metric): string {
  const unit = metric.unit === undefined ? '' : ` ${metric.unit}`;
  return `${metric.min ?? 'any'} to ${metric.max ?? 'any'}${unit}`;
}
