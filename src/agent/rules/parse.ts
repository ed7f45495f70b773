/**
 * From anything a person or a model wrote to a checked rule. Every refusal is a BRG_RULE whose message
 * names the field, says what is wrong with it and lists what would be right.
 */
import { BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import {
  checkCommandArgument,
  type DeviceDefinition,
  type Metric,
  type MetricValue,
} from '../../device/index.ts';
import { OPERATORS, type Condition, type Operator, type Rule, type RuleAction } from './rule.ts';

/**
 * Checks `input` against the device's definition and returns it as a rule with only the fields it needs.
 * An absent id is made by `makeId`. Throws BRG_RULE.
 */
export function parseRule(input: unknown, definition: DeviceDefinition, makeId: () => string = newId): Rule {
  const fields = fieldsOf(input, 'rule', ['id', 'when', 'forMs', 'hysteresis', 'do']);
  const when = parseCondition(fields['when'], definition);
  const forMs = parseForMs(fields['forMs'], when);
  const hysteresis = parseHysteresis(fields['hysteresis'], when, metricOf(when.metric, definition));
  return {
    id: fields['id'] === undefined ? makeId() : parseId(fields['id']),
    when,
    ...(forMs > 0 && { forMs }),
    ...(hysteresis > 0 && { hysteresis }),
    do: parseAction(fields['do'], definition),
  };
}

const ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,${limits.ruleIdBytesMax - 1}}$`);

function parseId(input: unknown): string {
  if (typeof input === 'string' && ID.test(input)) return input;
  return refuse(
    'id',
    `must be 1 to ${limits.ruleIdBytesMax} letters, digits, ".", "_", "~" or "-", not ${show(input)}`,
  );
}

const COMPARISONS = ['value', 'delta', 'rate', 'staleFor'] as const;

function parseCondition(input: unknown, definition: DeviceDefinition): Condition {
  const fields = fieldsOf(input, 'when', ['metric', 'op', 'withinMs', ...COMPARISONS]);
  const metric = metricOf(fields['metric'], definition);
  const [comparison, second] = COMPARISONS.filter((name) => fields[name] !== undefined);
  if (comparison === undefined || second !== undefined) {
    return refuse('when', `needs exactly one of ${COMPARISONS.join(', ')}`);
  }
  if (fields['withinMs'] !== undefined && comparison !== 'delta') {
    return refuse('when.withinMs', `goes with delta only, not with ${comparison}`);
  }
  if (comparison === 'staleFor') {
    if (fields['op'] !== undefined) return refuse('when.op', 'is not used with staleFor: leave it out');
    return { metric: metric.name, staleFor: durationOf(fields['staleFor'], 'when.staleFor') };
  }
  const op = parseOperator(fields['op'], metric);
  if (comparison === 'value') {
    return { metric: metric.name, op, value: parseValue(fields['value'], op, metric) };
  }
  const amount = parseAmount(fields[comparison], comparison, metric);
  if (comparison === 'rate') return { metric: metric.name, op, rate: amount };
  if (fields['withinMs'] === undefined) return { metric: metric.name, op, delta: amount };
  if (!(op.startsWith('>') ? amount > 0 : op.startsWith('<') && amount < 0)) {
    return refuse(
      'when',
      'with withinMs, a rise is op ">" or ">=" and a delta above 0, a fall "<" or "<=" and a delta below 0',
    );
  }
  return {
    metric: metric.name,
    op,
    delta: amount,
    withinMs: durationOf(fields['withinMs'], 'when.withinMs'),
  };
}

function metricOf(name: unknown, definition: DeviceDefinition): Metric {
  const metric = definition.metrics.find((one) => one.name === name);
  if (metric?.access === 'write')
    return refuse('when.metric', `${metric.name} can only be set; the device never reports it`);
  if (metric !== undefined) return metric;
  const known = definition.metrics.map((one) => one.name).join(', ');
  if (name === undefined) return refuse('when.metric', `is missing; ${definition.model} has ${known}`);
  return refuse('when.metric', `${definition.model} has no metric ${show(name)}; it has ${known}`);
}

function parseOperator(input: unknown, metric: Metric): Operator {
  const allowed = metric.kind === 'numeric' ? OPERATORS : (['==', '!='] as const);
  const op = allowed.find((one) => one === input);
  return (
    op ??
    refuse(
      'when.op',
      `must be one of ${allowed.join(' ')} for ${metric.name} (${metric.kind}), not ${show(input)}`,
    )
  );
}

function parseValue(input: unknown, op: Operator, metric: Metric): MetricValue {
  const path = 'when.value';
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
      return parseThreshold(input, op, metric);
  }
}

function parseThreshold(input: unknown, op: Operator, metric: Metric): number {
  const value = numberOf(input, 'when.value');
  const { min = -Infinity, max = Infinity } = metric;
  if (value < min || value > max) {
    return refuse('when.value', `${value} is outside the range of ${metric.name}, ${rangeOf(metric)}`);
  }
  if ((op === '>' && value === max) || (op === '<' && value === min)) {
    return refuse('when', `${metric.name} ${op} ${value} can never be true: its range is ${rangeOf(metric)}`);
  }
  return value;
}

/** The amount of a delta or rate. */
function parseAmount(input: unknown, comparison: 'delta' | 'rate', metric: Metric): number {
  const path = `when.${comparison}`;
  if (metric.kind !== 'numeric')
    return refuse(path, `needs a numeric metric; ${metric.name} is ${metric.kind}: use value`);
  const amount = numberOf(input, path);
  const span = (metric.max ?? Infinity) - (metric.min ?? -Infinity);
  if (comparison === 'delta' && Math.abs(amount) > span) {
    return refuse(path, `${metric.name} cannot change by ${amount}: its range is ${rangeOf(metric)}`);
  }
  return amount;
}

function parseForMs(input: unknown, when: Condition): number {
  if (input === undefined || input === 0) return 0;
  if ('staleFor' in when) return refuse('forMs', 'does not go with staleFor: make staleFor longer instead');
  return durationOf(input, 'forMs');
}

function parseHysteresis(input: unknown, when: Condition, metric: Metric): number {
  if (input === undefined || input === 0) return 0;
  if ('staleFor' in when || when.op === '==' || when.op === '!=') {
    return refuse('hysteresis', 'goes only with the operators > >= < <=');
  }
  const hysteresis = numberOf(input, 'hysteresis');
  if (hysteresis < 0) return refuse('hysteresis', `must not be negative, not ${hysteresis}`);
  if ('value' in when && typeof when.value === 'number') {
    const back = when.op.startsWith('>') ? when.value - hysteresis : when.value + hysteresis;
    if (back < (metric.min ?? -Infinity) || back > (metric.max ?? Infinity)) {
      return refuse(
        'hysteresis',
        `${metric.name} can never come back to ${back}: its range is ${rangeOf(metric)}`,
      );
    }
  }
  if ('delta' in when && when.withinMs !== undefined && hysteresis > Math.abs(when.delta)) {
    return refuse(
      'hysteresis',
      `must not be more than the delta, ${Math.abs(when.delta)}, when withinMs is given`,
    );
  }
  return hysteresis;
}

const ACTIONS = {
  command: ['kind', 'name', 'argument'],
  alert: ['kind', 'text'],
  notify: ['kind', 'text'],
  ask: ['kind', 'text'],
} as const;

function parseAction(input: unknown, definition: DeviceDefinition): RuleAction {
  const { kind } = fieldsOf(input, 'do', ['kind', 'name', 'argument', 'text']);
  if (kind !== 'command' && kind !== 'alert' && kind !== 'notify' && kind !== 'ask') {
    return refuse('do.kind', `must be one of ${Object.keys(ACTIONS).join(', ')}, not ${show(kind)}`);
  }
  const fields = fieldsOf(input, 'do', ACTIONS[kind]);
  if (kind !== 'command') return { kind, text: textOf(fields['text'], 'do.text') };
  return parseCommand(fields['name'], fields['argument'], definition);
}

function parseCommand(name: unknown, input: unknown, definition: DeviceDefinition): RuleAction {
  const command = definition.commands.find((one) => one.name === name);
  if (command === undefined) {
    const known = definition.commands.map((one) => one.name).join(', ') || 'none';
    return refuse('do.name', `${definition.model} has no command ${show(name)}; it has ${known}`);
  }
  try {
    const argument = checkCommandArgument(command, input);
    return { kind: 'command', name: command.name, ...(argument != null && { argument }) };
  } catch (cause) {
    if (!(cause instanceof BridgeError)) throw cause;
    return refuse('do.argument', cause.message, cause);
  }
}

/** The fields of an object that has no others than `allowed`. */
function fieldsOf(input: unknown, path: string, allowed: readonly string[]): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refuse(path, `must be an object with ${allowed.join(', ')}, not ${show(input)}`);
  }
  const unknownKey = Object.keys(input).find((key) => !allowed.includes(key));
  if (unknownKey !== undefined)
    return refuse(path, `has no field ${show(unknownKey)}; it has ${allowed.join(', ')}`);
  return input as Record<string, unknown>; // a JSON object: its own keys were checked above
}

function numberOf(input: unknown, path: string): number {
  return typeof input === 'number' && Number.isFinite(input)
    ? input
    : refuse(path, `must be a number, not ${show(input)}`);
}

function durationOf(input: unknown, path: string): number {
  if (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= limits.ruleWaitMsMax)
    return input;
  return refuse(
    path,
    `must be a whole number of milliseconds, 1 to ${limits.ruleWaitMsMax}, not ${show(input)}`,
  );
}

function textOf(input: unknown, path: string): string {
  if (typeof input !== 'string' || input.trim() === '')
    return refuse(path, `must be a text, not ${show(input)}`);
  const bytes = Buffer.byteLength(input);
  return bytes <= limits.ruleTextBytesMax
    ? input
    : refuse(path, `has ${bytes} bytes; at most ${limits.ruleTextBytesMax} are allowed`);
}

function rangeOf(metric: Metric): string {
  const unit = metric.unit === undefined ? '' : ` ${metric.unit}`;
  return `${metric.min ?? 'any'} to ${metric.max ?? 'any'}${unit}`;
}

/** `input` as a short quote for a message. */
function show(input: unknown): string {
  if (input === undefined) return 'nothing';
  const isQuoted = typeof input === 'string' || typeof input === 'object';
  const text = isQuoted ? JSON.stringify(input) : String(input);
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`;
}

function refuse(path: string, message: string, cause?: unknown): never {
  throw new BridgeError('BRG_RULE', `${path}: ${message}`, { cause, details: { field: path } });
}
